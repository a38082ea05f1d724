//! Rows of notifications and preferences.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use crate::db::purge::{BATCH, in_batches};
use crate::db::{Db, DbError};
use crate::kernel::types::{PrincipalId, words};
use crate::schema::{notifications, preferences};

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notifications, check_for_backend(diesel::pg::Pg))]
pub struct Notification {
    pub id: i64,
    pub kind: String,
    pub project_id: Uuid,
    pub subject: String,
    pub actor_id: Option<Uuid>,
    pub data: Value,
    pub at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum NotificationSort {
    Id,
}

impl Sorts for NotificationSort {
    type Row = Notification;
    const LIST: &'static str = "notifications";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id)];
    const DEFAULT: (Self, Direction) = (Self::Id, Direction::Descending);

    fn place(self, row: &Notification) -> Place {
        Place {
            key: Key::Int(row.id),
            id: Uuid::nil(),
        }
    }
}

pub type NotificationPage = PageQuery<NotificationSort>;

impl Notification {
    pub async fn page(
        connection: &mut AsyncPgConnection,
        page: &NotificationPage,
        who: PrincipalId,
        unread: Option<bool>,
    ) -> QueryResult<Found<Self>> {
        let NotificationSort::Id = page.sort;
        let query = || {
            let mut query = notifications::table
                .filter(notifications::user_id.eq(who))
                .select(Self::as_select())
                .into_boxed();
            match unread {
                Some(true) => query = query.filter(notifications::read_at.is_null()),
                Some(false) => query = query.filter(notifications::read_at.is_not_null()),
                None => {}
            }
            query
        };
        // Ids are unique, so nothing is to be told apart among equal ones.
        let nothing = diesel::dsl::sql::<diesel::sql_types::Uuid>(
            "'00000000-0000-0000-0000-000000000000'::uuid",
        );
        page.load(connection, query, notifications::id, nothing)
            .await
    }

    /// Marks one as read or not; `None` where the person has no such notification.
    pub async fn mark(
        connection: &mut AsyncPgConnection,
        who: PrincipalId,
        id: i64,
        read: Option<bool>,
    ) -> QueryResult<Option<Self>> {
        let own = notifications::table
            .filter(notifications::id.eq(id))
            .filter(notifications::user_id.eq(who));
        let Some(read) = read else {
            return own
                .select(Self::as_select())
                .first(connection)
                .await
                .optional();
        };
        // The first time counts.
        let first = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>(
            "coalesce(read_at, now())",
        );
        if read {
            diesel::update(own)
                .set(notifications::read_at.eq(first))
                .returning(Self::as_returning())
                .get_result(connection)
                .await
                .optional()
        } else {
            diesel::update(own)
                .set(notifications::read_at.eq(None::<DateTime<Utc>>))
                .returning(Self::as_returning())
                .get_result(connection)
                .await
                .optional()
        }
    }
}

/// Removes notifications as old as that, some thousands at most; says how many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        diesel::sql_query(
            "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications \
             WHERE at < now() - interval '90 days' ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<diesel::sql_types::Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}

words! {
    /// Whether you are told
    Mode {
        /// As soon as it happens
        Now = "now",
        Off = "off",
    }
}

words! {
    /// A way to tell somebody
    Channel {
        InApp = "in_app",
    }
}

/// What the person has chosen, by kind.
pub async fn chosen(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
) -> QueryResult<Vec<(String, Mode)>> {
    preferences::table
        .filter(preferences::user_id.eq(who))
        .filter(preferences::channel.eq(Channel::InApp))
        .select((preferences::kind, preferences::mode))
        .load(connection)
        .await
}

pub async fn choose(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
    kind: &str,
    mode: Mode,
) -> QueryResult<()> {
    diesel::insert_into(preferences::table)
        .values((
            preferences::user_id.eq(who),
            preferences::kind.eq(kind),
            preferences::channel.eq(Channel::InApp),
            preferences::mode.eq(mode),
        ))
        .on_conflict((
            preferences::user_id,
            preferences::kind,
            preferences::channel,
        ))
        .do_update()
        .set(preferences::mode.eq(mode))
        .execute(connection)
        .await?;
    Ok(())
}
