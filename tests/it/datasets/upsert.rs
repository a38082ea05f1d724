//! Files whose records meet those that are there by the key, beside a model in memory that does the
//! same, and every version of it read again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Place, mistakes};
use crate::support::app::outcome;

/// By the key, the id and the value of each record.
type Model = BTreeMap<(i64, String), (i64, i64)>;

const STEPS: usize = 24;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn key(&mut self) -> (i64, String) {
        let number = i64::try_from(self.below(6)).unwrap();
        (
            number,
            ["a", "b, c", ""][usize::try_from(self.below(3)).unwrap()].to_owned(),
        )
    }

    /// Records with different keys.
    fn records(&mut self) -> BTreeMap<(i64, String), i64> {
        let count = self.below(8) + 1;
        let one = |_| (self.key(), i64::try_from(self.below(3)).unwrap());
        (0..count).map(one).collect()
    }
}

fn file(records: &BTreeMap<(i64, String), i64>) -> String {
    let mut file = String::from("k,name,v\n");
    for ((k, name), v) in records {
        writeln!(file, "{k},\"{name}\",{v}").unwrap();
    }
    file
}

async fn read(place: &Place, target: &str) -> Model {
    let body = place.get(target).await.json();
    let items = body["items"].as_array().unwrap().iter();
    let number = |value: &Value| value.as_i64().unwrap();
    let record = |it: &Value| {
        let key = (number(&it["k"]), it["name"].as_str().unwrap().to_owned());
        (key, (number(&it["rid"]), number(&it["v"])))
    };
    items.map(record).collect()
}

#[tokio::test]
async fn every_version_is_as_a_model_in_memory_has_it() {
    let place = Place::new().await;
    let columns = [("k", "int"), ("name", "text"), ("v", "int")];
    let dataset = place
        .dataset(&columns, json!({ "key": ["k", "name"] }))
        .await;
    let records = format!("{dataset}/records");
    let (mut random, mut model) = (Random(0x2026_1130_2026_1130), Model::new());
    let mut kept: Vec<Model> = vec![model.clone()];
    for step in 0..STEPS {
        let (mut added, mut changed, mut removed) = (0, 0, 0);
        match random.below(6) {
            // A record is changed by hand.
            0 if !model.is_empty() => {
                let at =
                    usize::try_from(random.below(u64::try_from(model.len()).unwrap())).unwrap();
                let (rid, v) = model.values_mut().nth(at).unwrap();
                *v += 10;
                let target = format!("{records}/{rid}");
                let patch = json!({ "v": *v });
                let answer = place.send(Method::PATCH, &target, Some(patch)).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                changed = 1;
            }
            1 if !model.is_empty() => {
                let key = model.keys().next().unwrap().clone();
                let (rid, _) = model.remove(&key).unwrap();
                let target = format!("{records}/{rid}");
                let answer = place.send(Method::DELETE, &target, None).await;
                assert_eq!(answer.status, 204, "{}", answer.text());
                removed = 1;
            }
            2 => {
                let given = random.records();
                place.load(&dataset, "?mode=replace", &file(&given)).await;
                let now = read(&place, &format!("{records}?limit=200")).await;
                removed = model.len();
                added = given.len();
                model = replaced(&model, &given, &now);
            }
            _ => {
                let given = random.records();
                place.load(&dataset, "?mode=upsert", &file(&given)).await;
                let now = read(&place, &format!("{records}?limit=200")).await;
                for (key, v) in given {
                    match model.get_mut(&key) {
                        Some((_, was)) if *was == v => {}
                        Some((_, was)) => {
                            *was = v;
                            changed += 1;
                        }
                        None => {
                            // Which new id it has, the service says.
                            let (rid, _) = now[&key];
                            let is_new = kept
                                .iter()
                                .flat_map(Model::values)
                                .all(|(it, _)| *it != rid);
                            assert!(is_new, "{rid} was used before");
                            model.insert(key, (rid, v));
                            added += 1;
                        }
                    }
                }
            }
        }
        kept.push(model.clone());
        let newest = place
            .get(&format!("{dataset}/versions?limit=1"))
            .await
            .json();
        let newest = &newest["items"][0];
        assert_eq!(newest["version"], step + 1);
        let counted = ["added", "changed", "removed"].map(|name| newest[name].as_u64().unwrap());
        let expected = [added, changed, removed].map(|count| u64::try_from(count).unwrap());
        assert_eq!(counted, expected, "{newest}");
        assert_eq!(newest["rows"], model.len());
    }
    for (version, model) in kept.iter().enumerate().skip(1) {
        let target = format!("{records}?version={version}&limit=200");
        assert_eq!(&read(&place, &target).await, model, "version {version}");
    }
    // Nothing of the tables that records waited in.
    let waiting = "SELECT count(*) FROM pg_class WHERE relnamespace = 'dataset_rows'::regnamespace AND relpersistence = 'u'";
    assert_eq!(place.number(waiting).await, 0);
}

