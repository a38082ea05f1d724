//! Pages, files, groups and comparisons of what was loaded.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{COLUMNS, Place};
use crate::support::app::outcome;

const FILE: &str = "n,t,f,d,day,moment,ok,ages\n\
    1,b,1.5,10.10,2024-01-01,2024-01-01T10:00:00Z,true,25-34\n\
    2,a,-2,10.2,2024-03-01,2024-01-01T12:00:00+02:00,false,75+\n\
    3,,,,,,,\n\
    4,a,1e3,-7,2023-12-31,2025-01-01T00:00:00.000001Z,true,under 15\n\
    5,\"x,y\",0,0,2024-02-29,2024-06-01T00:00:00Z,,20\n";

async fn loaded(place: &Place) -> String {
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    place.load(&dataset, "", FILE).await;
    dataset
}

/// The numbers of the records that are found, in their order.
async fn found(place: &Place, dataset: &str, query: &str) -> Vec<i64> {
    let records = place.records(&format!("{dataset}/records?{query}")).await;
    records.iter().map(|it| it["n"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn filters_find_by_any_column_and_its_type() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    for (query, expected) in [
        ("n=2", vec![2]),
        ("n__in=1,5,9", vec![1, 5]),
        ("t=a", vec![2, 4]),
        ("t__ne=a", vec![1, 3, 5]),
        ("t__contains=,", vec![5]),
        ("t__startswith=x", vec![5]),
        ("t__isnull=true", vec![3]),
        ("f__gt=0", vec![1, 4]),
        ("f__lte=-2", vec![2]),
        ("d=10.20", vec![2]),
        ("d__lt=0", vec![4]),
        ("day__gte=2024-02-29", vec![2, 5]),
        ("moment=2024-01-01T10:00:00Z", vec![1, 2]),
        ("ok=true", vec![1, 4]),
        ("ages__covers=28", vec![1]),
        ("ages__covers=80", vec![2]),
        ("ages__covers=3", vec![4]),
        ("ages=25%20to%2034", vec![1]),
        ("ages__isnull=false&ok__isnull=true", vec![5]),
        ("n__gt=1&n__lt=4&t=a", vec![2]),
    ] {
        assert_eq!(found(&place, &dataset, query).await, expected, "{query}");
    }
    for bad in [
        "n=x",
        "n__in=1,x",
        "f=nan",
        "d=1e5x",
        "day=2024-13-01",
        "moment=yesterday",
        "ok=1",
        "ages__covers=x",
        "ages__lt=3",
        "t__isnull=maybe",
        "ok__gt=true",
        "n__contains=1",
        "select=nope",
        "sort=nope",
        "limit=0",
        "version=0",
        "format=xml",
    ] {
        let answer = place.get(&format!("{dataset}/records?{bad}")).await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-parameter".to_owned()),
            "{bad}"
        );
    }
    for bad in ["nope=1", "c1=1", "n__=1__", "N=1", "rid__gt=1", "\"n\"=1"] {
        let answer = place
            .get(&format!("{dataset}/records?{}", bad.replace('"', "%22")))
            .await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn values_are_shown_as_their_type_has_them() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    let records = place.records(&format!("{dataset}/records?n__in=1,4")).await;
    let first = json!({
        "n": 1, "t": "b", "f": 1.5, "d": "10.10", "day": "2024-01-01", "moment": "2024-01-01T10:00:00.000000Z",
        "ok": true, "ages": "25-34",
    });
    assert_eq!(records[0], first);
    assert_eq!(records[1]["ages"], "up to 14");
    assert_eq!(records[1]["moment"], "2025-01-01T00:00:00.000001Z");
    let csv = place
        .get(&format!(
            "{dataset}/records?format=csv&n__gt=2&select=n,t,ages,day"
        ))
        .await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        csv.text(),
        "n,t,ages,day\r\n3,,,\r\n4,a,up to 14,2023-12-31\r\n5,\"x,y\",20-20,2024-02-29\r\n"
    );
    let target = format!("{dataset}/records?n=1&select=n,d");
    let accept = [("accept", "application/x-ndjson")];
    let lines = place
        .app
        .send_as(&place.authorization, Method::GET, &target, &accept, None)
        .await;
    assert_eq!(lines.text(), "{\"rid\":1,\"n\":1,\"d\":\"10.10\"}\n");
    // What was written is read again, types and all.
    let whole = place
        .get(&format!("{dataset}/records?format=csv"))
        .await
        .text();
    let again = place.dataset(&COLUMNS, json!({})).await;
    place.load(&again, "", &whole).await;
    let second = place
        .get(&format!("{again}/records?format=csv"))
        .await
        .text();
    assert_eq!(whole, second);
}

#[tokio::test]
async fn pages_in_every_order_have_each_record_once() {
    let place = Place::new().await;
    let dataset = place.dataset(&COLUMNS, json!({})).await;
    let mut file = "n,t,f,d,day,moment,ok,ages\n".to_owned();
    for n in 0..57 {
        let null = n % 7 == 0;
        let or = |text: String| if null { String::new() } else { text };
        file += &format!(
            "{n},{},{},{},{},{},{},{}\n",
            or(format!("t{}", n % 5)),
            or(format!("{}.5", n % 6)),
            or(format!("{}.25", n % 4)),
            or(format!("2024-01-{:02}", n % 9 + 1)),
            or(format!("2024-01-01T00:00:{:02}Z", n % 11)),
            or((n % 2 == 0).to_string()),
            or(format!("{}-{}", n % 3, n % 3 + 4)),
        );
    }
    place.load(&dataset, "", &file).await;
    for (name, _) in COLUMNS {
        for sign in ["", "-"] {
            let mut seen: Vec<Value> = Vec::new();
            let mut next = format!("{dataset}/records?sort={sign}{name}&limit=10");
            loop {
                let answer = place.get(&next).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                let body = answer.json();
                seen.extend(body["items"].as_array().unwrap().clone());
                let Some(cursor) = body["next"].as_str() else {
                    break;
                };
                next = format!("{dataset}/records?sort={sign}{name}&limit=10&cursor={cursor}");
            }
            let mut numbers: Vec<i64> = seen.iter().map(|it| it["n"].as_i64().unwrap()).collect();
            let nulls = seen.iter().position(|it| it[name].is_null()).unwrap_or(57);
            assert!(
                seen[nulls..].iter().all(|it| it[name].is_null()),
                "{sign}{name}"
            );
            numbers.sort_unstable();
            assert_eq!(numbers, (0..57).collect::<Vec<_>>(), "{sign}{name}");
        }
    }
    let counted = place
        .get(&format!("{dataset}/records?count=true&t=t1&limit=1"))
        .await
        .json();
    assert_eq!(counted["count_capped"], false);
    assert!(counted["count"].as_i64() > Some(5));
    let other = place
        .get(&format!("{dataset}/records?limit=1&sort=n"))
        .await
        .json();
    let cursor = other["next"].as_str().unwrap();
    let stolen = place
        .get(&format!("{dataset}/records?limit=1&sort=t&cursor={cursor}"))
        .await;
    assert_eq!(outcome(&stolen), (400, "invalid-parameter".to_owned()));
}

#[tokio::test]
async fn groups_have_what_is_computed_of_them() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    let aggregate = async |query: &str| {
        let answer = place.get(&format!("{dataset}/aggregate?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["groups"].clone()
    };
    assert_eq!(aggregate("").await, json!([{ "count": 5 }]));
    assert_eq!(
        aggregate("group_by=t&measures=count,sum:d,avg:n,max:day").await,
        json!([
            { "t": "a", "count": 2, "sum_d": "3.2", "avg_n": 3, "max_day": "2024-03-01" },
            { "t": "b", "count": 1, "sum_d": "10.10", "avg_n": 1, "max_day": "2024-01-01" },
            { "t": "x,y", "count": 1, "sum_d": "0", "avg_n": 5, "max_day": "2024-02-29" },
            { "t": null, "count": 1, "sum_d": null, "avg_n": 3, "max_day": null },
        ])
    );
    assert_eq!(
        aggregate("measures=median:f,distinct:t,min:moment,stddev:n,count:ok&n__lt=5").await,
        json!([{ "median_f": 1.5, "distinct_t": 2, "min_moment": "2024-01-01T10:00:00.000000Z", "stddev_n": 1.290_994_448_735_805_6, "count_ok": 3 }])
    );
    let answer = place.get(&format!("{dataset}/aggregate")).await;
    let tag = answer.header("etag").to_owned();
    let known = place
        .app
        .send_as(
            &place.authorization,
            Method::GET,
            &format!("{dataset}/aggregate"),
            &[("if-none-match", &tag)],
            None,
        )
        .await;
    assert_eq!(known.status, 304);
    for bad in [
        "group_by=x",
        "group_by=t,t",
        "measures=sum:t",
        "measures=x",
        "measures=avg",
        "group_by=n,t,f,d,day,ok",
    ] {
        let answer = place.get(&format!("{dataset}/aggregate?{bad}")).await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-parameter".to_owned()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn groups_are_compared_and_what_cannot_be_says_why() {
    let place = Place::new().await;
    let columns = [
        ("race", "text"),
        ("year", "int"),
        ("income", "int"),
        ("people", "decimal"),
    ];
    let dataset = place.dataset(&columns, json!({})).await;
    let file = "race,year,income,people\nWhite,2019,45361,16367\nAsian,2019,52128,1747\nWhite,2009,39619,15763\n\
                Asian,2009,0,\nWhite,2013,1,1\nWhite,2013,3,1\n";
    place.load(&dataset, "", file).await;
    let compare = async |query: &str| {
        place
            .get(&format!(
                "{dataset}/compare?by=race&measures=income,people&period=year&{query}"
            ))
            .await
    };
    let body = compare("groups=White,Asian&at=2019&base=2009").await.json();
    let income = &body["measures"][0];
    assert_eq!(income["difference"], -6767.0);
    assert_eq!(income["absolute_difference"], 6767.0);
    assert_eq!(income["head"], "Asian");
    let change = income["values"][0]["percent_change"].as_f64().unwrap();
    assert_eq!(format!("{change:.2}"), "14.49");
    assert_eq!(income["values"][1]["reason"], "base-is-zero");
    let people = &body["measures"][1];
    let change = people["values"][0]["percent_change"].as_f64().unwrap();
    assert_eq!(format!("{change:.2}"), "3.83");
    assert_eq!(people["values"][1]["reason"], "no-base");
    assert_eq!(people["difference"], 14_620.0);
    let refused = compare("groups=White,Asian&at=2013").await;
    assert_eq!(outcome(&refused), (422, "ambiguous-cell".to_owned()));
    let body = compare("groups=White,Nobody&at=2013&agg=max").await.json();
    assert_eq!(body["measures"][0]["values"][0]["value"], 3.0);
    assert_eq!(body["measures"][0]["values"][1]["reason"], "no-records");
    for bad in [
        "groups=White",
        "groups=White,White&at=2019",
        "groups=White&at=x",
        "groups=White&at=2019&base=2019",
        "groups=White&at=2019&agg=mode",
    ] {
        let answer = compare(bad).await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-parameter".to_owned()),
            "{bad}"
        );
    }
}

/// A table that another session holds takes as long to read as that session lives.
#[tokio::test]
async fn an_analysis_may_take_longer_than_a_page_and_says_when_it_takes_too_long() {
    let place = Place::new().await;
    let dataset = loaded(&place).await;
    place.settled().await;
    let table = place
        .number("SELECT max(id) FROM dataset_generations")
        .await;
    let lock = format!("BEGIN; LOCK TABLE dataset_rows.g{table} IN ACCESS EXCLUSIVE MODE");
    let usual = Duration::from_secs(5);
    for (held, expected) in [
        (Duration::from_secs(7), (200, String::new())),
        (
            chartroom::db::ANALYSIS + Duration::from_secs(3),
            (503, "deadline-exceeded".to_owned()),
        ),
    ] {
        if held > 2 * usual && !crate::support::is_long() {
            continue;
        }
        place.session.batch_execute(&lock).await.unwrap();
        let release = async {
            tokio::time::sleep(held).await;
            place.session.batch_execute("ROLLBACK").await.unwrap();
        };
        let (page, groups) = (
            format!("{dataset}/records?version=1"),
            format!("{dataset}/aggregate?group_by=t&version=1"),
        );
        let (page, groups, ()) = tokio::join!(place.get(&page), place.get(&groups), release);
        assert_eq!(page.status, 503, "control: a page has less time");
        match groups.status.as_u16() {
            200 => assert_eq!(expected.0, 200, "{}", groups.text()),
            _ => assert_eq!(outcome(&groups), expected, "{}", groups.text()),
        }
    }
}
