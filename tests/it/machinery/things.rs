//! A feature as features are written: its table and model, the handlers beside.

use chartroom::db::page::{Direction, Found, Key, PageQuery, Place, Sorts};
use chartroom::http::answer::page::PageParams;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::handlers::router;
use crate::support::app::TestApp;

/// A trigger that lets a test choose what happens in the middle of a creation.
pub(super) const TABLE: &str = "
    CREATE TABLE things (
        id uuid PRIMARY KEY,
        title text NOT NULL,
        note text,
        votes bigint NOT NULL,
        version bigint DEFAULT 1 NOT NULL,
        created_at timestamp with time zone NOT NULL,
        CONSTRAINT things_title_check CHECK (title <> 'forbidden')
    );
    CREATE INDEX things_created_at_idx ON things (created_at, id);
    CREATE INDEX things_votes_idx ON things (votes, id);
    CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.title LIKE 'slow%' THEN PERFORM pg_sleep(substr(NEW.title, 5)::float8); END IF;
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER things_pause AFTER INSERT ON things FOR EACH ROW EXECUTE FUNCTION pause();
";

diesel::table! {
    things (id) {
        id -> Uuid,
        title -> Text,
        note -> Nullable<Text>,
        votes -> BigInt,
        version -> BigInt,
        created_at -> Timestamptz,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = things)]
pub(super) struct Thing {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) note: Option<String>,
    pub(super) votes: i64,
    pub(super) version: i64,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum ThingSort {
    CreatedAt,
    Title,
    Votes,
    Id,
}

impl Sorts for ThingSort {
    type Row = Thing;
    const LIST: &'static str = "things";
    const ALL: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("title", Self::Title),
        ("votes", Self::Votes),
        ("id", Self::Id),
    ];
    const DEFAULT: (Self, Direction) = (Self::CreatedAt, Direction::Descending);

    fn place(self, row: &Thing) -> Place {
        let key = match self {
            Self::CreatedAt => Key::Time(row.created_at),
            Self::Title => Key::Text(row.title.clone()),
            Self::Votes => Key::Int(row.votes),
            Self::Id => Key::Uuid(row.id),
        };
        Place { key, id: row.id }
    }

    fn weight(row: &Thing) -> usize {
        row.note.as_ref().map_or(0, String::len)
    }
}

pub(super) type ThingPage = PageParams<ThingSort>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ThingFilter {
    #[serde(rename = "votes__gte")]
    votes_gte: Option<i64>,
}

impl Thing {
    pub(super) async fn page(
        conn: &mut AsyncPgConnection,
        page: &PageQuery<ThingSort>,
        filter: &ThingFilter,
    ) -> QueryResult<Found<Self>> {
        let wanted = || {
            let all = things::table.select(Self::as_select()).into_boxed();
            match filter.votes_gte {
                Some(votes) => all.filter(things::votes.ge(votes)),
                None => all,
            }
        };
        match page.sort {
            ThingSort::CreatedAt => {
                page.load(conn, wanted, things::created_at, things::id)
                    .await
            }
            ThingSort::Title => page.load(conn, wanted, things::title, things::id).await,
            ThingSort::Votes => page.load(conn, wanted, things::votes, things::id).await,
            ThingSort::Id => page.load(conn, wanted, things::id, things::id).await,
        }
    }

    pub(super) async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<Self>> {
        things::table
            .find(id)
            .select(Self::as_select())
            .first(conn)
            .await
            .optional()
    }
}

/// The application with this feature, and a caller in it.
pub(super) async fn app(flags: &[&str]) -> (TestApp, String) {
    let app = TestApp::with(flags, router()).await;
    let session = app.database.session().await;
    session.batch_execute(TABLE).await.unwrap();
    (app, caller(&session).await)
}

pub(super) async fn caller(session: &tokio_postgres::Client) -> String {
    let id = Uuid::now_v7();
    session
        .execute(
            "INSERT INTO principals (id, kind) VALUES ($1, 'workload')",
            &[&id],
        )
        .await
        .unwrap();
    id.to_string()
}
