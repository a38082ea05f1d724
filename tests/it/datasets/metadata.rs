//! What a dataset says of itself, to people and to programs of others. `scripts/data-check` has
//! their own validators judge the documents.

use http::Method;
use serde_json::json;

use super::{COLUMNS, Place};
use crate::support::app::outcome;

#[tokio::test]
async fn a_card_is_changed_member_by_member_and_found_by_its_tags() {
    let place = Place::new().await;
    let card = json!({ "licence": "CC-BY-4.0", "tags": ["income", "census", "income"] });
    let dataset = place
        .dataset(&[("n", "int")], json!({ "card": card }))
        .await;
    let shown = place.get(&dataset).await.json();
    assert_eq!(
        shown["card"],
        json!({ "licence": "CC-BY-4.0", "source": null, "contact": null, "tags": ["census", "income"] })
    );
    let patch = json!({ "card": { "licence": null, "contact": "Ann", "source": "https://a.b/c" } });
    let changed = place.send(Method::PATCH, &dataset, Some(patch)).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(
        changed.json()["card"],
        json!({ "licence": null, "source": "https://a.b/c", "contact": "Ann", "tags": ["census", "income"] })
    );
    let found = async |tag: &str| {
        let list = place.get(&format!("/api/v1/datasets?tag={tag}")).await;
        list.json()["items"].as_array().unwrap().len()
    };
    assert_eq!((found("census").await, found("cens").await), (1, 0));
    let bare = json!({ "card": { "tags": [] } });
    let changed = place.send(Method::PATCH, &dataset, Some(bare)).await;
    assert_eq!(changed.json()["card"]["tags"], json!([]));
    assert_eq!(found("census").await, 0);
    let many: Vec<String> = (0..21).map(|at| format!("tag {at}")).collect();
    for (card, pointer) in [
        (json!({ "tags": many }), "/card/tags"),
        (json!({ "tags": [""] }), "/card/tags/0"),
        (json!({ "tags": ["a".repeat(51)] }), "/card/tags/0"),
        (json!({ "licence": "a".repeat(201) }), "/card/licence"),
        (json!({ "tags": null }), "/card/tags"),
        (json!({ "license": "x" }), "/card/license"),
    ] {
        let patch = json!({ "card": card });
        let answer = place.send(Method::PATCH, &dataset, Some(patch)).await;
        assert_eq!(outcome(&answer), (422, "validation-failed".to_owned()));
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            pointer,
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn catalogues_of_others_read_what_a_version_is() {
    let place = Place::new().await;
    let more = json!({
        "name": "Income (USD)", "description": "Who earns what", "key": ["n"],
        "card": { "licence": "CC-BY-4.0", "source": "https://a.b/c", "contact": "Ann", "tags": ["income"] },
    });
    let dataset = place.dataset(&COLUMNS, more).await;
    let before = place
        .get(&format!("{dataset}/datapackage.json"))
        .await
        .json();
    assert_eq!(before["version"], "0.0.0");
    place.load(&dataset, "", "n,t\n1,a\n").await;
    place.load(&dataset, "", "n,t\n2,b\n").await;
    let answer = place
        .get(&format!("{dataset}/datapackage.json?version=1"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let package = answer.json();
    assert_eq!(
        (&package["name"], &package["title"], &package["version"]),
        (
            &json!("income-usd"),
            &json!("Income (USD)"),
            &json!("1.0.0")
        )
    );
    assert_eq!(package["licenses"], json!([{ "name": "CC-BY-4.0" }]));
    let resource = &package["resources"][0];
    let path = resource["path"].as_str().unwrap();
    assert!(path.ends_with("/records?format=csv&version=1"), "{path}");
    assert_eq!(resource["schema"]["primaryKey"], json!(["n"]));
    let types: Vec<_> = resource["schema"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "integer", "string", "number", "number", "date", "datetime", "boolean", "string"
        ]
    );
    // The path leads to the file.
    let target = &path[path.find("/api/").unwrap()..];
    assert_eq!(place.get(target).await.text().lines().count(), 2);
    let answer = place.get(&format!("{dataset}/croissant.json")).await;
    assert_eq!(answer.header("content-type"), "application/ld+json");
    let croissant = answer.json();
    assert_eq!(
        (
            &croissant["@type"],
            &croissant["version"],
            &croissant["license"]
        ),
        (&json!("sc:Dataset"), &json!("2.0.0"), &json!("CC-BY-4.0"))
    );
    let records = &croissant["recordSet"][0];
    assert_eq!(records["key"], json!([{ "@id": "records/n" }]));
    assert_eq!(records["field"][4]["dataType"], "sc:Date");
    let renamed = json!({ "name": "Another" });
    assert_eq!(
        place
            .send(Method::PATCH, &dataset, Some(renamed))
            .await
            .status,
        200
    );
    let known = [("if-none-match", answer.header("etag"))];
    let target = format!("{dataset}/croissant.json");
    let again = place
        .app
        .send_as(&place.authorization, Method::GET, &target, &known, None)
        .await;
    assert_eq!(again.status, 200);
    let missing = place
        .get(&format!("{dataset}/croissant.json?version=3"))
        .await;
    assert_eq!(outcome(&missing), (404, "not-found".to_owned()));
}
