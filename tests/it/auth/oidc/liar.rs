//! A provider of single sign-on as small as one can be: it keeps to the protocol, unless it is told
//! to lie, to hang or to be gone.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use chrono::Utc;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::support::stand_in::answer_by;
use crate::workloads::tokens::{Key, Token, by_hmac};

pub(super) const CLIENT: &str = "chartroom";
/// With characters that have to be encoded before they are put into a header.
pub(super) const SECRET: &str = "s3cr:et &%ü";

/// What becomes of a question.
#[derive(Clone, Default)]
pub(super) enum Mood {
    #[default]
    Honest,
    Says(u16, &'static str),
    Hangs,
    Gone,
}

/// Who signs an ID token.
#[derive(Clone, Default)]
pub(super) enum Signer {
    #[default]
    Own,
    /// A key of the same name that is somebody else's.
    Stranger,
    /// A secret that is known to more than the provider.
    Secret(Vec<u8>),
    Nobody,
    /// The provider, before somebody has changed what it says.
    Before(&'static str, Value),
}

/// In what an ID token differs from a true one.
#[derive(Clone, Default)]
pub(super) struct Lie {
    pub header: Value,
    pub claims: Vec<(&'static str, Value)>,
    pub without: Vec<&'static str>,
    pub signer: Signer,
}

#[derive(Clone)]
struct Code {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

pub(super) struct State {
    pub issuer: String,
    pub key: Key,
    pub published: Vec<Value>,
    /// What it says about a person, in the token and where it is asked.
    pub person: Value,
    pub userinfo: Value,
    pub lie: Lie,
    /// What its discovery document says otherwise.
    pub metadata: Vec<(&'static str, Value)>,
    pub moods: BTreeMap<&'static str, Mood>,
    /// Paths that it was asked for.
    pub asked: Vec<String>,
    pub takes_post: bool,
    codes: BTreeMap<String, Code>,
    used: BTreeSet<String>,
}

pub(super) struct Liar {
    pub issuer: String,
    state: Arc<Mutex<State>>,
    _task: AbortOnDropHandle<()>,
}

pub(super) fn ada() -> Value {
    json!({
        "sub": "u-1", "email": "ada@example.org", "email_verified": true,
        "preferred_username": "ada", "name": "Ada L.", "groups": ["staff"],
    })
}

impl Liar {
    pub(super) async fn start() -> Self {
        Self::with(Key::rsa("k-1")).await
    }

    pub(super) async fn with(key: Key) -> Self {
        let state = Arc::new(Mutex::new(State {
            issuer: String::new(),
            published: vec![key.jwk()],
            key,
            person: ada(),
            userinfo: Value::Null,
            lie: Lie::default(),
            metadata: Vec::new(),
            moods: BTreeMap::new(),
            asked: Vec::new(),
            takes_post: false,
            codes: BTreeMap::new(),
            used: BTreeSet::new(),
        }));
        let shared = state.clone();
        let (address, task) = answer_by(move |request| answer(request, shared.clone())).await;
        let issuer = format!("http://{address}");
        state.lock().unwrap().issuer.clone_from(&issuer);
        Self {
            issuer,
            state,
            _task: task,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn flags(&self) -> Vec<String> {
        vec![
            format!("--oidc-issuer={}", self.issuer),
            format!("--oidc-client-id={CLIENT}"),
            format!("--oidc-client-secret={SECRET}"),
            "--oidc-name=Corp".to_owned(),
        ]
    }

    /// Somebody signs in there: what their browser is sent back with.
    pub(super) fn authorize(&self, asked: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = uuid::Uuid::new_v4().to_string();
        let kept = Code {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
        };
        let mut state = self.state();
        state.codes.insert(code.clone(), kept);
        let pairs = [
            ("code", code),
            ("state", asked["state"].clone()),
            ("iss", state.issuer.clone()),
            ("session_state", "of-no-interest".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
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
        Mood::Says(status, text) => (status, text.to_owned()),
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
        let path = head.uri.path().to_owned();
        let mood = self.moods.get(path.as_str()).cloned().unwrap_or_default();
        self.asked.push(path.clone());
        let (status, value) = match path.as_str() {
            "/.well-known/openid-configuration" => (200, self.discovery()),
            "/jwks" => (200, json!({ "keys": self.published })),
            "/token" if matches!(mood, Mood::Honest) => self.token(&head.headers, body),
            "/token" => (200, Value::Null),
            "/userinfo" => {
                assert_eq!(head.headers["authorization"], "Bearer of-access");
                (200, self.userinfo.clone())
            }
            other => panic!("nothing asks for {other}"),
        };
        (mood, status, value)
    }

    fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}/{path}", self.issuer);
        let mut document = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("authorize?tenant=1"),
            "token_endpoint": at("token"),
            "jwks_uri": at("jwks"),
            "userinfo_endpoint": at("userinfo"),
            "scopes_supported": ["openid", "profile", "email", "groups"],
            "authorization_response_iss_parameter_supported": true,
        });
        if self.takes_post {
            document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        }
        for (name, value) in &self.metadata {
            document[*name] = value.clone();
        }
        document
    }

