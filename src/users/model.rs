//! Rows of users, and what is done to them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::schema::users;
use crate::types::PrincipalId;

#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    pub id: PrincipalId,
    pub email: String,
    pub username: Option<String>,
    pub name: Option<String>,
    pub profile: Value,
    pub password_hash: String,
    pub is_admin: bool,
    pub is_disabled: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub struct NewUser {
    pub id: PrincipalId,
    pub email: String,
    pub email_key: String,
    pub username: Option<String>,
    pub username_key: Option<String>,
    pub name: Option<String>,
    pub profile: Value,
    pub password_hash: String,
    pub is_admin: bool,
}

impl User {
    pub async fn find(
        connection: &mut AsyncPgConnection,
        id: PrincipalId,
    ) -> QueryResult<Option<Self>> {
        users::table
            .find(id)
            .select(Self::as_select())
            .first(connection)
            .await
            .optional()
    }

    /// By email or username, folded by `names::key_of`. A username holds no `@`, so never both.
    pub async fn by_login(
        connection: &mut AsyncPgConnection,
        key: &str,
    ) -> QueryResult<Option<Self>> {
        let by_key = users::email_key.eq(key).or(users::username_key.eq(key));
        users::table
            .filter(by_key)
            .select(Self::as_select())
            .first(connection)
            .await
            .optional()
    }

    /// A user and its principal, in one statement.
    pub async fn insert(connection: &mut AsyncPgConnection, new: &NewUser) -> QueryResult<Self> {
        let NewUser {
            id,
            email,
            email_key,
            username,
            username_key,
            name,
            profile,
            password_hash,
            is_admin,
        } = new;
        diesel::sql_query(
            "WITH principal AS (INSERT INTO principals (id, kind) VALUES ($1, 'user') RETURNING id) \
             INSERT INTO users (id, email, email_key, username, username_key, name, profile, password_hash, is_admin) \
             SELECT id, $2, $3, $4, $5, $6, $7, $8, $9 FROM principal RETURNING *",
        )
        .bind::<SqlUuid, _>(*id)
        .bind::<Text, _>(email)
        .bind::<Text, _>(email_key)
        .bind::<Nullable<Text>, _>(username)
        .bind::<Nullable<Text>, _>(username_key)
        .bind::<Nullable<Text>, _>(name)
        .bind::<Jsonb, _>(profile)
        .bind::<Text, _>(password_hash)
        .bind::<diesel::sql_types::Bool, _>(*is_admin)
        .get_result(connection)
        .await
    }

    /// Replaces the hash only where it is still the one that was checked.
    pub async fn rehash(
        connection: &mut AsyncPgConnection,
        id: PrincipalId,
        old: &str,
        new: &str,
    ) -> QueryResult<usize> {
        let unchanged = users::table.find(id).filter(users::password_hash.eq(old));
        diesel::update(unchanged)
            .set(users::password_hash.eq(new))
            .execute(connection)
            .await
    }
}
