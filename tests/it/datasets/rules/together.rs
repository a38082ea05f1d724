//! Rules of all records of a dataset together.

use http::Method;
use serde_json::{Value, json};

use super::super::Place;
use super::{import_of, ruled};
use crate::support::app::{Answer, outcome};

fn codes(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let code = |error: &Value| error["code"].as_str().unwrap().to_owned();
    errors.iter().map(code).collect()
}

#[tokio::test]
async fn a_file_after_which_there_are_too_few_or_too_many_is_refused_as_a_whole() {
    let place = Place::new().await;
    let columns = [("k", "int", json!({})), ("v", "int", json!({}))];
    let rules = json!({ "rows_min": 2, "rows_max": 4, "null_share_max": { "v": 0.25 } });
    let more = json!({ "key": ["k"], "rules": rules });
    let dataset = ruled(&place, &columns, more).await;
    assert_eq!(place.get(&dataset).await.json()["rules"], rules);
    // There is no version that could break them yet.
    let few = place.import(&dataset, "", &[], "k,v\n1,1\n").await;
    assert_eq!(outcome(&few), (422, "import-refused".to_owned()));
    assert_eq!(
        import_of(&place, &few).await["problem"]["code"],
        "too-few-rows"
    );
    place.load(&dataset, "", "k,v\n1,1\n2,2\n3,3\n").await;
    let before = place.records(&format!("{dataset}/records")).await;
    for (mode, file, code) in [
        ("append", "k,v\n4,4\n5,5\n", "too-many-rows"),
        ("upsert", "k,v\n3,9\n4,4\n5,5\n", "too-many-rows"),
        ("replace", "k,v\n1,1\n", "too-few-rows"),
        ("replace", "k,v\n1,\n2,2\n", "too-many-nulls"),
        ("upsert", "k,v\n3,\n", "too-many-nulls"),
        ("upsert", "k\n4\n1\n", "too-many-nulls"),
        ("append", "k,v\nx,1\ny,2\n4,4\n5,5\n", "too-many-rows"),
    ] {
        for more in ["", "&dry_run=true"] {
            let query = format!("?mode={mode}&on_error=skip{more}");
            let answer = place.import(&dataset, &query, &[], file).await;
            let said = format!("{query} {file}: {}", answer.text());
            assert_eq!(
                outcome(&answer),
                (422, "import-refused".to_owned()),
                "{said}"
            );
            let import = import_of(&place, &answer).await;
            assert_eq!(import["state"], "refused", "{said}");
            assert_eq!(import["problem"]["code"], code, "{said}");
        }
    }
    assert_eq!(place.get(&dataset).await.json()["version"], 1);
    let records = format!("{dataset}/records");
    assert_eq!(place.records(&records).await, before);
    for (mode, file) in [
        ("append&dry_run=true", "k,v\n4,\n"),
        ("upsert&dry_run=true", "k,v\n1,\n4,4\n"),
        ("replace&dry_run=true", "k,v\n1,\n2,2\n3,3\n9,9\n"),
        ("append", "k,v\n4,\n"),
        ("upsert", "k,v\n4,4\n1,\n"),
    ] {
        place.load(&dataset, &format!("?mode={mode}"), file).await;
    }
    assert_eq!(place.get(&dataset).await.json()["version"], 3);
}

#[tokio::test]
async fn an_edit_after_which_there_are_too_few_or_too_many_is_refused() {
    let place = Place::new().await;
    let columns = [("k", "int", json!({})), ("v", "int", json!({}))];
    let rules = json!({ "rows_min": 2, "rows_max": 3, "null_share_max": { "v": 0.34 } });
    let dataset = ruled(&place, &columns, json!({ "rules": rules })).await;
    let records = format!("{dataset}/records");
    let send = async |method: Method, target: &str, body: Option<Value>| {
        place.send(method, target, body).await
    };
    let few = send(Method::POST, &records, Some(json!({ "k": 1, "v": 1 }))).await;
    assert_eq!(outcome(&few), (409, "rules-broken".to_owned()));
    assert_eq!(few.json()["errors"][0]["pointer"], "/rules/rows_min");
    let nulls = json!([{ "k": 1 }, { "k": 2, "v": 2 }]);
    let nulls = send(Method::POST, &records, Some(nulls)).await;
    assert_eq!(codes(&nulls), ["too-many-nulls"]);
    let two = json!([{ "k": 1, "v": 1 }, { "k": 2, "v": 2 }]);
    let two = send(Method::POST, &records, Some(two)).await;
    assert_eq!(two.status, 201, "{}", two.text());
    let rids = two.json()["rids"].clone();
    let one = format!("{records}/{}", rids[0]);
    let gone = send(Method::DELETE, &one, None).await;
    assert_eq!(outcome(&gone), (409, "rules-broken".to_owned()));
    assert_eq!(codes(&gone), ["too-few-rows"]);
    let empty = send(Method::PATCH, &one, Some(json!({ "v": null }))).await;
    assert_eq!(codes(&empty), ["too-many-nulls"]);
    assert_eq!(
        empty.json()["errors"][0]["pointer"],
        "/rules/null_share_max/v"
    );
    let third = send(Method::POST, &records, Some(json!({ "k": 3 }))).await;
    assert_eq!(third.status, 201, "{}", third.text());
    let many = send(Method::POST, &records, Some(json!({ "v": 4 }))).await;
    assert_eq!(codes(&many), ["too-many-rows"]);
    let gone = send(Method::DELETE, &one, None).await;
    assert_eq!(codes(&gone), ["too-many-nulls"]);
    let last = format!("{records}/{}", third.json()["rids"][0]);
    assert_eq!(send(Method::DELETE, &last, None).await.status, 204);
    assert_eq!(place.get(&dataset).await.json()["version"], 3);
}