    fn token(&mut self, headers: &http::HeaderMap, body: &[u8]) -> (u16, Value) {
        let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(body).unwrap();
        assert_eq!(form["grant_type"], "authorization_code");
        let (id, secret) = match headers.get("authorization") {
            Some(value) => {
                let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
                let both = String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap();
                let (id, secret) = both.split_once(':').unwrap();
                let decoded = format!("id={id}&secret={secret}");
                let both: BTreeMap<String, String> = serde_urlencoded::from_str(&decoded).unwrap();
                (both["id"].clone(), both["secret"].clone())
            }
            None => (form["client_id"].clone(), form["client_secret"].clone()),
        };
        assert_eq!(headers.contains_key("authorization"), !self.takes_post);
        if (id.as_str(), secret.as_str()) != (CLIENT, SECRET) {
            return (401, json!({ "error": "invalid_client" }));
        }
        let wrong = (400, json!({ "error": "invalid_grant" }));
        let Some(code) = self.codes.get(&form["code"]).cloned() else {
            return wrong;
        };
        let shown =
            BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
        let is_new = self.used.insert(form["code"].clone());
        if !is_new || shown != code.challenge || form["redirect_uri"] != code.redirect_uri {
            return wrong;
        }
        let token = self.id_token(&code.nonce);
        let tokens =
            json!({ "token_type": "Bearer", "access_token": "of-access", "id_token": token });
        (200, tokens)
    }

    fn id_token(&self, nonce: &str) -> String {
        let Lie {
            header,
            claims,
            without,
            signer,
        } = &self.lie;
        let now = Utc::now().timestamp();
        let mut token = self.person.clone();
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(CLIENT)),
            ("exp", json!(now + 300)),
            ("iat", json!(now)),
            ("nonce", json!(nonce)),
        ] {
            token[name] = value;
        }
        let mut token = Token(token);
        for (name, value) in claims {
            token = token.with(name, value.clone());
        }
        for name in without {
            token = token.without(name);
        }
        let mut head = self.key.header();
        for (name, value) in header.as_object().into_iter().flatten() {
            head[name] = value.clone();
        }
        match signer {
            Signer::Own => self.key.sign_with(&head, &token),
            Signer::Stranger => Key::ec(&self.key.kid).sign_with(&head, &token),
            Signer::Secret(secret) => by_hmac(secret, &head, &token),
            Signer::Nobody => {
                let signed = self.key.sign_with(&head, &token);
                signed.rsplit_once('.').unwrap().0.to_owned() + "."
            }
            Signer::Before(name, value) => {
                let signed = self.key.sign_with(&head, &token);
                let changed = self.key.sign_with(&head, &token.with(name, value.clone()));
                let (message, _) = changed.rsplit_once('.').unwrap();
                let (_, signature) = signed.rsplit_once('.').unwrap();
                format!("{message}.{signature}")
            }
        }
    }
}
