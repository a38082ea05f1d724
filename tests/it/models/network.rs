//! Models that run behind a network: who is believed, which runner is asked, and what one that goes
//! away costs.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;

use super::{Place, values};
use crate::support::app::outcome;
use crate::support::model_runner::ModelRunner;
use crate::support::process::TempDir;
use crate::support::wait::until;

const ASK: &str = "/v2/models/m/infer";
const SOON: Duration = Duration::from_secs(10);

/// Files for both sides, of one new authority, whose certificates name `name`.
fn certify(folder: &Path, name: &str) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    for side in ["server", "client"] {
        let side = folder.join(side);
        std::fs::create_dir_all(&side).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        std::fs::write(side.join("tls.crt"), certificate).unwrap();
        std::fs::write(side.join("tls.key"), key.serialize_pem()).unwrap();
        std::fs::write(side.join("ca.crt"), &authority).unwrap();
    }
}

/// An application and two runners that it may ask.
struct Apart {
    place: Place,
    other: Option<ModelRunner>,
    folder: TempDir,
}

impl Apart {
    async fn new(name: &str, more: &[&str]) -> Self {
        let folder = TempDir::new("apart").unwrap();
        certify(&folder.0, name);
        let server = folder.0.join("server");
        let (one, two) = (
            ModelRunner::far(&server).await,
            ModelRunner::far(&server).await,
        );
        let (first, second) = (one.address.unwrap(), two.address.unwrap());
        let runner = format!("--models-runner=tls://{first},{second}");
        let tls = format!("--models-runner-tls={}", folder.0.join("client").display());
        let flags: Vec<&str> = [runner.as_str(), &tls]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        Self {
            place: Place::among(one, &flags).await,
            other: Some(two),
            folder,
        }
    }

    /// Connections at the one and the other.
    fn open(&self) -> [usize; 2] {
        let other = self.other.as_ref();
        [
            self.place.runner.counts.open.load(Ordering::SeqCst),
            other.map_or(0, |it| it.counts.open.load(Ordering::SeqCst)),
        ]
    }

    /// A model called `m` whose one version is in production.
    async fn served(&self, file: serde_json::Value) {
        let model = self.place.model("m").await;
        let version = self.place.ready(&model, file).await;
        let version = json!({ "version": version });
        self.place.lead(&model, "production", version).await;
    }

    /// Ends the process of the model.
    async fn end_all(&self) {
        self.place.ask(ASK, &[[777.0, 1.0]]).await;
        until("the end of the process", SOON, async || {
            (self.open() == [0, 0]).then_some(())
        })
        .await
        .unwrap();
    }

    /// Ends the runner that has the model.
    async fn kill(&mut self) {
        match self.open() {
            [1, 0] => {
                let folder = self.folder.0.join("server");
                let gone = ModelRunner::far(&folder).await;
                // The new one is at an address that nobody knows.
                drop(std::mem::replace(&mut self.place.runner, gone));
            }
            [0, 1] => drop(self.other.take()),
            open => panic!("{open:?}"),
        }
    }
}

#[tokio::test]
async fn a_version_is_at_one_runner_and_moves_when_that_goes() {
    let mut apart = Apart::new("127.0.0.1", &[]).await;
    apart.served(json!({ "factor": 2.0 })).await;
    for _ in 0..20 {
        let answer = apart.place.ask(ASK, &[[1.0, 2.0]]).await;
        assert_eq!(values(&answer), [2.0, 4.0]);
    }
    assert_eq!(apart.open().iter().sum::<usize>(), 1, "one after the other");
    apart.kill().await;
    let began = Instant::now();
    // What was being asked is asked elsewhere.
    let answer = apart.place.ask(ASK, &[[1.0, 2.0]]).await;
    assert_eq!(values(&answer), [2.0, 4.0]);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    apart.kill().await;
    let answer = apart.place.ask(ASK, &[[1.0, 2.0]]).await;
    assert_eq!(answer.status, 503, "there is none any more");
}

