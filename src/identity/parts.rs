//! The parts of identity, wired once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::cache::Cache;
use super::keys::{self, Keys, KeysError};
use super::limiter::Limiter;
use super::oidc::Providers;
use super::password::Passwords;
use super::revocation::Revoked;
use super::revocation::feed::{self, Feed};
use super::session::Lifetimes;
use super::token::Tokens;
use super::workload::Workloads;
use crate::config::{Broken, Config};
use crate::db::Db;
use crate::telemetry::metrics::Metrics;

pub struct Identity {
    pub keys: Arc<Keys>,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub limiter: Limiter,
    pub feed: Arc<Feed>,
    pub cache: Cache,
    /// `None` where service accounts are not taken.
    pub workloads: Option<Arc<Workloads>>,
    pub providers: Providers,
    pub lifetimes: Lifetimes,
}

impl Identity {
    pub fn new(config: &Config, db: &Db, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let settings = &config.identity;
        let keys = Arc::new(Keys::open(&keys::directory(config)?).map_err(unusable_keys)?);
        let delta = |time: Duration| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let feed = Arc::new(Feed::new(feed::MOST, metrics.clone()));
        let learning = feed.clone();
        db.listeners()
            .on_commit(move |revoked: Vec<Revoked>| learning.learn(&revoked));
        Ok(Self {
            tokens: Tokens::new(
                keys.clone(),
                config.public_url(),
                settings.audience.clone(),
                settings.token_cache,
            ),
            keys,
            passwords: Passwords::new(&config.sign_in, metrics.password_hashes_total.clone()),
            limiter: Limiter::new(
                config.sign_in.clone(),
                config.pool.database_connections,
                metrics.clone(),
            ),
            feed,
            cache: Cache::new(
                settings.credential_cache,
                settings.credential_cache_lifetime.0,
            )?,
            workloads: Workloads::new(config, metrics)?,
            providers: Providers::new(config, metrics)?,
            lifetimes: Lifetimes {
                idle: delta(settings.refresh_lifetime.0),
                absolute: delta(settings.session_lifetime.0),
                grace: delta(settings.refresh_grace.0),
                access: delta(settings.access_lifetime.0),
            },
        })
    }
}

fn unusable_keys(error: KeysError) -> Broken {
    Broken::new("CHARTROOM_KEYS_DIR", error.to_string())
}
