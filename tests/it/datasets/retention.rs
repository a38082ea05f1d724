//! Which versions are kept, and what goes with the others.

use chartroom::datasets::retention::{Retention, clear, purge};
use chartroom::datasets::sweep::sweep;
use http::Method;
use serde_json::{Value, json};

use super::Place;
use crate::support::app::outcome;

const NOTHING: Retention = Retention {
    versions: None,
    days: None,
};

/// Purges what is not kept, and removes what it leaves as if two minutes had passed.
async fn purged(place: &Place, usual: Retention) {
    let db = &place.app.app.db;
    place.settled().await;
    purge(db, usual).await.unwrap();
    let later = "UPDATE dataset_versions SET purged_at = purged_at - interval '1 hour'";
    place.session.batch_execute(later).await.unwrap();
    clear(db).await.unwrap();
    sweep(db).await.unwrap();
}

async fn numbers(place: &Place, dataset: &str, version: i64) -> Vec<i64> {
    let target = format!("{dataset}/records?version={version}&sort=n&limit=200");
    let records = place.records(&target).await;
    records.iter().map(|it| it["n"].as_i64().unwrap()).collect()
}

/// Five versions: 1 to 3 appended, the first record changed, the second removed.
async fn edited(place: &Place) -> String {
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&dataset, "", "n\n1\n2\n3\n").await;
    for (method, rid, body) in [
        (Method::PATCH, 1, Some(json!({ "n": 10 }))),
        (Method::PATCH, 1, Some(json!({ "n": 100 }))),
        (Method::DELETE, 2, None),
        (Method::PATCH, 3, Some(json!({ "n": 30 }))),
    ] {
        let target = format!("{dataset}/records/{rid}");
        let answer = place.send(method, &target, body).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    dataset
}

async fn rows(place: &Place) -> i64 {
    let table = place
        .number("SELECT max(generation) FROM dataset_versions")
        .await;
    place
        .number(&format!("SELECT count(*) FROM dataset_rows.g{table}"))
        .await
}

#[tokio::test]
async fn what_nothing_keeps_goes_and_what_is_kept_stays_as_it_was() {
    let place = Place::new().await;
    let dataset = edited(&place).await;
    purged(&place, NOTHING).await;
    assert_eq!(
        (rows(&place).await, numbers(&place, &dataset, 1).await),
        (6, vec![1, 2, 3])
    );
    let pin = json!({ "name": "paper", "version": 2 });
    let pins = format!("{dataset}/pins");
    let made = place.send(Method::POST, &pins, Some(pin.clone())).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let again = place.send(Method::POST, &pins, Some(pin)).await;
    assert_eq!(outcome(&again), (409, "conflict".to_owned()));
    let two = json!({ "keep_versions": 2 });
    let kept = place.send(Method::PATCH, &dataset, Some(two)).await;
    assert_eq!(kept.json()["keep_versions"], 2);
    purged(&place, NOTHING).await;
    // Versions 2, 4 and 5: the row that was only the first one's is gone.
    assert_eq!(rows(&place).await, 5);
    for (version, expected) in [(2, vec![2, 3, 10]), (4, vec![3, 100]), (5, vec![30, 100])] {
        assert_eq!(
            numbers(&place, &dataset, version).await,
            expected,
            "{version}"
        );
    }
    for target in [
        "records",
        "records/3",
        "aggregate",
        "profile",
        "diff/summary",
    ] {
        let version = if target == "diff/summary" {
            "from=1&to"
        } else {
            "version"
        };
        let gone = place.get(&format!("{dataset}/{target}?{version}=3")).await;
        assert_eq!(
            outcome(&gone),
            (410, "version-purged".to_owned()),
            "{target}"
        );
    }
    let file = place
        .get(&format!("{dataset}/records?version=1&format=csv"))
        .await;
    assert_eq!(outcome(&file), (410, "version-purged".to_owned()));
    let late = json!({ "name": "late", "version": 1 });
    let late = place.send(Method::POST, &pins, Some(late)).await;
    assert_eq!(outcome(&late), (410, "version-purged".to_owned()));
    let list = place
        .get(&format!("{dataset}/versions?sort=version"))
        .await
        .json();
    let shown = list["items"].as_array().unwrap().iter();
    let shown: Vec<_> = shown
        .map(|it| (it["purged_at"].is_string(), it["pinned"] == true))
        .collect();
    assert_eq!(
        shown,
        [
            (true, false),
            (false, true),
            (true, false),
            (false, false),
            (false, false)
        ]
    );
    let pin = format!("{pins}/paper");
    assert_eq!(place.get(&pin).await.json()["version"], 2);
    assert_eq!(place.send(Method::DELETE, &pin, None).await.status, 204);
    assert_eq!(
        outcome(&place.get(&pin).await),
        (404, "not-found".to_owned())
    );
    purged(&place, NOTHING).await;
    let gone = place.get(&format!("{dataset}/records?version=2")).await;
    assert_eq!(outcome(&gone), (410, "version-purged".to_owned()));
    assert_eq!(rows(&place).await, 3);
    assert_eq!(numbers(&place, &dataset, 4).await, [3, 100]);
}