#[tokio::test]
async fn what_ends_a_runner_is_put_again_once() {
    let apart = Apart::new("127.0.0.1", &[]).await;
    apart.served(json!({ "factor": 2.0 })).await;
    let asked = |apart: &Apart| {
        let other = apart.other.as_ref().unwrap();
        [&apart.place.runner, other].map(|it| it.counts.questions.load(Ordering::SeqCst))
    };
    let answer = apart.place.ask(ASK, &[[666.0, 1.0]]).await;
    assert_eq!(outcome(&answer), (503, "model-failed".to_owned()));
    assert_eq!(asked(&apart), [1, 1]);
    until("another process", SOON, async || {
        let answer = apart.place.ask(ASK, &[[1.0, 2.0]]).await;
        (answer.status == 200).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn another_runner_is_taken_where_questions_wait() {
    for (spread, expected) in [("4", 2), ("1", 1)] {
        let flag = format!("--models-spread={spread}");
        let apart = Apart::new("127.0.0.1", &[&flag, "--model-deadline=30s"]).await;
        // Its rows cannot be joined.
        apart.served(json!({ "factor": 2.0, "takes_ms": 20 })).await;
        apart.place.ask(ASK, &[[1.0, 2.0]]).await;
        assert_eq!(apart.open().iter().sum::<usize>(), 1);
        let began = Instant::now();
        let answers = join_all((0..100).map(|_| apart.place.ask(ASK, &[[1.0, 2.0]]))).await;
        assert!(answers.iter().all(|it| it.status == 200));
        println!(
            "100 questions of 20 ms with {spread}: {:?}",
            began.elapsed()
        );
        assert_eq!(apart.open().iter().filter(|it| **it == 1).count(), expected);
    }
}

#[tokio::test]
async fn a_runner_that_comes_back_is_used_again_where_questions_wait() {
    let flags = ["--models-spread=2", "--model-deadline=30s"];
    let mut apart = Apart::new("127.0.0.1", &flags).await;
    apart.served(json!({ "factor": 2.0, "takes_ms": 20 })).await;
    // Questions wait all the time, and each is answered.
    let load = async |apart: &Apart| {
        let answers = join_all((0..100).map(|_| apart.place.ask(ASK, &[[1.0, 2.0]]))).await;
        assert!(answers.iter().all(|it| it.status == 200));
    };
    load(&apart).await;
    assert_eq!(apart.open(), [1, 1]);
    let address = apart.other.take().unwrap().address.unwrap();
    load(&apart).await;
    assert_eq!(apart.open(), [2, 0], "both are in the one that is left");
    apart.other = Some(ModelRunner::at(address, &apart.folder.0.join("server")).await);
    until("one in each", Duration::from_secs(30), async || {
        load(&apart).await;
        (apart.open() == [1, 1]).then_some(())
    })
    .await
    .unwrap();
    // A load costs more than it gains: two part once, and stay.
    let loads = |apart: &Apart| apart.place.runner.counts.loads.load(Ordering::SeqCst);
    let before = loads(&apart);
    load(&apart).await;
    assert_eq!(loads(&apart), before);
}

#[tokio::test]
async fn only_a_runner_of_the_authority_and_of_the_name_is_believed() {
    let apart = Apart::new("127.0.0.1", &[]).await;
    apart.served(json!({ "factor": 2.0 })).await;
    apart.end_all().await;
    // Takes over certificates as a Secret that is changed does, and asks with nothing loaded.
    let ask = async |from: &TempDir, sides: &[&str]| {
        for side in sides {
            for file in ["tls.crt", "tls.key", "ca.crt"] {
                let from = from.0.join(side).join(file);
                std::fs::copy(from, apart.folder.0.join(side).join(file)).unwrap();
            }
        }
        // Both look again after a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let answer = apart.place.ask(ASK, &[[1.0, 2.0]]).await;
        (answer.status == 503).then(|| outcome(&answer).1)
    };
    let unavailable = Some("models-unavailable".to_owned());
    let next = TempDir::new("next").unwrap();
    certify(&next.0, "127.0.0.1");
    assert_eq!(ask(&next, &["client"]).await, unavailable, "an authority");
    assert_eq!(ask(&next, &["server"]).await, None);
    apart.end_all().await;
    let named = TempDir::new("named").unwrap();
    certify(&named.0, "elsewhere.test");
    assert_eq!(
        ask(&named, &["client", "server"]).await,
        unavailable,
        "a name"
    );
    assert_eq!(ask(&next, &["client", "server"]).await, None);
}
