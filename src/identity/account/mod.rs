//! Rows of users, and what is done to them.

pub mod deletion;
pub mod directory;
pub mod names;
pub mod rights;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::db::transaction::Failure;
use crate::kernel::error::{ApiError, Code};
use crate::kernel::types::PrincipalId;
use crate::schema::users;

#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    pub id: PrincipalId,
    pub email: String,
    pub username: Option<String>,
    pub name: Option<String>,
    pub password_hash: String,
    pub is_admin: bool,
    pub is_disabled: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub mail_paused_at: Option<DateTime<Utc>>,
    pub mail_paused_reason: Option<String>,
}

/// With what is only for its owner to read, and may be long.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Account {
    #[diesel(embed)]
    pub user: User,
    pub profile: Value,
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

/// See [`User::confirm`].
#[derive(Debug, QueryableByName)]
pub struct Confirmed {
    #[diesel(sql_type = Bool)]
    pub is_admin: bool,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

diesel::define_sql_function! {
    fn pg_advisory_xact_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Held by who makes the first account: of two at once, one is.
const FIRST: i64 = 0x6669_7273_7400;

impl Account {
    /// Whether there is no account yet.
    pub async fn is_none_there(mut connection: &AsyncPgConnection) -> QueryResult<bool> {
        let any = diesel::dsl::exists(users::table.select(users::id));
        let is_any: bool = diesel::select(any).get_result(&mut connection).await?;
        Ok(!is_any)
    }

    /// The same in a transaction that makes the first one, which nobody else does until it ends.
    pub async fn may_be_first(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
        let lock = diesel::select(pg_advisory_xact_lock(FIRST));
        lock.execute(connection).await?;
        Self::is_none_there(connection).await
    }

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

    /// A user and its principal, in one statement, and what it is found by, in another of the
    /// caller's transaction.
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
        let account: Self = diesel::sql_query(
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
        .bind::<Bool, _>(*is_admin)
        .get_result(connection)
        .await?;
        directory::remember(connection, &account.user).await?;
        Ok(account)
    }
}

/// Which name somebody else has already, where that is why a user was not written.
pub fn taken(error: diesel::result::Error) -> Failure {
    use diesel::result::{DatabaseErrorKind, Error};
    let conflict = |detail: &'static str| ApiError::new(Code::Conflict, detail).into();
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => match info
            .constraint_name()
        {
            Some("users_email_key_key") => conflict("there is an account with this email already"),
            Some("users_username_key_key") => conflict("this username is taken"),
            _ => error.into(),
        },
        _ => error.into(),
    }
}

impl User {
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

    /// For as long as the transaction lasts, nobody else signs the user in or ends more than one of
    /// the sessions.
    pub async fn lock(connection: &mut AsyncPgConnection, id: PrincipalId) -> QueryResult<()> {
        let row = users::table.find(id).select(users::id);
        row.for_no_key_update()
            .execute(connection)
            .await
            .map(|_| ())
    }

    /// For a password found good a moment ago: whether the user administers, and when that was true
    /// by the database's clock; `None` where the password was replaced or the user disabled
    /// meanwhile. The lock makes whoever does that wait for us or us see it.
    pub async fn confirm(
        connection: &mut AsyncPgConnection,
        id: PrincipalId,
        password_hash: &str,
    ) -> QueryResult<Option<Confirmed>> {
        diesel::sql_query(
            "SELECT is_admin, clock_timestamp() AS at FROM users \
             WHERE id = $1 AND NOT is_disabled AND password_hash = $2 FOR SHARE",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(password_hash)
        .get_result(connection)
        .await
        .optional()
    }
}
