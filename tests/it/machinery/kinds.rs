//! Columns of every kind that data has: sorted with their nulls, and filtered.

use chartroom::db::filter::{Kind, Operator};
use chartroom::db::page::{
    CursorKey, Direction, Found, Key, Nulls, PageQuery, Place, Scope, Sorts, Sql, Written,
};
use chartroom::db::sql::Writer;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types as sql;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use utoipa_axum::router::OpenApiRouter;
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

/// By the cursors, as clients walk.
#[tokio::test]
async fn the_pages_are_the_whole_list_wherever_the_nulls_are() {
    let cursors = CursorKey::new(&[7; 32]);
    let scope = || Scope::new("readings", "/", "", vec![]);
    for seed in [1, 2] {
        let (app, session) = filled(60, seed).await;
        for (column, nulls) in COLUMNS
            .into_iter()
            .flat_map(|column| [(column, Nulls::First), (column, Nulls::Last)])
        {
            for direction in [Direction::Ascending, Direction::Descending] {
                let way = match direction {
                    Direction::Ascending => "ASC",
                    Direction::Descending => "DESC",
                };
                let end = match nulls {
                    Nulls::First => "FIRST",
                    Nulls::Last => "LAST",
                };
                let order = format!("{column} {way} NULLS {end}, id {way}");
                let all = format!("SELECT id FROM readings ORDER BY {order}");
                let all = ids(&session, &all).await;
                for limit in [1, 4, 10, 60] {
                    let (mut met, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
                    loop {
                        let sort = By(column, nulls);
                        let wanted = PageQuery {
                            sort,
                            direction,
                            limit,
                            counts: true,
                            after: cursor.map(|text| cursors.open(&scope(), &text).unwrap()),
                        };
                        let read = async |conn: &mut AsyncPgConnection| page(conn, &wanted).await;
                        let found = app.app.db.read(read).await.unwrap();
                        let (rows, is_last, total) = found.parts(limit);
                        assert_eq!(total, Some(60));
                        assert!(is_last || rows.len() == limit, "{order}");
                        met.extend(rows.iter().map(|row| row.id));
                        pages += 1;
                        if is_last {
                            break;
                        }
                        cursor = rows
                            .last()
                            .map(|row| cursors.seal(&scope(), &sort.place(row)));
                    }
                    assert_eq!(met, all, "{order}, {limit} a page");
                    assert_eq!(pages, 60_usize.div_ceil(limit), "{order}");
                }
            }
        }
    }
}

/// An index on the column and the id serves every part in both directions.
#[tokio::test]
async fn a_later_page_of_a_column_with_nulls_reads_no_more_than_the_first() {
    let app = TestApp::with(&["--database-connections=1"], OpenApiRouter::new()).await;
    let session = app.database.session().await;
    session.batch_execute(TABLE).await.unwrap();
    let fill = "INSERT INTO readings (id, number) SELECT gen_random_uuid(), \
        CASE WHEN n % 2 = 0 THEN n % 50 END FROM generate_series(1, 20000) n; ANALYZE readings";
    session.batch_execute(fill).await.unwrap();
    for nulls in [Nulls::First, Nulls::Last] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut after = None;
            for _ in 0..70 {
                let wanted = PageQuery {
                    sort: By("number", nulls),
                    direction,
                    limit: 200,
                    counts: false,
                    after,
                };
                let before = read(&app).await;
                let load = async |conn: &mut AsyncPgConnection| page(conn, &wanted).await;
                let found = app.app.db.write(load).await.unwrap();
                let rows = read(&app).await - before;
                assert!(
                    (201..=402).contains(&rows),
                    "{nulls:?}, {direction:?}: {rows}"
                );
                let (shown, is_last, _) = found.parts(200);
                assert!(!is_last);
                after = shown.last().map(|row| wanted.sort.place(row));
            }
        }
    }
}

/// How many rows the application's one connection has read.
async fn read(app: &TestApp) -> i64 {
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = sql::BigInt)]
        rows: i64,
    }
    let flush = "SELECT pg_stat_force_next_flush()";
    let ask = "SELECT pg_stat_get_tuples_returned('readings'::regclass) \
        + pg_stat_get_tuples_returned('readings_number_idx'::regclass) AS rows";
    let read = async |conn: &mut AsyncPgConnection| {
        diesel::sql_query(flush).execute(conn).await?;
        diesel::sql_query(ask).get_result::<Read>(conn).await
    };
    app.app.db.write(read).await.unwrap().rows
}

/// Which rows a filter finds, or what it takes instead.
async fn matching(
    app: &TestApp,
    (column, kind): (&str, Kind),
    operator: Operator,
    value: &str,
) -> Result<Vec<Uuid>, &'static str> {
    let statement = || {
        let mut sql = Writer::default();
        sql.text("SELECT id FROM readings WHERE ");
        kind.condition(&mut sql, column, operator, value)?;
        sql.text(" ORDER BY id");
        Ok(sql.statement::<sql::Uuid>())
    };
    statement()?;
    let find = async |conn: &mut AsyncPgConnection| {
        let statement = statement()
            .map_err(|what: &str| diesel::result::Error::QueryBuilderError(what.into()))?;
        statement.load::<Uuid>(conn).await
    };
    Ok(app.app.db.read(find).await.unwrap())
}

