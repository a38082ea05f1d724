//! As much of an API server as tokens need: it publishes real keys, reviews tokens honestly unless
//! told otherwise, and counts.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use super::tokens::{Key, Token};
use crate::support::process::TempDir;
use crate::support::stand_in::answer_by;

pub(super) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// What the service wants to be called.
pub(super) const AUDIENCE: &str = "demo-chartroom.shop.svc";

/// What becomes of a question.
#[derive(Clone)]
pub(super) enum Mood {
    /// An answer that is true.
    Honest,
    /// This status and body, whatever was asked.
    Says(u16, Value),
    /// This text with status 201.
    Garbles(&'static str),
    /// Never an answer.
    Hangs,
    /// The connection is closed.
    Gone,
}

pub(super) struct State {
    pub published: Vec<Value>,
    pub keys: Mood,
    pub reviews: Mood,
    pub rights: Mood,
    /// Whether the service may have tokens reviewed.
    pub has_right: bool,
    /// Accounts whose tokens are not good any more, by UID.
    pub deleted: BTreeSet<String>,
    /// How often it was asked for each.
    pub asked_keys: usize,
    pub asked_reviews: usize,
    pub asked_rights: usize,
    /// The last review, as it came.
    pub last_review: Value,
    /// The credential of the last question.
    pub credential: String,
}

pub(super) struct Cluster {
    address: SocketAddr,
    pub rsa: Key,
    pub ec: Key,
    state: Arc<Mutex<State>>,
    folder: TempDir,
    _task: AbortOnDropHandle<()>,
}

impl Cluster {
    pub(super) async fn start() -> Self {
        let (rsa, ec) = (Key::rsa("rsa-1"), Key::ec("ec-1"));
        let state = Arc::new(Mutex::new(State {
            published: vec![rsa.jwk(), ec.jwk()],
            keys: Mood::Honest,
            reviews: Mood::Honest,
            rights: Mood::Honest,
            has_right: true,
            deleted: BTreeSet::new(),
            asked_keys: 0,
            asked_reviews: 0,
            asked_rights: 0,
            last_review: Value::Null,
            credential: String::new(),
        }));
        let shared = state.clone();
        let (address, task) = answer_by(move |request| answer(request, shared.clone())).await;
        let cluster = Self {
            address,
            rsa,
            ec,
            state,
            folder: TempDir::new("cluster").unwrap(),
            _task: task,
        };
        cluster.write_token(&json!([ISSUER]));
        cluster
    }

    /// The token of the service itself, which is for the API server.
    pub(super) fn write_token(&self, audience: &Value) {
        let own = Token::of("shop", "demo-chartroom").with("aud", audience.clone());
        std::fs::write(self.folder.0.join("token"), self.rsa.sign(&own)).unwrap();
    }

    /// The settings by which the service finds it; `flags` win.
    pub(super) fn flags(&self, flags: &[&str]) -> Vec<String> {
        let own = [
            "--service-accounts-mode=tokenReview".to_owned(),
            format!("--service-accounts-audience={AUDIENCE}"),
            format!("--service-accounts-server=http://{}", self.address),
            format!(
                "--service-accounts-token-file={}/token",
                self.folder.0.display()
            ),
            // A busy machine is no silent API server.
            "--service-accounts-timeout=20s".to_owned(),
        ];
        let named = |flag: &str| flag.split('=').next().unwrap().to_owned();
        let is_overridden = |own: &String| flags.iter().any(|flag| named(flag) == named(own));
        let given = flags.iter().map(|flag| (*flag).to_owned());
        own.into_iter()
            .filter(|own| !is_overridden(own))
            .chain(given)
            .collect()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn reviews(&self) -> usize {
        self.state().asked_reviews
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (mood, status, honest) = state.lock().unwrap().decide(&head, &body);
    let (status, text) = match mood {
        Mood::Honest => (status, honest.to_string()),
        Mood::Says(status, value) => (status, value.to_string()),
        Mood::Garbles(text) => (201, text.to_owned()),
        Mood::Hangs => match std::future::pending::<Infallible>().await {},
        Mood::Gone => return Err(std::io::ErrorKind::ConnectionReset.into()),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    Ok(response.body(Full::from(text)).unwrap())
}

impl State {
    fn decide(&mut self, head: &http::request::Parts, body: &[u8]) -> (Mood, u16, Value) {
        let credential = head.headers.get("authorization").unwrap();
        self.credential = credential.to_str().unwrap().to_owned();
        match (head.method.as_str(), head.uri.path()) {
            ("GET", "/openid/v1/jwks") => {
                self.asked_keys += 1;
                (self.keys.clone(), 200, json!({ "keys": self.published }))
            }
            ("POST", "/apis/authentication.k8s.io/v1/tokenreviews") => {
                self.asked_reviews += 1;
                self.last_review = serde_json::from_slice(body).unwrap();
                (self.reviews.clone(), 201, self.review())
            }
            ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
                self.asked_rights += 1;
                let asked: Value = serde_json::from_slice(body).unwrap();
                assert_eq!(
                    asked["spec"]["resourceAttributes"],
                    json!({ "group": "authentication.k8s.io", "resource": "tokenreviews", "verb": "create" })
                );
                let status = json!({ "allowed": self.has_right });
                (self.rights.clone(), 201, json!({ "status": status }))
            }
            other => panic!("nothing asks for {other:?}"),
        }
    }

    /// What Kubernetes would say; signatures are the service's own business.
    fn review(&self) -> Value {
        let spec = &self.last_review["spec"];
        let body = spec["token"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap();
        let account = &claims["kubernetes.io"]["serviceaccount"];
        if self.deleted.contains(account["uid"].as_str().unwrap()) {
            let error = "[invalid bearer token, service account has been deleted]";
            return json!({ "status": { "user": {}, "error": error } });
        }
        let audiences: Vec<&Value> = spec["audiences"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|audience| claims["aud"].as_array().unwrap().contains(audience))
            .collect();
        json!({ "status": {
            "authenticated": true,
            "user": { "username": claims["sub"], "uid": account["uid"], "groups": ["system:serviceaccounts", "system:authenticated"] },
            "audiences": audiences,
        } })
    }
}
