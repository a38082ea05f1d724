//! Lineage: what came from what, both ways, through what somebody may not see and what is gone.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::Place;
use crate::support::app::outcome;

impl Place {
    /// The nodes by what they are called, and the edges between them.
    async fn lineage(&self, of: &str) -> (Vec<String>, Vec<String>) {
        let answer = self.get(&format!("/api/v1/lineage?of={of}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body["truncated"], false);
        let list = |member: &str| body[member].as_array().unwrap().clone();
        let names: BTreeMap<i64, String> = list("nodes").iter().map(named).collect();
        let edge = |edge: &Value| {
            let name = |end: &str| names[&edge[end].as_i64().unwrap()].clone();
            let kind = edge["kind"].as_str().unwrap();
            let told = edge["by"].is_string() && edge["at"].is_string();
            let told = if told { "" } else { " untold" };
            format!("{} {kind} {}{told}", name("from"), name("to"))
        };
        let mut edges: Vec<String> = list("edges").iter().map(edge).collect();
        edges.sort();
        let first = names[&1].clone();
        let mut nodes: Vec<String> = names.into_values().collect();
        assert_eq!(nodes.remove(0), first);
        nodes.sort();
        nodes.insert(0, first);
        (nodes, edges)
    }

    /// The version that scoring makes.
    async fn scored(&self, from: &str, version: i64, into: &str) {
        let body = json!({
            "dataset": from, "dataset_version": version, "into": into, "version": 1,
            "inputs": ["a", "a"], "columns": ["a"],
        });
        let import = self.begin("/api/v1/models/m", body).await;
        let import = self.ended(&import).await;
        assert_eq!(import["state"], "ready", "{import}");
    }

    async fn trained_on(&self, on: Value) -> crate::support::app::Answer {
        let target = "/api/v1/models/m/versions/1";
        let headers = [("content-type", "application/merge-patch+json")];
        let body = axum::body::Body::from(json!({ "trained_on": on }).to_string());
        let headers: Vec<_> = headers
            .into_iter()
            .chain([("authorization", self.authorization.as_str())])
            .collect();
        self.app.send(Method::PATCH, target, &headers, body).await
    }
}

/// A node by its number: its type, its name and its version, if they are told.
fn named(node: &Value) -> (i64, String) {
    let kind = node["type"].as_str().unwrap();
    let name = match node["name"].as_str() {
        Some(name) => format!("{name}@{}", node["version"]),
        None => {
            let all = ["id", "version", "project_id"];
            assert!(all.iter().all(|it| node[it].is_null()), "{node}");
            "?".to_owned()
        }
    };
    (node["node"].as_i64().unwrap(), format!("{kind}:{name}"))
}

#[tokio::test]
async fn what_came_of_what_is_found_both_ways_and_through_what_is_hidden() {
    let mut place = Place::new().await;
    let model = place.model("m").await;
    place
        .ready(&model, json!({ "factor": 2.0, "batchable": true }))
        .await;
    let hidden = uuid::Uuid::now_v7().to_string();
    let made = format!(
        "INSERT INTO projects (id, name, visibility) VALUES ('{hidden}', 'h', 'private'); \
         INSERT INTO project_members (project_id, principal_id, role) \
         SELECT '{hidden}', principal_id, 'owner' FROM project_members"
    );
    place.session.batch_execute(&made).await.unwrap();
    let (project, columns) = (place.project.clone(), [("a", "float64")]);
    let first = place.dataset_in(&project, &columns).await;
    place.fill(&first, "a\n1\n2\n").await;
    let learned = place.dataset_in(&hidden, &columns).await;
    place.fill(&learned, "a\n3\n").await;
    let between = place.dataset_in(&hidden, &[]).await;
    let last = place.dataset_in(&project, &[]).await;
    let learns = json!([{ "dataset": learned, "version": 1 }]);
    let said = place.trained_on(learns.clone()).await;
    assert_eq!(said.status, 200, "{}", said.text());
    let worker = place.worker(super::scoring::SOON);
    place.scored(&first, 1, &between).await;
    place.scored(&between, 1, &last).await;
    drop(worker);
    let of = async |id: &str| {
        let dataset = place.get(&format!("/api/v1/datasets/{id}")).await.json();
        format!("dataset:{}@1", dataset["name"].as_str().unwrap())
    };
    let names = [
        of(&first).await,
        of(&learned).await,
        of(&between).await,
        of(&last).await,
    ];
    let [first_name, learned_name, between_name, last_name] = names.each_ref().map(String::as_str);
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    let expected = |first: &str, learned: &str, between: &str, last: &str, untold: &str| {
        sorted(vec![
            format!("{learned} trained_on model:m@1"),
            format!("{first} made_from {between}{untold}"),
            format!("model:m@1 scored {between}{untold}"),
            format!("{between} made_from {last}"),
            format!("model:m@1 scored {last}"),
        ])
    };

    // From the end, all that it came from.
    let (nodes, edges) = place.lineage(&format!("dataset:{last}@1")).await;
    assert_eq!(nodes[0], last_name);
    assert_eq!(nodes.len(), 5);
    let all = expected(first_name, learned_name, between_name, last_name, "");
    assert_eq!(edges, all);
    // From the model, what it learned from and what it made; not what that was made from besides.
    let (nodes, edges) = place.lineage("model:m@1").await;
    assert_eq!(nodes[0], "model:m@1");
    let without: Vec<String> = all
        .iter()
        .filter(|it| !it.starts_with(first_name))
        .cloned()
        .collect();
    assert_eq!(edges, without);
    // From the beginning, what came of it; the model came from elsewhere.
    let (nodes, edges) = place.lineage(&format!("dataset:{first}@1")).await;
    assert_eq!(
        nodes,
        [
            vec![first_name.to_owned()],
            sorted(vec![between_name.to_owned(), last_name.to_owned()])
        ]
        .concat()
    );
    assert_eq!(edges.len(), 2);

    // Who is no member of the hidden project sees that something is there, and what lies beyond.
    let editor = place.member("editor").await;
    let owner = std::mem::replace(&mut place.authorization, editor);
    let (nodes, edges) = place.lineage(&format!("dataset:{last}@1")).await;
    assert_eq!(nodes.iter().filter(|it| *it == "dataset:?").count(), 2);
    assert_eq!(
        edges,
        expected(first_name, "dataset:?", "dataset:?", last_name, " untold")
    );
    let nothing = place
        .get(&format!("/api/v1/lineage?of=dataset:{between}@1"))
        .await;
    assert_eq!(outcome(&nothing), (404, "not-found".to_owned()));
    // Nor can they say that a model was trained on what they do not see; nothing is changed.
    let both = json!([{ "dataset": first, "version": 1 }, { "dataset": learned, "version": 1 }]);
    let refused = place.trained_on(both).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/trained_on/1");
    assert_eq!(refused.status, 422);
    let (_, same) = place.lineage(&format!("dataset:{last}@1")).await;
    assert_eq!(same, edges);
    let said = place
        .trained_on(json!([{ "dataset": first, "version": 1 }]))
        .await;
    assert_eq!(said.status, 200);
    let (_, edges) = place.lineage("model:m@1").await;
    // What they do not see stays.
    for trained in [first_name, "dataset:?"] {
        let edge = format!("{trained} trained_on model:m@1");
        assert!(edges.contains(&edge), "{edges:?}");
    }
    place.authorization = owner;

    // What is gone is a node without a name, for everybody, for as long as its other end is there.
    for gone in [&between, &last] {
        let target = format!("/api/v1/datasets/{gone}");
        assert_eq!(place.send(Method::DELETE, &target, None).await.status, 204);
    }
    let (nodes, edges) = place.lineage(&format!("dataset:{first}@1")).await;
    assert_eq!(
        nodes,
        [first_name, "dataset:?", "dataset:?", "model:m@1"].map(str::to_owned)
    );
    assert_eq!(
        edges,
        sorted(vec![
            format!("{first_name} made_from dataset:? untold"),
            format!("{first_name} trained_on model:m@1"),
            "model:m@1 scored dataset:? untold".to_owned(),
            "model:m@1 scored dataset:? untold".to_owned(),
        ])
    );
    assert_eq!(place.number("SELECT count(*) FROM lineage").await, 5);
    for target in [
        format!("/api/v1/datasets/{first}"),
        format!("/api/v1/datasets/{learned}"),
        "/api/v1/models/m".to_owned(),
    ] {
        assert_eq!(place.send(Method::DELETE, &target, None).await.status, 204);
    }
    assert_eq!(place.number("SELECT count(*) FROM lineage").await, 0);
}

#[tokio::test]
async fn lineage_ends_somewhere_and_says_so() {
    let place = Place::new().await;
    let first = place.dataset(&[("a", "float64")]).await;
    place.fill(&first, "a\n1\n").await;
    // A chain of 15 whose links are gone, and one that 1,200 came from.
    let chain = format!(
        "INSERT INTO lineage (from_id, from_version, to_id, to_version, kind) \
         SELECT CASE WHEN n = 0 THEN '{first}' ELSE md5(n::text)::uuid END, 1, md5((n + 1)::text)::uuid, 1, 'made_from' \
         FROM generate_series(0, 14) AS n"
    );
    place.session.batch_execute(&chain).await.unwrap();
    let target = format!("/api/v1/lineage?of=dataset:{first}@1");
    let deep = place.get(&target).await.json();
    assert_eq!(deep["truncated"], true);
    assert_eq!(deep["nodes"].as_array().unwrap().len(), 11);
    let shorter = "DELETE FROM lineage WHERE from_id IN (SELECT md5(n::text)::uuid FROM generate_series(10, 14) AS n)";
    place.session.batch_execute(shorter).await.unwrap();
    let all = place.get(&target).await.json();
    assert_eq!(
        (&all["truncated"], all["nodes"].as_array().unwrap().len()),
        (&json!(false), 11)
    );

    let wide = format!(
        "INSERT INTO lineage (from_id, from_version, to_id, to_version, kind) \
         SELECT '{first}', 1, gen_random_uuid(), n, 'made_from' FROM generate_series(1, 1200) AS n"
    );
    place.session.batch_execute(&wide).await.unwrap();
    let wide = place.get(&target).await.json();
    assert_eq!(wide["truncated"], true);
    assert_eq!(wide["nodes"].as_array().unwrap().len(), 1_000);
    assert_eq!(wide["nodes"][0]["id"], first);
    // A circle, which no service makes, is walked once.
    let circle = format!(
        "DELETE FROM lineage; INSERT INTO lineage (from_id, from_version, to_id, to_version, kind) \
         VALUES ('{first}', 1, md5('x')::uuid, 1, 'made_from'), (md5('x')::uuid, 1, '{first}', 1, 'made_from')"
    );
    place.session.batch_execute(&circle).await.unwrap();
    let circle = place.get(&target).await.json();
    assert_eq!(circle["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(circle["edges"].as_array().unwrap().len(), 2);
    // Its answer has a tag that changes with it.
    let answer = place.get(&target).await;
    let known = [("if-none-match", answer.header("etag"))];
    let same = place
        .app
        .send_as(&place.authorization, Method::GET, &target, &known, None)
        .await;
    assert_eq!(same.status, 304);
}

#[tokio::test]
async fn what_lineage_is_asked_about_is_named() {
    let place = Place::new().await;
    let model = place.model("m").await;
    place.ready(&model, json!({ "factor": 2.0 })).await;
    assert_eq!(place.lineage("model:m@1").await.0, ["model:m@1"]);
    for (of, expected) in [
        ("model:m", 400),
        ("model:m@0", 400),
        ("model:m@x", 400),
        ("dataset:m@1", 400),
        ("project:m@1", 400),
        ("", 400),
        ("model:m@2", 404),
        ("model:n@1", 404),
        ("dataset:0190a8c8-0000-7000-8000-000000000000@1", 404),
    ] {
        let answer = place.get(&format!("/api/v1/lineage?of={of}")).await;
        assert_eq!(answer.status, expected, "{of}: {}", answer.text());
    }
}