/// What PostgreSQL says of the same value, written into the statement as a literal.
#[tokio::test]
async fn a_filter_means_what_its_operator_means_for_the_kind() {
    let (app, session) = filled(80, 3).await;
    let signs = [
        (Operator::Is, "="),
        (Operator::IsNot, "IS DISTINCT FROM"),
        (Operator::Less, "<"),
        (Operator::AtMost, "<="),
        (Operator::More, ">"),
        (Operator::AtLeast, ">="),
    ];
    for (column, kind, sql_type, values) in [
        ("word", Kind::Text, "text", ["", "a", "%", "\u{e9}\\"]),
        (
            "whole",
            Kind::Int,
            "bigint",
            ["-1", "0", "7", "9223372036854775807"],
        ),
        (
            "number",
            Kind::Float,
            "float8",
            ["-0.1", "0", "2.5", "1e-300"],
        ),
        (
            "amount",
            Kind::Decimal,
            "numeric",
            ["-1.5", "1", "1.000000000000000000001", "0.0"],
        ),
        (
            "day",
            Kind::Date,
            "date",
            ["0001-01-01", "1999-12-31", "2000-01-01", "2026-11-29"],
        ),
        (
            "at",
            Kind::Time,
            "timestamptz",
            [
                "1970-01-01T00:59:59.999999+01:00",
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:00.000001Z",
                "2030-01-01T00:00:00Z",
            ],
        ),
        (
            "mark",
            Kind::Uuid,
            "uuid",
            [
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "00000000-0000-0000-0000-000000000001",
                "10000000-0000-0000-0000-000000000000",
            ],
        ),
        (
            FLAG,
            Kind::Bool,
            "boolean",
            ["true", "false", "true", "false"],
        ),
    ] {
        let quoted = format!("\"{}\"", column.replace('"', "\"\""));
        let find = async |condition: &str| {
            let query = format!("SELECT id FROM readings WHERE {quoted} {condition} ORDER BY id");
            ids(&session, &query).await
        };
        let filter =
            async |operator, value: &str| matching(&app, (column, kind), operator, value).await;
        for value in values {
            for (operator, sign) in signs {
                let found = filter(operator, value).await;
                if kind.has(operator) {
                    let expected = find(&format!("{sign} '{value}'::{sql_type}")).await;
                    assert_eq!(found.unwrap(), expected, "{column} {operator:?} {value}");
                } else {
                    assert_eq!(found.unwrap_err(), "another operator");
                }
            }
        }
        assert_eq!(
            filter(Operator::IsNull, "true").await.unwrap(),
            find("IS NULL").await
        );
        assert_eq!(
            filter(Operator::IsNull, "false").await.unwrap(),
            find("IS NOT NULL").await
        );
        assert!(filter(Operator::IsNull, "yes").await.is_err());
        if kind.has(Operator::In) {
            let list = values.map(|value| format!("'{value}'")).join(", ");
            let expected = find(&format!("IN ({list})")).await;
            assert!(!expected.is_empty());
            assert_eq!(
                filter(Operator::In, &values.join(",")).await.unwrap(),
                expected
            );
            let one = filter(Operator::In, values[1]).await.unwrap();
            assert_eq!(one, filter(Operator::Is, values[1]).await.unwrap());
        }
    }
}

/// Letters are letters: `%`, `_` and `\` are no patterns, and case counts.
#[tokio::test]
async fn a_text_is_searched_for_as_it_is() {
    let (app, session) = filled(80, 4).await;
    let words = session.query(
        "SELECT id, word FROM readings WHERE word IS NOT NULL ORDER BY id",
        &[],
    );
    let words: Vec<(Uuid, String)> = words
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    for part in [
        "",
        "a",
        "A",
        "%",
        "_",
        "\\",
        "a%",
        "\u{e9}",
        "\u{1F600}",
        "'",
        ":me",
    ] {
        for operator in [Operator::Contains, Operator::StartsWith] {
            let expected = words.iter().filter(|(_, word)| match operator {
                Operator::Contains => word.contains(part),
                _ => word.starts_with(part),
            });
            let expected: Vec<_> = expected.map(|(id, _)| *id).collect();
            let found = matching(&app, ("word", Kind::Text), operator, part).await;
            assert_eq!(found.unwrap(), expected, "{operator:?} {part}");
        }
    }
}

/// What PostgreSQL would refuse is refused before, by the kind's own words.
#[tokio::test]
async fn a_value_of_another_kind_is_refused() {
    let (app, _) = filled(1, 5).await;
    let long = "1".repeat(1001);
    for (column, kind, values) in [
        ("word", Kind::Text, vec!["a\0b"]),
        (
            "whole",
            Kind::Int,
            vec!["", "1.0", "9223372036854775808", "x"],
        ),
        (
            "number",
            Kind::Float,
            vec!["", "NaN", "inf", "1e999", "0x1"],
        ),
        (
            "amount",
            Kind::Decimal,
            vec!["", "-", ".5", "1.", "1e5", "NaN", "1.2.3", &long],
        ),
        (
            "day",
            Kind::Date,
            vec!["", "2026-02-29", "yesterday", "2026-11-29T00:00:00Z"],
        ),
        (
            "at",
            Kind::Time,
            vec!["", "2026-11-29", "2026-11-29T25:00:00Z", "now"],
        ),
        (
            "mark",
            Kind::Uuid,
            vec!["", "1", "g0000000-0000-0000-0000-000000000000"],
        ),
        (FLAG, Kind::Bool, vec!["", "1", "TRUE", "null"]),
    ] {
        for value in values {
            let found = matching(&app, (column, kind), Operator::Is, value).await;
            assert_eq!(found.unwrap_err(), kind.expected(), "{value}");
            if kind.has(Operator::In) && !value.contains(',') {
                let list = format!("{value},");
                assert!(
                    matching(&app, (column, kind), Operator::In, &list)
                        .await
                        .is_err()
                );
            }
        }
    }
}
