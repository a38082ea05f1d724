//! What the columns of a version hold.

use chartroom::datasets::profile::kept::ProfileVersion;
use chartroom::kernel::types::DatasetId;
use serde_json::{Value, json};

use super::{COLUMNS, Place};
use crate::support::app::outcome;

const FILE: &str = "n,t,f,d,day,moment,ok,ages\n\
    1,b,1.5,10.10,2024-01-01,2024-01-01T10:00:00Z,true,25-34\n\
    2,a,-2,10.2,2024-03-01,2024-01-01T12:00:00+02:00,false,75+\n\
    3,,,,,,,\n\
    4,a,1e3,-7,2023-12-31,2024-01-01T10:00:50Z,true,under 15\n\
    5,\"x,y\",0,0,2024-02-29,2024-01-01T10:01:00Z,,20\n";

async fn profile(place: &Place, dataset: &str, query: &str) -> Value {
    let answer = place.get(&format!("{dataset}/profile{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn column(profile: &Value, field: &str) -> Value {
    let columns = profile["columns"].as_array().unwrap();
    let found = columns.iter().find(|it| it["field"] == field);
    found.unwrap().clone()
}

/// How many values lie in the parts of a histogram.
fn counted(column: &Value) -> i64 {
    let bins = column["histogram"].as_array().unwrap();
    bins.iter().map(|bin| bin["count"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn each_column_says_what_it_holds() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let empty = profile(&place, &dataset, "").await;
    assert_eq!((&empty["version"], &empty["rows"]), (&json!(0), &json!(0)));
    assert_eq!(column(&empty, "n")["distinct"]["count"], 0);
    place.load(&dataset, "", FILE).await;
    let found = profile(&place, &dataset, "").await;
    assert_eq!(
        (&found["version"], &found["rows"], &found["sampled"]),
        (&json!(1), &json!(5), &json!(null))
    );
    let n = column(&found, "n");
    assert_eq!(
        (&n["type"], &n["nulls"], &n["min"], &n["max"], &n["mean"]),
        (&json!("int"), &json!(0), &json!(1), &json!(5), &json!(3.0))
    );
    let deviation = n["deviation"].as_f64().unwrap();
    assert!((deviation - 2.5_f64.sqrt()).abs() < 1e-12, "{deviation}");
    assert_eq!(
        n["quantiles"],
        json!({ "p5": 1, "p25": 2, "p50": 3, "p75": 4, "p95": 5 })
    );
    assert_eq!(n["distinct"], json!({ "count": 5, "exact": true }));
    assert_eq!(n["histogram"][0], json!({ "from": 1, "to": 2, "count": 1 }));
    assert_eq!(counted(&n), 5);
    let t = column(&found, "t");
    assert_eq!(
        (&t["nulls"], &t["min"], &t["max"]),
        (&json!(1), &json!("a"), &json!("x,y"))
    );
    assert_eq!(
        t["frequent"],
        json!([{ "value": "a", "count": 2 }, { "value": "b", "count": 1 }, { "value": "x,y", "count": 1 }])
    );
    assert_eq!(
        (&t["mean"], &t["quantiles"], &t["histogram"]),
        (&json!(null), &json!(null), &json!([]))
    );
    let f = column(&found, "f");
    assert_eq!((&f["min"], &f["max"]), (&json!(-2), &json!(1000)));
    assert_eq!(f["mean"], json!(999.5 / 4.0));
    assert_eq!(
        f["histogram"][0],
        json!({ "from": -100, "to": 0, "count": 1 })
    );
    assert_eq!(counted(&f), 4);
    let d = column(&found, "d");
    assert_eq!((&d["min"], &d["max"]), (&json!("-7"), &json!("10.2")));
    assert_eq!(d["quantiles"]["p95"], "10.2");
    let day = column(&found, "day");
    assert_eq!(
        (&day["min"], &day["max"], &day["histogram"][0]["from"]),
        (
            &json!("2023-12-31"),
            &json!("2024-03-01"),
            &json!("2023-12-25")
        )
    );
    assert_eq!(counted(&day), 4);
    let moment = column(&found, "moment");
    assert_eq!(moment["distinct"]["count"], 3);
    assert_eq!(
        moment["histogram"][0],
        json!({ "from": "2024-01-01T10:00:00.000000Z", "to": "2024-01-01T10:00:05.000000Z", "count": 2 })
    );
    let ok = column(&found, "ok");
    assert_eq!((&ok["min"], &ok["nulls"]), (&json!(null), &json!(2)));
    assert_eq!(ok["frequent"][0], json!({ "value": true, "count": 2 }));
    let ages = column(&found, "ages");
    assert_eq!(
        (&ages["min"], &ages["distinct"]["count"]),
        (&json!(null), &json!(4))
    );
    assert_eq!(ages["frequent"][0]["value"], "up to 14");
}

#[tokio::test]
async fn a_profile_is_of_its_version_and_computed_once() {
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("j", "json")], json!({}))
        .await;
    place.load(&dataset, "", "n,j\n1,\"{\"\"a\"\":1}\"\n").await;
    place.load(&dataset, "", "n,j\n2,\n3,\n").await;
    let first = profile(&place, &dataset, "?version=1").await;
    assert_eq!(
        (&first["rows"], &column(&first, "n")["max"]),
        (&json!(1), &json!(1))
    );
    let json = column(&first, "j");
    assert_eq!(
        (&json["distinct"], &json["nulls"]),
        (&json!(null), &json!(0))
    );
    let answer = place.get(&format!("{dataset}/profile")).await;
    assert_eq!(column(&answer.json(), "n")["max"], 3);
    assert_eq!(answer.header("etag"), "\"2\"");
    let kept = "SELECT count(*) FROM dataset_profiles";
    assert_eq!(place.number(kept).await, 2);
    // What is kept is what is answered.
    let mark =
        "UPDATE dataset_profiles SET profile = jsonb_set(profile, '{rows}', '7') WHERE version = 1";
    place.session.batch_execute(mark).await.unwrap();
    assert_eq!(profile(&place, &dataset, "?version=1").await["rows"], 7);
    let missing = place.get(&format!("{dataset}/profile?version=3")).await;
    assert_eq!(outcome(&missing), (404, "not-found".to_owned()));
    let bad = place.get(&format!("{dataset}/profile?version=0")).await;
    assert!(bad.status.is_client_error(), "{}", bad.text());
}

#[tokio::test]
async fn numbers_that_are_too_large_for_a_mean_have_none() {
    let place = Place::new().await;
    let columns = [("f", "float64"), ("d", "decimal"), ("b", "bigint")];
    let dataset = place.dataset(&columns, json!({})).await;
    let large = format!("1{}", "0".repeat(400));
    let file =
        format!("f,d,b\n1.7e308,{large},-9223372036854775808\n-1.7e308,1,9223372036854775807\n");
    place.load(&dataset, "", &file).await;
    let found = profile(&place, &dataset, "").await;
    for field in ["f", "d"] {
        let column = column(&found, field);
        assert_eq!(
            (&column["mean"], &column["deviation"], &column["histogram"]),
            (&json!(null), &json!(null), &json!([])),
            "{field}"
        );
        assert_eq!(column["distinct"]["count"], 2);
    }
    assert_eq!(column(&found, "d")["max"], large);
    let b = column(&found, "b");
    assert_eq!(
        (&b["min"], &b["mean"]),
        (&json!("-9223372036854775808"), &json!(-0.5))
    );
    assert_eq!(counted(&b), 2);
}

/// Of a large version a part is sorted, in a job that is there once however often somebody asks.
#[tokio::test]
async fn a_large_version_is_profiled_in_a_job_by_a_part_of_its_rows() {
    const ROWS: i64 = 1_200_000;
    let place = Place::new().await;
    let dataset = place
        .dataset(&[("n", "int"), ("t", "text")], json!({}))
        .await;
    place.load(&dataset, "", "n,t\n0,a\n").await;
    let table = place
        .number("SELECT generation FROM dataset_versions")
        .await;
    let change = place.number("SELECT change FROM dataset_versions").await;
    let fill = format!(
        "INSERT INTO dataset_rows.g{table} (rid, came, c1, c2) \
         SELECT n + 10, {change}, n, CASE WHEN n % 4 = 0 THEN 'b' ELSE 'a' END \
         FROM generate_series(1, {ROWS} - 1) AS n; UPDATE dataset_versions SET row_count = {ROWS}"
    );
    place.session.batch_execute(&fill).await.unwrap();
    for _ in 0..2 {
        let answer = place.get(&format!("{dataset}/profile")).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.json(), json!({ "version": 1, "state": "computing" }));
        assert_eq!(answer.header("retry-after"), "5");
    }
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'datasets.profile.1'";
    assert_eq!(place.number(jobs).await, 1);
    let job = ProfileVersion {
        dataset: DatasetId(dataset.rsplit('/').next().unwrap().parse().unwrap()),
        version: 1,
    };
    job.compute(&place.app.app.db).await.unwrap();
    let found = profile(&place, &dataset, "").await;
    assert_eq!(
        (&found["rows"], &found["sampled"]),
        (&json!(ROWS), &json!(1_000_000))
    );
    let n = column(&found, "n");
    assert_eq!(
        (&n["min"], &n["max"], &n["mean"]),
        (&json!(0), &json!(ROWS - 1), &json!(599_999.5))
    );
    let distinct = n["distinct"]["count"].as_i64().unwrap();
    assert!((990_000..1_010_000).contains(&distinct), "{distinct}");
    assert_eq!(n["distinct"]["exact"], false);
    let middle = n["quantiles"]["p50"].as_i64().unwrap();
    assert!((590_000..610_000).contains(&middle), "{middle}");
    let all = counted(&n);
    assert!((ROWS - 100..ROWS + 100).contains(&all), "{all}");
    let t = column(&found, "t");
    assert_eq!(t["frequent"][0]["value"], "a");
    let count = t["frequent"][0]["count"].as_i64().unwrap();
    assert!((890_000..910_000).contains(&count), "{count}");
}
