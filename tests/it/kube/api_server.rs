//! As much of an API server as provisioning asks of one: named objects, server-side apply, JSON
//! patches with a test, rights by name, and a CloudNativePG that comes up step by step. It writes
//! down what it was asked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::support::stand_in::answer_by;

#[derive(Default)]
pub(super) struct State {
    /// By `kind/name`, such as `secrets/demo-db`.
    pub objects: BTreeMap<String, Value>,
    /// What a Cluster's status is, one for each time it is read; the last one stays.
    pub statuses: Vec<Value>,
    pub has_no_operator: bool,
    /// Refusals with this status and message, before anything else happens: `(verb, kind, status,
    /// message, times)`.
    pub refusals: Vec<(&'static str, &'static str, u16, &'static str, usize)>,
    /// `verb kind/name` in order; the apply without effect is `try`.
    pub asked: Vec<String>,
    /// Fields of Clusters that somebody else holds.
    pub held: Option<&'static str>,
    /// An object that appears between the first look and the first write.
    pub racer: Option<(&'static str, Value)>,
    version: u64,
}

pub(super) struct ApiServer {
    address: SocketAddr,
    pub state: Arc<Mutex<State>>,
    _task: AbortOnDropHandle<()>,
}

impl ApiServer {
    pub(super) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let (address, task) = answer_by(move |request| answer(request, shared.clone())).await;
        Self {
            address,
            state,
            _task: task,
        }
    }

    /// A kubeconfig of its own.
    pub(super) fn kubeconfig(&self, folder: &Path) -> String {
        let file = folder.join("kubeconfig");
        let content = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{ "name": "here", "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": "me", "user": { "token": "t0ken" } }],
            "contexts": [{ "name": "here", "context": { "cluster": "here", "user": "me" } }],
        });
        std::fs::write(&file, content.to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    }

    pub(super) fn put(&self, key: &str, object: Value) {
        self.state
            .lock()
            .unwrap()
            .objects
            .insert(key.to_owned(), object);
    }

    pub(super) fn object(&self, key: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(key).cloned()
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let media_type = head
        .headers
        .get("content-type")
        .map(|value| value.to_str().unwrap().to_owned());
    let query = head.uri.query().unwrap_or_default().to_owned();
    let (status, answer) = state.lock().unwrap().decide(
        head.method.as_str(),
        head.uri.path(),
        &query,
        media_type.as_deref(),
        &body,
    );
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    Ok(response.body(Full::from(answer.to_string())).unwrap())
}

fn failure(status: u16, message: &str) -> (u16, Value) {
    (
        status,
        json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message, "reason": "" }),
    )
}

impl State {
    fn decide(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> (u16, Value) {
        if path == "/apis/postgresql.cnpg.io/v1" {
            return if self.has_no_operator {
                failure(404, "not found")
            } else {
                (200, json!({ "kind": "APIResourceList" }))
            };
        }
        let mut words = path.rsplit('/');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let key = format!("{kind}/{name}");
        let verb = match (method, media_type) {
            ("GET", _) => "get",
            ("PATCH", Some("application/apply-patch+yaml")) if query.contains("dryRun=All") => {
                "try"
            }
            ("PATCH", Some("application/apply-patch+yaml")) => "apply",
            ("PATCH", Some("application/json-patch+json")) => "patch",
            other => panic!("nothing asks for {other:?} {path}"),
        };
        self.asked.push(format!("{verb} {key}"));
        if let Some(refusal) = self
            .refusals
            .iter_mut()
            .find(|(v, k, _, _, times)| (*v, *k) == (verb, kind) && *times > 0)
        {
            refusal.4 -= 1;
            return failure(refusal.2, refusal.3);
        }
        match verb {
            "get" => self.read(&key),
            "patch" => self.patch(&key, body),
            _ => self.apply(&key, kind, query, verb == "try", body),
        }
    }

    fn read(&mut self, key: &str) -> (u16, Value) {
        if let Some((racing, object)) = self.racer.clone()
            && racing == key
            && !self.objects.contains_key(key)
        {
            self.objects.insert(key.to_owned(), object);
            return failure(404, "not found");
        }
        let Some(object) = self.objects.get_mut(key) else {
            return failure(404, "not found");
        };
        if key.starts_with("clusters/") && !self.statuses.is_empty() {
            object["status"] = self.statuses[0].clone();
            if self.statuses.len() > 1 {
                self.statuses.remove(0);
            }
        }
        (200, object.clone())
    }

    /// Fields of a Secret belong to whoever wrote them first; of a Cluster, to whom the test says.
    fn apply(
        &mut self,
        key: &str,
        kind: &str,
        query: &str,
        is_trial: bool,
        body: &[u8],
    ) -> (u16, Value) {
        let is_forced = query.contains("force=true");
        let wanted: Value = serde_json::from_slice(body).unwrap();
        if !is_forced && kind == "secrets" && self.objects.contains_key(key) {
            return failure(
                409,
                "Apply failed with 1 conflict: conflict with \"other\": .data.password",
            );
        }
        if !is_forced
            && kind == "clusters"
            && let Some(field) = self.held
        {
            return failure(409, field);
        }
        if is_trial {
            return (200, wanted);
        }
        let mut object = self.objects.get(key).cloned().unwrap_or_else(|| json!({}));
        for (member, value) in wanted.as_object().unwrap() {
            object[member] = value.clone();
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.to_owned(), object.clone());
        (200, object)
    }

    fn patch(&mut self, key: &str, body: &[u8]) -> (u16, Value) {
        let patch: json_patch::Patch = serde_json::from_slice(body).unwrap();
        let Some(object) = self.objects.get_mut(key) else {
            return failure(404, "not found");
        };
        if json_patch::patch(object, &patch).is_err() {
            return failure(
                422,
                "the server rejected our request due to an error in our request",
            );
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        (200, object.clone())
    }
}
