//! The two workbooks of the U.S. Census Bureau that the reference system for datasets loads from
//! files of the server, here through the API and as they are published: eight lines of header,
//! seven tables of ages below each other in one sheet, footnotes in the cells of years.

use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use super::Place;
use super::pictures::well_formed;
use crate::support::app::{Answer, outcome};
use crate::support::snapshot;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How the workbooks are read: docs/DATASETS.md has the same.
const OPTIONS: &str = "skip_rows=3\
    &columns=year,male_count,male_income,male_income_2019,female_count,female_income,female_income_2019\
    &section_column=race:%5E(White%7CAsian)\
    &section_column=age_range:%5E%5C.*(%5Cd%2B%20.*Years.*)\
    &skip_if=%5E(Age%20and%20year%7CNumber%7CCurrent%7CSOURCE%7CSource%7CFootnotes)\
    &strip=year:%5Cs*%5C(%5Cd%2B%5C)$";

async fn send(place: &Place, dataset: &str, query: &str, name: &str) -> Answer {
    let file = std::fs::read(format!("tests/data/{name}")).unwrap();
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("content-type", WORKBOOK),
    ];
    let target = format!("{dataset}/imports?{query}");
    place
        .app
        .send(Method::POST, &target, &headers, file.into())
        .await
}

#[tokio::test]
async fn the_published_workbooks_are_loaded_and_compared() {
    let place = Place::with_files().await;
    let columns = [
        ("race", "text"),
        ("age_range", "int_range"),
        ("year", "int"),
        ("male_count", "int"),
        ("male_income", "int"),
        ("male_income_2019", "int"),
        ("female_count", "int"),
        ("female_income", "int"),
        ("female_income_2019", "int"),
    ];
    let dataset = place.dataset(&columns, json!({ "name": "Income" })).await;
    for name in ["p08w.xlsx", "p08a.xlsx"] {
        let answer = send(&place, &dataset, OPTIONS, name).await;
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
        let import: Value = answer.json();
        assert_eq!(import["rows_written"], 140, "{name}: {import}");
    }
    assert_eq!(place.get(&dataset).await.json()["rows"], 280);
    let cells = place
        .get(&format!(
            "{dataset}/aggregate?group_by=race,age_range,year&measures=count"
        ))
        .await
        .json();
    let cells = cells["groups"].as_array().unwrap();
    let doubled: Vec<_> = cells.iter().filter(|cell| cell["count"] == 2).collect();
    assert_eq!((cells.len(), doubled.len()), (252, 28));
    assert!(
        doubled
            .iter()
            .all(|cell| cell["year"] == 2013 || cell["year"] == 2017)
    );
    let compare = async |query: &str| {
        let target = format!(
            "{dataset}/compare?by=race&groups=White,Asian&measures=male_income_2019,male_count&period=year&age_range__covers=28&{query}"
        );
        place.get(&target).await
    };
    let answer = compare("at=2019&base=2009").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let [income, count] = [&body["measures"][0], &body["measures"][1]];
    assert_eq!(
        (&income["values"][0]["value"], &income["values"][1]["value"]),
        (&json!(45_361.0), &json!(52_128.0))
    );
    assert_eq!(
        (&income["absolute_difference"], &income["head"]),
        (&json!(6_767.0), &json!("Asian"))
    );
    assert_eq!(count["absolute_difference"], 14_620.0);
    let change = |measure: &Value| {
        let change = measure["values"][0]["percent_change"].as_f64().unwrap();
        format!("{change:.2}")
    };
    assert_eq!(
        (change(income), change(count)),
        ("14.49".to_owned(), "3.83".to_owned())
    );
    let doubled = compare("at=2017").await;
    assert_eq!(outcome(&doubled), (422, "ambiguous-cell".to_owned()));
    let one = compare("at=2017&agg=max").await;
    assert_eq!(one.status, 200);
    let picture = compare("at=2019&base=2009&format=svg").await;
    assert_eq!(picture.status, 200, "{}", picture.text());
    well_formed(&picture.text());
    snapshot::file(
        Path::new("tests/it/datasets/comparison.svg"),
        &picture.text(),
    );
    let target = format!(
        "{dataset}/aggregate?group_by=year,race&measures=max:male_income_2019&age_range__covers=28&format=svg"
    );
    let picture = place.get(&target).await.text();
    well_formed(&picture);
    assert_eq!(picture.matches("<polyline").count(), 2, "{picture}");
}

#[tokio::test]
async fn a_file_that_is_no_workbook_is_refused_and_leaves_nothing() {
    let place = Place::with_files().await;
    let dataset = place.dataset(&[("a", "int")], json!({})).await;
    let refused = send(&place, &dataset, "", "README.md").await;
    assert_eq!(outcome(&refused), (422, "import-refused".to_owned()));
    let refused = send(&place, &dataset, "sheet=nope", "p08w.xlsx").await;
    assert_eq!(outcome(&refused), (422, "import-refused".to_owned()));
    assert!(
        refused.text().contains("unknown-sheet"),
        "{}",
        refused.text()
    );
    assert_eq!(place.app.app.spool.taken(), 0);
}

#[tokio::test]
async fn a_parquet_file_brings_its_types() {
    let place = Place::with_files().await;
    let dataset = place.dataset(&[], json!({})).await;
    let file = std::fs::read("tests/data/numbers.zstd.parquet").unwrap();
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("content-type", "application/vnd.apache.parquet"),
    ];
    let target = format!("{dataset}/imports");
    let answer = place
        .app
        .send(Method::POST, &target, &headers, file.into())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let import = answer.json();
    assert!(import["rows_written"].as_i64() > Some(0));
    let types: Vec<_> = import["inferred"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert!(types.iter().any(|kind| *kind != "text"), "{types:?}");
}
