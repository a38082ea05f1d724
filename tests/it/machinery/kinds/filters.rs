//! Filters of columns of every kind.

use chartroom::db::filter::{Kind, Operator};
use chartroom::db::sql::Writer;
use diesel::result::Error;
use diesel::sql_types as sql;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{FLAG, filled, ids};
use crate::support::app::TestApp;

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
        let statement = statement().map_err(|what: &str| Error::QueryBuilderError(what.into()))?;
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
            vec![
                "",
                "2026-02-29",
                "yesterday",
                "-0001-01-01",
                "+10000-01-01",
                "2026-11-29T00:00:00Z",
            ],
        ),
        (
            "at",
            Kind::Time,
            vec![
                "",
                "2026-11-29",
                "2026-11-29T25:00:00Z",
                "now",
                "0000-01-01T00:00:00Z",
            ],
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
