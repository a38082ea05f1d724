//! Columns of every kind that data has: sorted with their nulls, and filtered.

mod filters;
mod walks;

use chartroom::db::page::{Direction, Found, Key, Nulls, PageQuery, Place, Sorts, Sql, Written};
use chartroom::db::sql::Writer;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types as sql;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::walks::Random;
use crate::support::app::TestApp;

/// Names that have to be quoted, and some that would be something else without.
const TABLE: &str = r#"
    CREATE TABLE readings (
        id uuid PRIMARY KEY,
        word text COLLATE "C",
        whole bigint,
        number double precision,
        amount numeric,
        day date,
        at timestamp with time zone,
        mark uuid,
        "is ""it"", :me?" boolean
    );
    CREATE INDEX readings_number_idx ON readings (number, id);
"#;
const FLAG: &str = r#"is "it", :me?"#;

diesel::table! {
    readings (id) {
        id -> Uuid,
        word -> Nullable<Text>,
        whole -> Nullable<BigInt>,
        number -> Nullable<Double>,
        amount -> Nullable<Numeric>,
        day -> Nullable<Date>,
        at -> Nullable<Timestamptz>,
        mark -> Nullable<Uuid>,
    }
}

#[derive(Clone, Debug, Queryable)]
struct Reading {
    id: Uuid,
    word: Option<String>,
    whole: Option<i64>,
    number: Option<f64>,
    amount: Option<String>,
    day: Option<NaiveDate>,
    at: Option<DateTime<Utc>>,
    mark: Option<Uuid>,
}

type Columns = (
    sql::Uuid,
    sql::Nullable<sql::Text>,
    sql::Nullable<sql::BigInt>,
    sql::Nullable<sql::Double>,
    sql::Nullable<sql::Text>,
    sql::Nullable<sql::Date>,
    sql::Nullable<sql::Timestamptz>,
    sql::Nullable<sql::Uuid>,
);

#[derive(Clone, Copy, Debug, PartialEq)]
struct By(&'static str, Nulls);

const COLUMNS: [&str; 7] = ["word", "whole", "number", "amount", "day", "at", "mark"];

impl Sorts for By {
    type Row = Reading;
    const LIST: &'static str = "readings";
    const ALL: &'static [(&'static str, Self)] = &[];
    const DEFAULT: (Self, Direction) = (Self("word", Nulls::Last), Direction::Ascending);

    fn place(self, row: &Reading) -> Place {
        let key = match self.0 {
            "word" => row.word.clone().map(Key::Text),
            "whole" => row.whole.map(Key::Int),
            "number" => row.number.map(Key::Float),
            "amount" => row.amount.clone().map(Key::Decimal),
            "day" => row.day.map(Key::Date),
            "at" => row.at.map(Key::Time),
            _ => row.mark.map(Key::Uuid),
        };
        Place {
            key: key.unwrap_or(Key::Null),
            id: row.id,
        }
    }

    fn nulls(self) -> Nulls {
        self.1
    }
}

struct Readings;

impl Written for Readings {
    type Columns = Columns;

    fn all(&self) -> Writer<'static> {
        self.shown()
    }

    fn shown(&self) -> Writer<'static> {
        let mut sql = Writer::default();
        sql.text(
            "SELECT id, word, whole, number, amount::text, day, at, mark FROM readings WHERE true",
        );
        sql
    }
}

async fn page(conn: &mut AsyncPgConnection, page: &PageQuery<By>) -> QueryResult<Found<Reading>> {
    let (list, id) = (|| Sql::new(Readings), readings::id);
    match page.sort.0 {
        "word" => page.load(conn, list, readings::word, id).await,
        "whole" => page.load(conn, list, readings::whole, id).await,
        "number" => page.load(conn, list, readings::number, id).await,
        "amount" => page.load(conn, list, readings::amount, id).await,
        "day" => page.load(conn, list, readings::day, id).await,
        "at" => page.load(conn, list, readings::at, id).await,
        _ => page.load(conn, list, readings::mark, id).await,
    }
}

/// Few different values, a third of them null, and what is hard to sort: numbers that are none, the
/// same decimal with other digits, texts that look like patterns.
async fn filled(rows: usize, seed: u64) -> (TestApp, tokio_postgres::Client) {
    let app = TestApp::new().await;
    let session = app.database.session().await;
    session.batch_execute(TABLE).await.unwrap();
    let mut random = Random(seed);
    let mut one = |values: &[&str]| {
        let place = random.below(u64::try_from(values.len() * 3 / 2).unwrap());
        let value = values.get(usize::try_from(place).unwrap());
        value.map_or("NULL".to_owned(), |value| format!("'{value}'"))
    };
    for n in 0..rows {
        let insert = format!(
            "INSERT INTO readings VALUES (md5('{seed} {n}')::uuid, {}, {}, {}, {}, {}, {}, {}, {})",
            one(&["", "a", "A%", "a_b", "%", "\u{e9}\\", "\u{1F600}"]),
            one(&[
                "-9223372036854775808",
                "-1",
                "0",
                "7",
                "9223372036854775807"
            ]),
            one(&[
                "-Infinity",
                "-0.1",
                "0",
                "-0",
                "1e-300",
                "2.5",
                "Infinity",
                "NaN"
            ]),
            one(&[
                "-1.5",
                "0",
                "1.0",
                "1.00",
                "1.000000000000000000001",
                "12345678901234567890.5"
            ]),
            one(&["0001-01-01", "1999-12-31", "2000-01-01", "9999-12-31"]),
            one(&[
                "1969-12-31 23:59:59.999999Z",
                "2026-01-01Z",
                "2026-01-01 00:00:00.000001Z"
            ]),
            one(&[
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff"
            ]),
            one(&["true", "false"]),
        );
        session.batch_execute(&insert).await.unwrap();
    }
    (app, session)
}

async fn ids(session: &tokio_postgres::Client, query: &str) -> Vec<Uuid> {
    let rows = session.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
