//! What binary `COPY` takes of us is what PostgreSQL's own casts make of the same texts.

use serde_json::json;

use super::Place;

/// Numbers that are not the same each time, and are.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn digits(&mut self, most: u64) -> String {
        let length = self.below(most) + 1;
        (0..length)
            .map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap()))
            .collect()
    }
}

fn texts(kind: &str, chance: &mut Chance) -> String {
    let sign = ["", "-"][usize::try_from(chance.below(2)).unwrap()];
    match kind {
        "decimal" => match chance.below(4) {
            0 => format!("{sign}{}", chance.digits(40)),
            1 => format!("{sign}{}.{}", chance.digits(12), chance.digits(30)),
            2 => format!(
                "{sign}0.{}{}",
                "0".repeat(usize::try_from(chance.below(20)).unwrap()),
                chance.digits(9)
            ),
            _ => format!(
                "{sign}{}.{}e{}",
                chance.digits(3),
                chance.digits(3),
                i64::try_from(chance.below(60)).unwrap() - 30
            ),
        },
        "bigint" => format!("{sign}{}", chance.digits(18)),
        "float64" => format!(
            "{sign}{}.{}e{}",
            chance.digits(3),
            chance.digits(17),
            i64::try_from(chance.below(600)).unwrap() - 300
        ),
        "date" => format!(
            "{:04}-{:02}-{:02}",
            chance.below(9999) + 1,
            chance.below(12) + 1,
            chance.below(28) + 1
        ),
        "timestamp" => format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{}{}",
            chance.below(9998) + 1,
            chance.below(12) + 1,
            chance.below(27) + 2,
            chance.below(24),
            chance.below(60),
            chance.below(60),
            chance.digits(6),
            ["Z", "+05:30", "-0800", "+14"][usize::try_from(chance.below(4)).unwrap()],
        ),
        "bool" => ["true", "F", "yes", "0"][usize::try_from(chance.below(4)).unwrap()].to_owned(),
        "json" => format!("{{\"a\": [{}, null, \"ü\"]}}", chance.below(1000)),
        "text" => [
            "",
            "plain",
            "a \"quote\"",
            "line\nbreak",
            "日本, ü",
            " spaces ",
        ][usize::try_from(chance.below(6)).unwrap()]
        .to_owned(),
        _ => unreachable!("{kind}"),
    }
}

#[tokio::test]
async fn every_value_is_what_postgresql_makes_of_its_text() {
    const KINDS: [(&str, &str); 8] = [
        ("decimal", "numeric"),
        ("bigint", "bigint"),
        ("float64", "double precision"),
        ("date", "date"),
        ("timestamp", "timestamptz"),
        ("bool", "boolean"),
        ("json", "jsonb"),
        ("text", "text"),
    ];
    let place = Place::new().await;
    let mut chance = Chance(20_261_129);
    for (kind, sql) in KINDS {
        let dataset = place.dataset(&[("v", kind)], json!({})).await;
        let values: Vec<String> = (0..500).map(|_| texts(kind, &mut chance)).collect();
        let mut file = "v\n".to_owned();
        for value in &values {
            file += &format!("\"{}\"\n", value.replace('"', "\"\""));
        }
        place.load(&dataset, "", &file).await;
        let table: i64 = place.number("SELECT max(generation) FROM datasets").await;
        let rows = format!(
            "SELECT count(*) FROM dataset_rows.g{table} AS r JOIN unnest($1::text[]) WITH ORDINALITY AS t (v, n) ON t.n = r.rid \
             WHERE r.c1 = t.v::{sql} AND (r.c1::text = (t.v::{sql})::text)"
        );
        let same: i64 = place
            .session
            .query_one(&rows, &[&values])
            .await
            .unwrap()
            .get(0);
        assert_eq!(same, 500, "{kind}");
    }
}

/// All rows of a file, as `COPY` of PostgreSQL itself loads them.
#[tokio::test]
async fn a_load_equals_that_of_copy_and_tells_null_from_empty_text() {
    use bytes::Bytes;
    use futures_util::SinkExt as _;

    let place = Place::new().await;
    let columns = [
        ("id", "bigint"),
        ("t", "text"),
        ("d", "decimal"),
        ("day", "date"),
    ];
    let dataset = place.dataset(&columns, json!({})).await;
    let mut chance = Chance(7);
    let mut file = "id,t,d,day\n".to_owned();
    for id in 0..2_000 {
        let text = match chance.below(4) {
            0 => String::new(),
            1 => "\"\"".to_owned(),
            _ => format!("\"{}\"", texts("text", &mut chance).replace('"', "\"\"")),
        };
        let number = if chance.below(5) == 0 {
            String::new()
        } else {
            texts("decimal", &mut chance)
        };
        let day = if chance.below(5) == 0 {
            String::new()
        } else {
            texts("date", &mut chance)
        };
        file += &format!("{id},{text},{number},{day}\n");
    }
    place.load(&dataset, "", &file).await;
    place
        .session
        .batch_execute("CREATE TABLE plain (c1 bigint, c2 text, c3 numeric, c4 date)")
        .await
        .unwrap();
    let sink = place
        .session
        .copy_in::<_, Bytes>("COPY plain FROM STDIN (FORMAT csv, HEADER)")
        .await
        .unwrap();
    let mut sink = std::pin::pin!(sink);
    sink.send(Bytes::from(file)).await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), 2_000);
    let hash = |table: &str| {
        format!("SELECT md5(string_agg(ROW(c1, c2, c3, c4)::text, ';' ORDER BY c1)) FROM {table}")
    };
    let ours = place.text(&hash("dataset_rows.g1")).await;
    assert_eq!(ours, place.text(&hash("plain")).await);
    // The control: one that differs has another.
    place
        .session
        .batch_execute(
            "UPDATE plain SET c2 = NULL WHERE c1 = (SELECT min(c1) FROM plain WHERE c2 = '')",
        )
        .await
        .unwrap();
    assert_ne!(ours, place.text(&hash("plain")).await);
}
