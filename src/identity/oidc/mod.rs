//! Single sign-on: OpenID providers that say who somebody is (OpenID Connect Core 1.0, the code
//! flow with PKCE).
//!
//! `flow` is what a browser keeps of a sign-in that it has begun, `provider` what a provider is
//! asked, `id_token` whether its word is good here, `refusal` what is told where it is not,
//! `account` whose it is, `linked` which providers lead to an account.

pub mod account;
pub mod flow;
pub mod id_token;
pub mod linked;
pub mod provider;
pub mod refusal;

use std::sync::Arc;

use http::StatusCode;

use crate::config::{Broken, Config, OidcProvider};
use crate::kernel::error::{ApiError, ApiResult};
use crate::telemetry::metrics::Metrics;
use provider::Provider;

/// Where providers send people back to, below the public URL.
pub fn callback_path(provider: &str) -> String {
    format!("/auth/oidc/{provider}/callback")
}

/// What may become of a sign-in, so that each is counted from nought.
const OUTCOMES: [&str; 3] = ["signed_in", "refused", "unavailable"];

pub struct Providers {
    all: Vec<Provider>,
    metrics: Arc<Metrics>,
}

impl Providers {
    pub fn new(config: &Config, metrics: &Arc<Metrics>) -> Result<Self, Broken> {
        let all = config.oidc_providers()?;
        for provider in &all {
            for outcome in OUTCOMES {
                let labels = [provider.id.as_str(), outcome];
                let _ = metrics.oidc_sign_ins_total.with_label_values(&labels);
            }
        }
        // What is left of a request's time is the database's.
        let patience = config.limits.request_deadline.0 * 3 / 5;
        let url = config.public_url();
        let made = |settings| Provider::new(settings, &url, patience);
        Ok(Self {
            all: all.into_iter().map(made).collect(),
            metrics: metrics.clone(),
        })
    }

    pub fn all(&self) -> &[Provider] {
        &self.all
    }

    pub fn find(&self, id: &str) -> ApiResult<&Provider> {
        let found = self.all.iter().find(|one| one.settings.id == id);
        found.ok_or(ApiError::not_found("provider"))
    }

    /// `None` for one that is not set up any more.
    pub fn by_issuer(&self, issuer: &str) -> Option<&OidcProvider> {
        let all = self.all.iter().map(|one| &one.settings);
        all.into_iter().find(|one| one.issuer == issuer)
    }

    /// Its part of paths, or the issuer of one that is not set up any more.
    pub fn id_of(&self, issuer: &str) -> String {
        let known = self.by_issuer(issuer);
        known.map_or_else(|| issuer.to_owned(), |it| it.id.clone())
    }

    pub fn count<T>(&self, provider: &Provider, answer: &ApiResult<T>) {
        let outcome = match answer {
            Ok(_) => "signed_in",
            Err(error) if error.code.status() == StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            Err(_) => "refused",
        };
        let labels = [provider.settings.id.as_str(), outcome];
        self.metrics
            .oidc_sign_ins_total
            .with_label_values(&labels)
            .inc();
    }
}
