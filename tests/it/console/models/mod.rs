//! Models and their versions.

mod about;
mod aliases;
mod trial;

use super::*;
use crate::support::model_runner::{ModelRunner, check};

/// A console with a runner, an owner and a viewer of a project, and the model `churn` in it.
pub(super) struct Lab {
    pub(super) house: House,
    pub(super) ann: Person,
    pub(super) ben: Person,
    pub(super) project: String,
    _runner: ModelRunner,
}

impl Lab {
    pub(super) async fn new() -> Self {
        let runner = ModelRunner::start();
        let app = TestApp::with(&[&runner.setting()], Default::default()).await;
        app.app.health.good();
        let house = House::on(app).await;
        let ann = house.person("ann", false).await;
        let ben = house.person("ben", false).await;
        let project = house.project(&ann, &[(&ben, "viewer")]).await;
        let new = json!({ "project_id": project, "name": "churn" });
        house.made(&ann, "/api/v1/models", new).await;
        Self {
            house,
            ann,
            ben,
            project,
            _runner: runner,
        }
    }

    async fn send(&self, who: &Person, key: &str, file: &str) -> Answer {
        self.house.upload(who, "churn", key, file).await
    }

    /// Uploads a version, and says where its page is, once it has been checked.
    pub(super) async fn version(&self, file: Value) -> String {
        let sent = self.send(&self.ann, "", &file.to_string()).await;
        let path = went(&sent).to_owned();
        self.check().await;
        path
    }

    async fn check(&self) {
        check(&self.house.app, &self.house.session).await;
    }

    /// A page as the owner sees it.
    pub(super) async fn page(&self, path: &str) -> String {
        self.house.page(&self.ann, path).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.house.post(&self.ann, path, fields).await
    }

    /// Lets an alias lead somewhere, as the form does that shows the difference.
    pub(super) async fn lead(&self, alias: &str, to: &[(&str, &str)]) {
        let fields = [&[("alias", alias)], to].concat();
        let query = serde_urlencoded::to_string(&fields).unwrap();
        let page = self.page(&format!("/models/churn/move?{query}")).await;
        let etag = hidden(&page, "etag");
        let fields = [fields, vec![("etag", &*etag)]].concat();
        let moved = self.post("/models/churn/move", &fields).await;
        assert_eq!(went(&moved), format!("/models/churn/aliases/{alias}"));
    }

