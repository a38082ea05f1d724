//! What is judged while a file is read, and what the table judges: of many values both say the
//! same.

use chartroom::datasets::column::{ColumnType, Columns};
use chartroom::datasets::rules::check::Checks;
use chartroom::datasets::value::{is_value, plain};
use http::Method;
use serde_json::{Value, json};

use super::super::Place;
use super::ruled;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(u64::try_from(all.len()).unwrap())).unwrap()]
    }

    fn digits(&mut self, most: u64) -> String {
        let count = self.below(most + 1);
        let digit = |_| char::from(b'0' + u8::try_from(self.below(10)).unwrap());
        (0..count).map(digit).collect()
    }

    fn decimal(&mut self) -> String {
        let sign = self.pick(&["", "-", "+"]);
        let (whole, part) = (self.digits(9), self.digits(9));
        let exponent = self.pick(&["", "", "", "e2", "e-3", "E6", "e0"]);
        format!("{sign}0{whole}.{part}{exponent}")
    }

    fn text(&mut self) -> String {
        let count = self.below(6);
        let one = |_| self.pick(&["a", "ß", "日", "\u{1f600}", "e\u{301}", "'", "\\", " "]);
        (0..count).map(one).collect()
    }

    fn value(&mut self, kind: ColumnType) -> String {
        match kind {
            ColumnType::Text => self.text(),
            ColumnType::Int | ColumnType::Bigint => {
                let sign = self.pick(&["", "-"]);
                format!("{sign}{}", self.below(40))
            }
            ColumnType::Float64 => {
                let of = [
                    "-0.0",
                    "0",
                    "1e-320",
                    "1.5",
                    "0.1",
                    "1e308",
                    "-2.5",
                    "1.5000000000000002",
                ];
                match self.below(2) {
                    0 => self.pick(&of).to_owned(),
                    _ => self.decimal(),
                }
            }
            ColumnType::Decimal => match self.below(3) {
                0 => self
                    .pick(&[
                        "1.5",
                        "1.50",
                        "15e-1",
                        "-0",
                        "0.000",
                        "10000",
                        "1e4",
                        "9999.9999",
                    ])
                    .to_owned(),
                _ => self.decimal(),
            },
            ColumnType::Bool => self.pick(&["true", "f", "YES", "0"]).to_owned(),
            ColumnType::Date => format!(
                "20{:02}-{:02}-1{}",
                self.below(50),
                self.below(12) + 1,
                self.below(9)
            ),
            ColumnType::Timestamp => {
                let zone = self.pick(&["", "Z", "+02:00", "-11:30"]);
                let fraction = self.pick(&["", ".5", ".000001"]);
                format!(
                    "2026-01-0{}T{:02}:30:00{fraction}{zone}",
                    self.below(3) + 1,
                    self.below(24)
                )
            }
            ColumnType::IntRange => {
                let (from, more) = (self.below(4) * 5, self.below(3) * 5);
                match self.below(4) {
                    0 => format!("over {from}"),
                    1 => format!("under {from}"),
                    _ => format!("{from} to {}", from + more),
                }
            }
            ColumnType::Json => unreachable!("it has no rules"),
        }
    }
}

/// The types with their rules, of which about half of the values break one.
fn ruled_columns() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("a", "int", json!({ "min": -7, "max": 20 })),
        (
            "b",
            "bigint",
            json!({ "one_of": ["1", "-3", "5", "8", "13", "21", "34", "0", "2", "4", "6"] }),
        ),
        ("c", "float64", json!({ "min": 0.1 })),
        (
            "d",
            "float64",
            json!({ "max": 1.5, "one_of": [0, 1.5, -2.5, 1e-320] }),
        ),
        (
            "e",
            "decimal",
            json!({ "min": "-10.25", "max": "9999.9999" }),
        ),
        ("f", "decimal", json!({ "one_of": ["1.500", "0", "1e4"] })),
        (
            "g",
            "date",
            json!({ "min": "2010-06-15", "max": "2039-12-31" }),
        ),
        (
            "h",
            "timestamp",
            json!({ "min": "2026-01-01T12:00:00Z", "max": "2026-01-02T23:30:00.5+02:00" }),
        ),
        ("i", "text", json!({ "min_length": 2, "max_length": 3 })),
        (
            "j",
            "text",
            json!({ "one_of": ["", "a", "'", "\\", "ß", "日", "a'", "' "] }),
        ),
        ("k", "bool", json!({ "one_of": [true] })),
        (
            "l",
            "int_range",
            json!({ "one_of": ["5-10", "10+", "up to 4", "0"] }),
        ),
    ]
}

