//! Rows of notifications and preferences.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::db::page::{Direction, Found, Key, PageQuery, Place, Sorts, no_id};
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

/// More are not counted.
pub const MOST_COUNTED: i64 = 100;

/// How many notifications somebody has not read.
pub async fn unread(mut connection: &AsyncPgConnection, who: PrincipalId) -> QueryResult<i64> {
    let some = notifications::table
        .filter(notifications::user_id.eq(who))
        .filter(notifications::in_app)
        .filter(notifications::read_at.is_null())
        .select(notifications::id)
        .limit(MOST_COUNTED);
    let found: Vec<i64> = some.load(&mut connection).await?;
    Ok(i64::try_from(found.len()).unwrap_or(MOST_COUNTED))
}

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
                .filter(notifications::in_app)
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
        let nothing = no_id();
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
            .filter(notifications::user_id.eq(who))
            .filter(notifications::in_app);
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
    /// Whether you are told by mail. No mail goes to an address that you have not confirmed
    MailMode {
        /// With a mail for each
        Now = "now",
        /// With one mail a day for all of them
        Daily = "daily",
        Off = "off",
    }
}

words! {
    /// A way to tell somebody
    Channel {
        InApp = "in_app",
        Mail = "mail",
    }
}

/// What a person wants to be told of a kind, by each way.
#[derive(Clone, Copy)]
pub struct Choice {
    pub in_app: Mode,
    pub mail: MailMode,
}

impl Default for Choice {
    /// What nobody has chosen: mail is sent to those alone who asked for it.
    fn default() -> Self {
        Self {
            in_app: Mode::Now,
            mail: MailMode::Off,
        }
    }
}

/// What the person has chosen, by kind.
pub async fn chosen(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
) -> QueryResult<HashMap<String, Choice>> {
    let by = |channel: Channel| {
        preferences::table
            .filter(preferences::user_id.eq(who))
            .filter(preferences::channel.eq(channel))
    };
    let in_app: Vec<(String, Mode)> = by(Channel::InApp)
        .select((preferences::kind, preferences::mode))
        .load(connection)
        .await?;
    let mail: Vec<(String, MailMode)> = by(Channel::Mail)
        .select((preferences::kind, preferences::mode))
        .load(connection)
        .await?;
    let mut chosen: HashMap<String, Choice> = HashMap::new();
    for (kind, mode) in in_app {
        chosen.entry(kind).or_default().in_app = mode;
    }
    for (kind, mode) in mail {
        chosen.entry(kind).or_default().mail = mode;
    }
    Ok(chosen)
}

/// `mode` is a word of the channel's modes.
pub async fn choose(
    connection: &mut AsyncPgConnection,
    who: PrincipalId,
    kind: &str,
    channel: Channel,
    mode: &'static str,
) -> QueryResult<()> {
    diesel::insert_into(preferences::table)
        .values((
            preferences::user_id.eq(who),
            preferences::kind.eq(kind),
            preferences::channel.eq(channel),
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