    async fn leads(&self, alias: &str) -> Value {
        let path = format!("/api/v1/models/churn/aliases/{alias}");
        let now = self.house.api(&self.ann, Method::GET, &path, None).await;
        now.json()["weights"].clone()
    }
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn a_model_is_made_found_described_and_deleted() {
    let lab = Lab::new().await;
    let form = lab.page("/models/new").await;
    let key = hidden(&form, "key");
    let mut fields = vec![
        ("key", &*key),
        ("project_id", &*lab.project),
        ("name", "fraud"),
        ("description", "Finds *fraud*"),
    ];
    let made = lab.post("/models/new", &fields).await;
    assert_eq!(went(&made), "/models/fraud/upload");
    assert_eq!(
        went(&lab.post("/models/new", &fields).await),
        "/models/fraud/upload"
    );
    let list = lab.page("/models?name__contains=FRA&sort=name").await;
    has(
        &list,
        &[
            "href=\"/models/fraud\"",
            "A project",
            "production leads nowhere yet",
        ],
    );
    assert!(!list.contains("/models/churn"), "{list}");
    let none = lab.page("/models?name__contains=nothing").await;
    assert!(
        none.contains("Nothing fits") && !none.contains("/models/fraud"),
        "{none}"
    );
    has(
        &lab.page("/models/fraud").await,
        &["<em>fraud</em>", "There is no version yet"],
    );
    let project = lab.page(&format!("/projects/{}", lab.project)).await;
    has(
        &project,
        &["href=\"/models/fraud\"", "href=\"/models/churn\""],
    );

    // The name is taken, and a name is no sentence.
    fields[0] = ("key", "another");
    let taken = lab.post("/models/new", &fields).await;
    assert_eq!(taken.status, 409);
    has(
        &taken.text(),
        &["there is a model with this name already", "Finds *fraud*"],
    );
    fields[2] = ("name", "no name");
    let refused = lab.post("/models/new", &fields).await;
    assert_eq!(refused.status, 422);
    has(&refused.text(), &["id=\"name-wrong\""]);

    let edit = lab.page("/models/fraud/edit").await;
    let etag = hidden(&edit, "etag");
    let change = [
        ("etag", &*etag),
        ("before.description", "Finds *fraud*"),
        ("description", "Finds it"),
    ];
    assert_eq!(
        went(&lab.post("/models/fraud/edit", &change).await),
        "/models/fraud"
    );
    has(&lab.page("/models/fraud").await, &["Finds it"]);
    let clash = change.map(|(name, value)| match name {
        "description" => (name, "Finds them"),
        _ => (name, value),
    });
    assert_eq!(lab.post("/models/fraud/edit", &clash).await.status, 412);

    let etag = hidden(&lab.page("/models/fraud/edit").await, "etag");
    let wrong = [("etag", &*etag), ("name", "churn")];
    assert_eq!(lab.post("/models/fraud/delete", &wrong).await.status, 409);
    let right = [("etag", &*etag), ("name", "fraud")];
    let gone = lab.post("/models/fraud/delete", &right).await;
    assert_eq!(went(&gone), format!("/projects/{}", lab.project));
    assert_eq!(lab.house.get(&lab.ann, "/models/fraud").await.status, 404);
}

#[tokio::test]
async fn a_file_becomes_a_version_that_says_what_it_takes() {
    let lab = Lab::new().await;
    let form = lab.page("/models/churn/upload").await;
    has(
        &form,
        &[
            "data-upload=\"/api/v1/models/churn/versions\"",
            "at most 256 MiB",
        ],
    );
    let key = hidden(&form, "key");
    let file = r#"{"factor": 2}"#;
    let sent = lab.send(&lab.ann, &key, file).await;
    let path = went(&sent).to_owned();
    assert_eq!(path, "/models/churn/versions/1");
    assert_eq!(
        went(&lab.send(&lab.ann, &key, file).await),
        path,
        "sent twice"
    );
    let waiting = lab.house.get(&lab.ann, &path).await;
    assert_eq!(waiting.header("refresh"), "2");
    has(&waiting.text(), &["being checked"]);
    has(
        &lab.page("/home").await,
        &["Version 1 of churn is being checked"],
    );
    lab.check().await;
    let ready = lab.house.get(&lab.ann, &path).await;
    assert!(ready.headers.get("refresh").is_none());
    let api = lab
        .house
        .api(
            &lab.ann,
            Method::GET,
            "/api/v1/models/churn/versions/1",
            None,
        )
        .await
        .json();
    has(
        &ready.text(),
        &[
            "ready",
            api["sha256"].as_str().unwrap(),
            ">x</td><td>FP32</td><td>[-1, 2]</td>",
            "onnxruntime 0",
            "by The ann",
            "/api/v1/models/churn/versions/1/bytes",
        ],
    );
    let home = lab.page("/home").await;
    assert!(!home.contains("/models/churn/versions/1"), "{home}");

    let failed = lab
        .version(json!({ "problem": "it has an <odd> operator" }))
        .await;
    has(
        &lab.page(&failed).await,
        &["failed", "it has an &lt;odd&gt; operator"],
    );
    has(
        &lab.page("/home").await,
        &["Version 2 of churn has failed", &failed],
    );
    has(
        &lab.page("/models/churn").await,
        &["it has an &lt;odd&gt; operator", &failed],
    );
    let again = lab.post(&format!("{failed}/verify"), &[("key", "k")]).await;
    assert_eq!(went(&again), failed);
    has(&lab.page(&failed).await, &["being checked"]);

    assert_eq!(lab.send(&lab.ann, "empty", "").await.status, 400);
    assert_eq!(lab.send(&lab.ben, "third", file).await.status, 403);
    let page = lab.house.page(&lab.ben, &path).await;
    assert!(
        !page.contains("/verify") && !page.contains("/delete"),
        "{page}"
    );
}

#[tokio::test]
async fn a_version_is_described_beside_others_and_deleted() {
    let lab = Lab::new().await;
    let path = lab.version(json!({ "factor": 1 })).await;
    let edit = format!("{path}/edit");
    let etag = hidden(&lab.page(&edit).await, "etag");
    let elsewhere = json!({ "description": "About *churn*", "metrics": { "auc": 0.93 } });
    let api = format!("/api/v1{path}");
    let changed = lab
        .house
        .api(&lab.ann, Method::PATCH, &api, Some(elsewhere))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let long = "x".repeat(60);
    let mut fields = vec![
        ("etag", &*etag),
        ("licence", "Apache-2.0"),
        ("tags", "census, trees"),
    ];
    assert_eq!(went(&lab.post(&edit, &fields).await), path);
    let page = lab.page(&path).await;
    has(
        &page,
        &[
            "<em>churn</em>",
            "Licence: Apache-2.0",
            ">census<",
            ">trees<",
            "auc: 0.93",
        ],
    );
    fields[2] = ("tags", &long);
    let refused = lab.post(&edit, &fields).await;
    assert_eq!(refused.status, 422);
    has(&refused.text(), &["id=\"tags-wrong\""]);

    let delete = format!("{path}/delete");
    let etag = hidden(&page, "etag");
    let wrong = lab.post(&delete, &[("etag", &*etag), ("name", "2")]).await;
    assert_eq!(wrong.status, 409);
    let right = lab.post(&delete, &[("etag", &*etag), ("name", "1")]).await;
    assert_eq!(went(&right), "/models/churn");
    assert_eq!(lab.house.get(&lab.ann, &path).await.status, 404);
}