/// The records of the file; those whose key is there keep their ids.
fn replaced(before: &Model, given: &BTreeMap<(i64, String), i64>, now: &Model) -> Model {
    let record = |(key, v): (&(i64, String), &i64)| {
        let rid = before.get(key).map_or(now[key].0, |(rid, _)| *rid);
        (key.clone(), (rid, *v))
    };
    given.iter().map(record).collect()
}

#[tokio::test]
async fn what_cannot_meet_is_refused() {
    let place = Place::new().await;
    let without = place
        .dataset(&[("k", "int"), ("v", "int")], json!({}))
        .await;
    let answer = place
        .import(&without, "?mode=upsert", &[], "k,v\n1,1\n")
        .await;
    assert_eq!(outcome(&answer), (400, "invalid-parameter".to_owned()));
    let dataset = place
        .dataset(&[("k", "int"), ("v", "int")], json!({ "key": ["k"] }))
        .await;
    // The first file meets nothing, and the second has to have its key.
    place
        .load(&dataset, "?mode=upsert", "k,v\n1,1\n2,2\n")
        .await;
    for (file, told) in [
        ("k,v\n,3\n", "import-refused"),
        ("v\n3\n", "missing-column"),
        ("k,v\n3,3\n3,4\n", "duplicate-key"),
    ] {
        let answer = place.import(&dataset, "?mode=upsert", &[], file).await;
        assert_eq!(answer.status, 422, "{file}: {}", answer.text());
        assert!(answer.text().contains(told), "{file}: {}", answer.text());
    }
    let answer = place
        .import(&dataset, "?mode=upsert", &[], "k,v\n,3\n")
        .await;
    assert_eq!(
        mistakes(&answer),
        [("/rows/2/k".to_owned(), "missing".to_owned())]
    );
    // What the file does not say has no value afterwards.
    place.load(&dataset, "?mode=upsert", "k\n2\n").await;
    let records = place.records(&format!("{dataset}/records?sort=k")).await;
    assert_eq!(
        records,
        [json!({ "k": 1, "v": 1 }), json!({ "k": 2, "v": null })]
    );
    assert_eq!(place.get(&dataset).await.json()["version"], 2);
}

/// Neither waits for the other as long as the file arrives: the first to end has the key.
#[tokio::test]
async fn a_record_with_the_key_of_one_that_still_arrives_is_added_at_once() {
    let place = Place::new().await;
    let columns = [("k", "int"), ("v", "int")];
    for mode in ["append", "upsert"] {
        let dataset = place.dataset(&columns, json!({ "key": ["k"] })).await;
        place.load(&dataset, "", "k,v\n1,1\n").await;
        let (go, wait) = oneshot::channel::<()>();
        let parts = stream::unfold((Some(wait), 0), |(wait, at)| async move {
            match at {
                0 => Some((
                    Ok::<_, std::io::Error>(Bytes::from("k,v\n2,2\n")),
                    (wait, 1),
                )),
                1 => {
                    wait?.await.ok()?;
                    Some((Ok(Bytes::from("3,3\n")), (None, 2)))
                }
                _ => None,
            }
        });
        let query = format!("?mode={mode}");
        let import = place.import(&dataset, &query, &[], Body::from_stream(parts));
        let edit = async {
            place.loads().await;
            let record = Some(json!({ "k": 2, "v": 20 }));
            let target = format!("{dataset}/records");
            let added = place.send(Method::POST, &target, record).await;
            assert_eq!(added.status, 201, "{}", added.text());
            go.send(()).unwrap();
        };
        let (answer, ()) = tokio::join!(import, edit);
        let now = place.records(&format!("{dataset}/records?sort=k")).await;
        let values: Vec<_> = now.iter().map(|it| it["v"].as_i64().unwrap()).collect();
        if mode == "append" {
            assert_eq!(answer.status, 422, "{}", answer.text());
            assert!(answer.text().contains("duplicate-key"), "{}", answer.text());
            assert!(answer.text().contains("(2)"), "{}", answer.text());
            assert_eq!(values, [1, 20]);
        } else {
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert_eq!(values, [1, 2, 3]);
        }
    }
}
