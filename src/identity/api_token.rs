//! API tokens: secrets for programs, each with a name, an end, and what it may do. Kept as hashes;
//! `authenticate` asks for them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::revocation::{self, Subject};
use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::db::transaction::Tx;
use crate::kernel::types::{ApiTokenId, PrincipalId};
use crate::schema::{api_tokens, users};

/// More than anybody keeps apart by name; expired ones count until they are deleted.
pub const MOST_PER_USER: i64 = 100;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub name: String,
    pub access: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = api_tokens)]
pub struct NewApiToken<'a> {
    pub id: ApiTokenId,
    pub user_id: PrincipalId,
    pub name: &'a str,
    pub access: &'static str,
    pub secret_hash: &'a [u8],
    pub expires_at: Option<DateTime<Utc>>,
}

/// What became of a new token.
pub enum Inserted {
    Token(ApiToken),
    /// The user has [`MOST_PER_USER`] already.
    TooMany,
    NoUser,
}

#[derive(Clone, Copy, PartialEq)]
pub enum ApiTokenSort {
    CreatedAt,
}

impl Sorts for ApiTokenSort {
    type Row = ApiToken;
    const LIST: &'static str = "api tokens";
    const ALL: &'static [(&'static str, Self)] = &[("created_at", Self::CreatedAt)];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &ApiToken) -> Place {
        let key = match self {
            Self::CreatedAt => Key::Time(row.created_at),
        };
        Place { key, id: row.id.0 }
    }
}

pub type ApiTokenPage = PageQuery<ApiTokenSort>;

impl ApiToken {
    pub async fn page(
        connection: &mut AsyncPgConnection,
        page: &ApiTokenPage,
        user: PrincipalId,
    ) -> QueryResult<Found<Self>> {
        let wanted = || {
            api_tokens::table
                .filter(api_tokens::user_id.eq(user))
                .select(Self::as_select())
        };
        match page.sort {
            ApiTokenSort::CreatedAt => {
                page.load(connection, wanted, api_tokens::created_at, api_tokens::id)
                    .await
            }
        }
    }

    pub async fn find(
        connection: &mut AsyncPgConnection,
        user: PrincipalId,
        id: ApiTokenId,
    ) -> QueryResult<Option<Self>> {
        api_tokens::table
            .find(id)
            .filter(api_tokens::user_id.eq(user))
            .select(Self::as_select())
            .first(connection)
            .await
            .optional()
    }

    /// Which one a secret is, and whose.
    pub async fn known_by(
        connection: &mut AsyncPgConnection,
        secret_hash: &[u8],
    ) -> QueryResult<Option<(ApiTokenId, PrincipalId)>> {
        api_tokens::table
            .filter(api_tokens::secret_hash.eq(secret_hash))
            .select((api_tokens::id, api_tokens::user_id))
            .first(connection)
            .await
            .optional()
    }

    /// In the caller's transaction, until whose end the user's row is locked: two at once do not
    /// both find room for the last.
    pub async fn insert(
        connection: &mut AsyncPgConnection,
        new: &NewApiToken<'_>,
    ) -> QueryResult<Inserted> {
        let user: Option<PrincipalId> = users::table
            .find(new.user_id)
            .select(users::id)
            .for_no_key_update()
            .first(connection)
            .await
            .optional()?;
        if user.is_none() {
            return Ok(Inserted::NoUser);
        }
        let count: i64 = api_tokens::table
            .filter(api_tokens::user_id.eq(new.user_id))
            .count()
            .get_result(connection)
            .await?;
        if count >= MOST_PER_USER {
            return Ok(Inserted::TooMany);
        }
        diesel::insert_into(api_tokens::table)
            .values(new)
            .returning(Self::as_returning())
            .get_result(connection)
            .await
            .map(Inserted::Token)
    }

    /// Ends one token, on every replica with the caller's transaction; nothing is revoked where
    /// there is none.
    pub async fn delete(tx: &mut Tx<'_>, user: PrincipalId, id: ApiTokenId) -> QueryResult<bool> {
        let deleted: Vec<ApiTokenId> = diesel::delete(api_tokens::table.find(id))
            .filter(api_tokens::user_id.eq(user))
            .returning(api_tokens::id)
            .get_results(tx.connection())
            .await?;
        let is_there = !deleted.is_empty();
        revoke(tx, deleted).await?;
        Ok(is_there)
    }

    /// Ends all tokens of a user, the same way.
    pub async fn delete_all(tx: &mut Tx<'_>, user: PrincipalId) -> QueryResult<()> {
        let deleted: Vec<ApiTokenId> = diesel::delete(api_tokens::table)
            .filter(api_tokens::user_id.eq(user))
            .returning(api_tokens::id)
            .get_results(tx.connection())
            .await?;
        revoke(tx, deleted).await
    }
}

async fn revoke(tx: &mut Tx<'_>, deleted: Vec<ApiTokenId>) -> QueryResult<()> {
    let subjects: Vec<Subject> = deleted.into_iter().map(Subject::ApiToken).collect();
    revocation::revoke(tx, &subjects).await
}
