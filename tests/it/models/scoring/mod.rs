//! Scoring a dataset: what comes out is what asking row by row gives, all of it or nothing, and
//! once.

mod once;
mod refusals;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use chartroom::jobs::claim::{Claimed, Round, Wanted, claim};
use chartroom::jobs::kind::{Job as _, Kinds, Lane};
use chartroom::jobs::runner::{Runner, Timing};
use chartroom::kernel::shutdown::{Shutdown, Timings};
use chartroom::models::scoring::job::{ScoreDataset, Tools};
use chartroom::process::models::ModelRunner;
use diesel_async::AsyncPgConnection;
use http::Method;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{Place, values};
use crate::support::app::Answer;
use crate::support::wait::until;

pub(super) const SOON: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_secs(30);

impl Place {
    /// A new dataset in a project, with these columns.
    pub(super) async fn dataset_in(&self, project: &str, columns: &[(&str, &str)]) -> String {
        let columns = columns.iter();
        let columns = columns.map(|(name, kind)| json!({ "name": name, "type": kind }));
        let body = json!({
            "project_id": project, "name": Uuid::now_v7().to_string(),
            "columns": columns.collect::<Vec<_>>(),
        });
        let answer = self.send(Method::POST, "/api/v1/datasets", Some(body));
        let answer = answer.await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn dataset(&self, columns: &[(&str, &str)]) -> String {
        self.dataset_in(&self.project, columns).await
    }

    pub(super) async fn fill(&self, dataset: &str, csv: &str) {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "text/csv"),
        ];
        let target = format!("/api/v1/datasets/{dataset}/imports");
        let body = Body::from(csv.to_owned());
        let answer = self.app.send(Method::POST, &target, &headers, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// A dataset with rows, and one for what comes out.
    async fn datasets(&self, rows: usize) -> (String, String) {
        let from = self
            .dataset(&[("id", "text"), ("a", "float64"), ("b", "int")])
            .await;
        // No value that means something to the model.
        let line = |row: usize| {
            let row = number(row);
            format!("r{row},{},{}\n", f64::from(row) / 10.0, row % 500)
        };
        let lines: String = (0..rows).map(line).collect();
        let csv = format!("id,a,b\n{lines}");
        self.fill(&from, &csv).await;
        (from, self.dataset(&[]).await)
    }

    /// A model called `m` with one version in production.
    pub(super) async fn production(&self, file: Value) -> String {
        let model = self.model("m").await;
        let version = self.ready(&model, file).await;
        self.lead(&model, "production", json!({ "version": version }))
            .await;
        model
    }

    pub(super) async fn score(&self, model: &str, body: Value) -> Answer {
        let target = format!("{model}/batch");
        self.send(Method::POST, &target, Some(body)).await
    }

    /// Begins, and says where the import is.
    pub(super) async fn begin(&self, model: &str, body: Value) -> String {
        let answer = self.score(model, body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// The import once it has ended.
    pub(super) async fn ended(&self, import: &str) -> Value {
        let ended = async || {
            let import = self.get(import).await.json();
            import["ended_at"].is_string().then_some(import)
        };
        until("the end of an import", SOON, ended).await.unwrap()
    }

    async fn rows_of(&self, dataset: &str) -> Value {
        let target = format!("/api/v1/datasets/{dataset}");
        self.get(&target).await.json()["rows"].clone()
    }

    async fn until(&self, query: &str, expected: i64) {
        let is_so = async || (self.number(query).await == expected).then_some(());
        until(query, SOON, is_so).await.unwrap();
    }

    async fn asked(&self, questions: usize) {
        let asked = &self.runner.counts.questions;
        let is_so = async || (asked.load(Ordering::SeqCst) >= questions).then_some(());
        until("questions", SOON, is_so).await.unwrap();
    }

    fn tools(&self) -> Tools {
        let nowhere = || -> futures_util::future::BoxFuture<'static, _> {
            Box::pin(async { Err("there is none".to_owned()) })
        };
        let app = &self.app.app;
        Tools {
            runner: ModelRunner::of(&app.config.models, Arc::new(nowhere)),
            metrics: app.metrics.clone(),
        }
    }

    /// What scores, as a process does. Dropped, it is as if that were killed.
    pub(super) fn worker(&self, lease: Duration) -> AbortOnDropHandle<()> {
        let app = &self.app.app;
        let kinds = Kinds::default().with::<ScoreDataset>(self.tools());
        let timing = Timing {
            lease,
            poll: Duration::from_millis(20),
            at_once: 8,
        };
        let (db, metrics) = (app.db.clone(), app.metrics.clone());
        let runner = Runner::new(db, Arc::new(kinds), metrics, Arc::default(), timing);
        let shutdown = Shutdown::new(Timings {
            drain_delay: Duration::ZERO,
            hard_deadline: SOON,
        });
        AbortOnDropHandle::new(tokio::spawn(async move { runner.run(&shutdown).await }))
    }

    /// The job that waits, as a worker takes it that does nothing by itself.
    async fn claimed(&self) -> Claimed {
        let client = self.app.database.runtime_session().await;
        let mut connection = AsyncPgConnection::try_from(client).await.unwrap();
        let wanted = [Wanted {
            lane: Lane::Long.number(),
            floor: None,
            room: 1,
            share: 1,
        }];
        let round = Round {
            worker: Uuid::now_v7(),
            finished: &[],
            lease: LEASE.as_secs_f64(),
            wanted: &wanted,
            owners: &[],
            kinds: &[ScoreDataset::KIND],
            whole: true,
        };
        claim(&mut connection, &round).await.unwrap().jobs.remove(0)
    }
}

fn number(row: usize) -> u32 {
    u32::try_from(row).unwrap()
}

const JOBS: &str = "SELECT count(*) FROM jobs WHERE kind = 'models.score.1'";

#[tokio::test]
async fn what_comes_out_is_what_asking_row_by_row_gives() {
    for batchable in [true, false] {
        let place = Place::new().await;
        let model = place
            .production(json!({ "factor": 1.7, "batchable": batchable }))
            .await;
        let (from, into) = place.datasets(50).await;
        let _worker = place.worker(LEASE);
        let body = json!({ "dataset": from, "into": into, "columns": ["id", "b"] });
        let answer = place.score(&model, body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let begun = answer.json();
        assert_eq!(
            (&begun["state"], begun["job"].is_i64()),
            (&json!("receiving"), true)
        );
        let import = place.ended(answer.header("location")).await;
        assert_eq!(import["state"], "ready", "{import}");
        assert_eq!(
            (&import["rows_written"], &import["version"]),
            (&json!(50), &json!(1))
        );
        let said = json!([
            ["model", "m"],
            ["model_version", "1"],
            ["dataset", from],
            ["dataset_version", "1"]
        ]);
        assert_eq!(import["options"], said);
        place.until(JOBS, 0).await;
        // Where rows may depend on each other, each is asked alone.
        let questions = place.runner.counts.questions.load(Ordering::SeqCst);
        assert_eq!(questions, if batchable { 1 } else { 50 });

        let dataset = place.get(&format!("/api/v1/datasets/{into}")).await.json();
        let columns = dataset["columns"].as_array().unwrap().iter();
        let columns: Vec<_> = columns
            .map(|it| (it["name"].clone(), it["type"].clone()))
            .collect();
        let expected = [
            ("id", "text"),
            ("b", "int"),
            ("y_0", "float64"),
            ("y_1", "float64"),
        ];
        assert_eq!(
            columns,
            expected.map(|(name, kind)| (json!(name), json!(kind)))
        );
        let target = format!("/api/v1/datasets/{into}/records?limit=200");
        let records = place.get(&target).await.json()["items"].clone();
        for (row, record) in records.as_array().unwrap().iter().enumerate() {
            let asked = [f64::from(number(row)) / 10.0, f64::from(number(row))];
            let answer = values(&place.ask("/v2/models/m/infer", &[asked]).await);
            assert_eq!(record["id"], format!("r{row}"));
            assert_eq!(record["b"], row);
            let came = ["y_0", "y_1"].map(|it| record[it].as_f64().unwrap());
            assert_eq!(came.as_slice(), answer, "{row}");
        }
        assert_eq!(records.as_array().unwrap().len(), 50);
    }
}

#[tokio::test]
async fn what_goes_along_stays_as_it_is() {
    let place = Place::new().await;
    let model = place.production(json!({ "factor": 2.0 })).await;
    let from = place
        .dataset(&[("note", "text"), ("a", "float64"), ("b", "int")])
        .await;
    let csv = "note,a,b\n,1,1\n\"\",2,2\n\"Z\u{fc}rich, \u{65e5}\u{672c}\n\",3,3\n";
    place.fill(&from, csv).await;
    let into = place.dataset(&[]).await;
    let _worker = place.worker(LEASE);
    let body = json!({ "dataset": from, "into": into, "columns": ["note"] });
    let import = place.begin(&model, body).await;
    let import = place.ended(&import).await;
    assert_eq!(import["state"], "ready", "{import}");
    let target = format!("/api/v1/datasets/{into}/records");
    let records = place.get(&target).await.json()["items"].clone();
    let records = records.as_array().unwrap().iter();
    let notes: Vec<Value> = records.map(|it| it["note"].clone()).collect();
    let expected = [
        json!(null),
        json!(""),
        json!("Z\u{fc}rich, \u{65e5}\u{672c}\n"),
    ];
    assert_eq!(notes, expected);
}

#[tokio::test]
async fn a_version_that_was_is_scored_and_columns_are_named() {
    let place = Place::new().await;
    let model = place.model("m").await;
    place.ready(&model, json!({ "factor": 2.0 })).await;
    let (from, _) = place.datasets(2).await;
    place.fill(&from, "id,a,b\nlater,1,1\n").await;
    let into = place
        .dataset(&[("y_0", "float64"), ("y_1", "decimal"), ("note", "text")])
        .await;
    let _worker = place.worker(LEASE);
    let body = json!({
        "dataset": from, "dataset_version": 1, "version": 1, "into": into,
        "columns": [], "inputs": ["b", "a"], "message": "backwards",
    });
    for rows in [2, 4] {
        let import = place.begin(&model, body.clone()).await;
        assert_eq!(place.ended(&import).await["state"], "ready");
        assert_eq!(place.rows_of(&into).await, rows);
    }
    let target = format!("/api/v1/datasets/{into}/records?format=csv");
    let csv = place.get(&target).await.text();
    assert_eq!(csv, "y_0,y_1,note\r\n0,0,\r\n2,0.2,\r\n0,0,\r\n2,0.2,\r\n");
    let versions = place
        .get(&format!("/api/v1/datasets/{into}/versions"))
        .await
        .json();
    assert_eq!(versions["items"][0]["message"], "backwards");
    // In the place of all of them.
    let mut replaces = body.clone();
    replaces["mode"] = json!("replace");
    let import = place.begin(&model, replaces).await;
    assert_eq!(place.ended(&import).await["state"], "ready");
    assert_eq!(place.rows_of(&into).await, 2);
}

#[tokio::test]
async fn a_repetition_with_the_same_key_begins_nothing() {
    let place = Place::new().await;
    let model = place.production(json!({ "factor": 2.0 })).await;
    let (from, into) = place.datasets(2).await;
    let target = format!("{model}/batch");
    let body = json!({ "dataset": from, "into": into });
    let send = async |key: &str| {
        let headers = [("idempotency-key", key)];
        place
            .app
            .send_as(
                &place.authorization,
                Method::POST,
                &target,
                &headers,
                Some(body.clone()),
            )
            .await
    };
    let (first, again) = (send("\"k\"").await, send("\"k\"").await);
    assert_eq!(first.text(), again.text());
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(place.number(JOBS).await, 1);
    assert_eq!(send("\"l\"").await.status, 202);
    assert_eq!(place.number(JOBS).await, 2);
}
