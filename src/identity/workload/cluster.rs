//! What the API server is asked: its keys, whether it takes a token, and whether this service may
//! ask that.

use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::claims::{self, Claims};
use crate::config::{Broken, ServiceAccounts};
use crate::identity::jwks::{Published, Unavailable};
use crate::kernel::error::with_causes;

const KEYS: &str = "/openid/v1/jwks";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Why a token that the cluster has signed is not taken all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaccepted {
    /// Its pod, its account or a Secret it was bound to is gone.
    Rejected,
    /// The API server does not say that the token is for us: not a word on audiences is a word
    /// about its own.
    Audience,
    /// It speaks of somebody else.
    Somebody,
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    user: UserInfo,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Default, Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
    #[serde(default)]
    uid: String,
}

#[derive(Deserialize)]
struct AccessReview {
    status: AccessStatus,
}

#[derive(Deserialize)]
struct AccessStatus {
    allowed: bool,
}

pub struct Cluster {
    client: Client,
    audience: String,
    /// For one question.
    pub patience: Duration,
}

/// The cluster, and who issues its tokens.
pub struct Found {
    pub cluster: Cluster,
    pub issuer: String,
}

impl Cluster {
    pub fn find(settings: &ServiceAccounts, audience: &str) -> Result<Found, Broken> {
        let file = &settings.service_accounts_token_file;
        let broken =
            |problem: String| Broken::new("CHARTROOM_SERVICE_ACCOUNTS_TOKEN_FILE", problem);
        let own = std::fs::read_to_string(file)
            .map_err(|error| broken(format!("cannot read the file: {}", error.kind())))?;
        let own = own.trim();
        let issuer = settings.service_accounts_issuer.clone();
        let issuer = issuer.or_else(|| claims::issuer_of(own)).ok_or_else(|| {
            Broken::new(
                "CHARTROOM_SERVICE_ACCOUNTS_ISSUER",
                "needed: the token in CHARTROOM_SERVICE_ACCOUNTS_TOKEN_FILE names none",
            )
        })?;
        // Whoever got a token for the API server to look at would else be let in with it here.
        if audience == issuer || claims::audiences_of(own).iter().any(|of| of == audience) {
            return Err(Broken::new(
                "CHARTROOM_SERVICE_ACCOUNTS_AUDIENCE",
                "expected another audience than the API server's own",
            ));
        }
        let patience = settings.service_accounts_timeout.0;
        let unusable = |problem: String| Broken::new("CHARTROOM_SERVICE_ACCOUNTS_SERVER", problem);
        let server = settings.service_accounts_server.parse();
        let server = server.map_err(|_error| unusable("expected an origin".to_owned()))?;
        let mut config = kube::Config::new(server);
        if config.cluster_url.scheme_str() == Some("https") {
            let file = &settings.service_accounts_ca_file;
            std::fs::File::open(file).map_err(|error| {
                Broken::new(
                    "CHARTROOM_SERVICE_ACCOUNTS_CA_FILE",
                    format!("cannot read the file: {}", error.kind()),
                )
            })?;
            config.root_cert_file = Some(file.clone());
            // The file alone counts. Without this the client looks for the system's certificates as
            // well and fails where there are none, as in our image.
            config.root_cert = Some(Vec::new());
        }
        config.connect_timeout = Some(patience);
        // Whoever asks too much is not helped by asking thrice.
        config.default_retry = false;
        config.auth_info.token_file = Some(file.to_string_lossy().into_owned());
        let client = Client::try_from(config).map_err(|error| unusable(with_causes(&error)))?;
        let cluster = Self {
            client,
            audience: audience.to_owned(),
            patience,
        };
        Ok(Found { cluster, issuer })
    }

    pub async fn keys(&self) -> Result<Published, Unavailable> {
        self.ask(http::Request::get(KEYS).body(Vec::new())).await
    }

    pub async fn accepts(
        &self,
        token: &str,
        claims: &Claims,
    ) -> Result<Result<(), Unaccepted>, Unavailable> {
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": [self.audience] },
        });
        let Review { status } = self.post(REVIEWS, &review).await?;
        Ok(self.judge(&status, claims))
    }

    fn judge(&self, status: &ReviewStatus, claims: &Claims) -> Result<(), Unaccepted> {
        if !status.authenticated {
            return Err(Unaccepted::Rejected);
        }
        if !status.audiences.contains(&self.audience) {
            return Err(Unaccepted::Audience);
        }
        if status.user.username != claims.username || status.user.uid != claims.uid {
            return Err(Unaccepted::Somebody);
        }
        Ok(())
    }

    /// Whether this service may have tokens reviewed.
    pub async fn may_review(&self) -> Result<bool, Unavailable> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": { "group": "authentication.k8s.io", "resource": "tokenreviews", "verb": "create" } },
        });
        let AccessReview { status } = self.post(ACCESS_REVIEWS, &review).await?;
        Ok(status.allowed)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Unavailable> {
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes());
        self.ask(request).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: http::Result<http::Request<Vec<u8>>>,
    ) -> Result<T, Unavailable> {
        let request = request.map_err(|error| Unavailable::new(error.to_string()))?;
        let what = format!("{} {}", request.method(), request.uri());
        // As text: the client logs what it cannot read, and a review holds the token.
        let answer = self.client.request_text(request);
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(text)) => serde_json::from_str(&text)
                .map_err(|_error| Unavailable::new(format!("{what}: an answer of another form"))),
            Ok(Err(kube::Error::Api(status))) => Err(Unavailable::new(format!(
                "{what}: {} {}",
                status.code, status.message
            ))),
            Ok(Err(error)) => Err(Unavailable::new(format!("{what}: {}", with_causes(&error)))),
            Err(_elapsed) => Err(Unavailable::new(format!(
                "{what}: no answer within {:?}",
                self.patience
            ))),
        }
    }
}