#[tokio::test]
async fn a_table_that_no_kept_version_needs_is_dropped() {
    let place = Place::new().await;
    let dataset = place.dataset(&[("n", "int")], json!({})).await;
    place.load(&dataset, "", "n\n1\n").await;
    place.load(&dataset, "?mode=replace", "n\n2\n").await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'dataset_rows'";
    let usual = |versions, days| Retention { versions, days };
    // For a day, and for the version before that would keep it as well.
    purged(&place, usual(None, Some(1))).await;
    purged(&place, usual(Some(2), None)).await;
    assert_eq!(place.number(tables).await, 2);
    let old = "UPDATE dataset_versions SET made_at = made_at - interval '2 days'";
    place.session.batch_execute(old).await.unwrap();
    purged(&place, usual(Some(2), Some(1))).await;
    assert_eq!(place.number(tables).await, 2);
    // What the dataset says itself goes before.
    let many = json!({ "keep_days": 5 });
    assert_eq!(
        place.send(Method::PATCH, &dataset, Some(many)).await.status,
        200
    );
    purged(&place, usual(Some(1), None)).await;
    assert_eq!(place.number(tables).await, 2);
    let none = json!({ "keep_days": null });
    assert_eq!(
        place.send(Method::PATCH, &dataset, Some(none)).await.status,
        200
    );
    purged(&place, usual(None, Some(1))).await;
    assert_eq!(place.number(tables).await, 1);
    assert_eq!(numbers(&place, &dataset, 2).await, [2]);
    let gone = place.get(&format!("{dataset}/records?version=1")).await;
    assert_eq!(outcome(&gone), (410, "version-purged".to_owned()));
}

#[tokio::test]
async fn only_owners_say_what_is_kept() {
    let place = Place::new().await;
    let dataset = edited(&place).await;
    let role = async |role: &str| {
        let set = format!(
            "UPDATE project_members SET role = '{role}' \
             WHERE principal_id = (SELECT id FROM users WHERE username = 'ann')"
        );
        place.session.batch_execute(&set).await.unwrap();
    };
    // A project keeps an owner.
    let other = "WITH other AS (INSERT INTO principals (id, kind) VALUES (gen_random_uuid(), 'user') RETURNING id) \
                 INSERT INTO project_members (project_id, principal_id, role) \
                 SELECT projects.id, other.id, 'owner' FROM projects, other";
    place.session.batch_execute(other).await.unwrap();
    role("editor").await;
    let patch = |body: Value| place.send(Method::PATCH, &dataset, Some(body));
    assert_eq!(patch(json!({ "description": "d" })).await.status, 200);
    for body in [json!({ "keep_days": 1 }), json!({ "keep_versions": null })] {
        assert_eq!(outcome(&patch(body).await), (403, "forbidden".to_owned()));
    }
    let pin = json!({ "name": "a", "version": 1 });
    let pin = place
        .send(Method::POST, &format!("{dataset}/pins"), Some(pin))
        .await;
    assert_eq!(outcome(&pin), (403, "forbidden".to_owned()));
    role("owner").await;
    for (name, version) in [("a/b", 1), ("..", 1), ("", 1), ("a", 0)] {
        let pin = json!({ "name": name, "version": version });
        let pin = place
            .send(Method::POST, &format!("{dataset}/pins"), Some(pin))
            .await;
        assert_eq!(
            outcome(&pin),
            (422, "validation-failed".to_owned()),
            "{name}"
        );
    }
    let pin = json!({ "name": "a", "version": 9 });
    let pin = place
        .send(Method::POST, &format!("{dataset}/pins"), Some(pin))
        .await;
    assert_eq!(outcome(&pin), (404, "not-found".to_owned()));
}