#[tokio::test]
async fn the_table_refuses_what_is_refused_before_it_and_nothing_else() {
    let place = Place::new().await;
    let dataset = ruled(&place, &ruled_columns(), json!({})).await;
    let records = format!("{dataset}/records");
    let first = place.send(Method::POST, &records, Some(json!({}))).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let shown = place.get(&dataset).await.json();
    let columns: Columns = serde_json::from_value(shown["columns"].clone()).unwrap();
    let checks = Checks::of(&columns).unwrap();
    let table = place.number("SELECT generation FROM datasets").await;
    let mut random = Random(0x2026_1201_2026_1201);
    for (at, column) in columns.0.iter().enumerate() {
        let (mut kept, mut broken) = (0, 0);
        for _ in 0..150 {
            let text = random.value(column.kind);
            if !is_value(column.kind, &text, &mut Vec::new()) {
                continue;
            }
            let judged = checks.value(at, &text);
            let written = plain(column.kind, &text).unwrap_or_else(|| text.clone());
            let insert = format!(
                "BEGIN; INSERT INTO dataset_rows.g{table} (rid, came, c{}) VALUES (-1, 0, '{}'::{})",
                at + 1,
                written.replace('\'', "''"),
                column.kind.sql()
            );
            let done = place.session.batch_execute(&insert).await;
            place.session.batch_execute("ROLLBACK").await.unwrap();
            let refused = done.map_err(|error| error.code().unwrap().code().to_owned());
            let said = format!("{} {text:?}: {judged:?} {refused:?}", column.field);
            match judged {
                None => assert!(refused.is_ok(), "{said}"),
                Some(_) => assert_eq!(refused, Err("23514".to_owned()), "{said}"),
            }
            if judged.is_some() {
                broken += 1;
            } else {
                kept += 1;
            }
        }
        assert!(
            kept >= 5 && broken >= 5,
            "{}: {kept} {broken}",
            column.field
        );
    }
}

/// A load is compared as a whole: of random values, those are left out that the table would refuse.
#[tokio::test]
async fn a_file_is_judged_as_the_table_judges_it() {
    let place = Place::new().await;
    let dataset = ruled(&place, &ruled_columns(), json!({})).await;
    let shown = place.get(&dataset).await.json();
    let columns: Columns = serde_json::from_value(shown["columns"].clone()).unwrap();
    let checks = Checks::of(&columns).unwrap();
    let mut random = Random(0x0dd_ba11);
    let names: Vec<&str> = columns.0.iter().map(|it| it.name.as_str()).collect();
    let mut file = format!("{}\n", names.join(","));
    let mut good = 0;
    for _ in 0..400 {
        // Few of twelve values are there, or no record would be good.
        let mut is_good = true;
        let fields: Vec<String> = columns
            .0
            .iter()
            .enumerate()
            .map(|(at, column)| {
                if random.below(8) > 0 {
                    return String::new();
                }
                let text = random.value(column.kind);
                let is_value = is_value(column.kind, &text, &mut Vec::new());
                is_good &= is_value && checks.value(at, &text).is_none();
                format!("\"{text}\"")
            })
            .collect();
        file.push_str(&fields.join(","));
        file.push('\n');
        good += i64::from(is_good);
    }
    let import = place.load(&dataset, "?on_error=skip", &file).await;
    assert_eq!(import["rows_written"], good);
    assert!((50..350).contains(&good), "{good}");
}
