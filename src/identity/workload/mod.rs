//! Workloads of the cluster: a service account token is a credential by itself, with no sign-in
//! before it.
//!
//! The cluster's keys are a filter: what they have not signed, or not for us, costs no call. The
//! API server decides, because it alone knows whether the pod and the account are still there; what
//! it said is believed for a minute, and for a few while it is away. Without an answer there is
//! neither a yes nor a no.

pub mod claims;
pub mod cluster;
pub mod known;
pub mod row;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;

use crate::config::{Broken, Config, ServiceAccountsMode};
use crate::db::Db;
use crate::identity::jwks::{Keys, Unavailable};
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::kernel::principal::{Credential, Principal};
use crate::kernel::types::PrincipalId;
use crate::kernel::workload::{Workload, WorkloadName};
use crate::telemetry::metrics::Metrics;
use claims::{Claims, Flaw, Unproven};
use cluster::{Cluster, Found, Unaccepted};
use known::{Hash, Known, Lifetimes, No, Owner, Slot, Verdict};

/// A key that was taken back is believed for so long at most.
const REFRESH_KEYS: Duration = Duration::from_secs(60);
/// What is wrong at the start is looked at again so soon.
const AGAIN: Duration = Duration::from_secs(5);
/// Reviews at once; a flood waits here, not at the API server.
const REVIEWS: usize = 16;

const LATE: &str = "no answer in time: the API server is slow, or too many tokens are asked about";
const NO_RIGHT: &str = "the right to create tokenreviews is missing, without which no workload can be let in: bind this service account to a ClusterRole that allows it, or set CHARTROOM_SERVICE_ACCOUNTS_MODE to jwks or off";

/// Why a token is not good, of which its owner hears as much as helps: before the signature is
/// proven nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Unsigned,
    Flawed(Flaw),
    Namespace,
    Unaccepted(Unaccepted),
}

pub struct Workloads {
    cluster: Cluster,
    issuer: String,
    audience: String,
    mode: ServiceAccountsMode,
    namespaces: Vec<String>,
    admins: Vec<WorkloadName>,
    lifetimes: Lifetimes,
    keys: Keys,
    known: Known,
    reviews: Semaphore,
    /// Whether this service may ask what it has to.
    right: Mutex<Result<(), String>>,
    metrics: Arc<Metrics>,
}

/// What may come of a review.
const ACCEPTED: &str = "accepted";
const REFUSED: &str = "refused";
const UNAVAILABLE: &str = "unavailable";

impl Workloads {
    /// `None` where the mode is `off`.
    pub fn new(config: &Config, metrics: &Arc<Metrics>) -> Result<Option<Arc<Self>>, Broken> {
        for outcome in [ACCEPTED, REFUSED, UNAVAILABLE] {
            let _ = metrics.token_reviews_total.with_label_values(&[outcome]);
        }
        let settings = &config.service_accounts;
        let mode = settings.service_accounts_mode;
        if mode == ServiceAccountsMode::Off {
            return Ok(None);
        }
        let audience = config.service_accounts_audience();
        let Found { cluster, issuer } = Cluster::find(settings, audience)?;
        let right = match mode {
            ServiceAccountsMode::TokenReview => {
                Err("the API server has not been asked yet whether tokens may be reviewed".into())
            }
            ServiceAccountsMode::Jwks | ServiceAccountsMode::Off => Ok(()),
        };
        Ok(Some(Arc::new(Self {
            cluster,
            issuer,
            audience: audience.to_owned(),
            mode,
            namespaces: settings.service_accounts_namespaces.clone(),
            admins: settings.service_accounts_admins.clone(),
            lifetimes: Lifetimes {
                review: settings.service_accounts_lifetime.0,
                outage: settings.service_accounts_outage_lifetime.0,
            },
            keys: Keys::default(),
            known: Known::default(),
            reviews: Semaphore::new(REVIEWS),
            right: Mutex::new(right),
            metrics: metrics.clone(),
        })))
    }

    /// Keeps the cluster's keys and what is known of our own right fresh. Never ends.
    pub async fn watch(&self) {
        tokio::join!(self.prove_right(), self.refresh_keys());
    }

    /// Only a clear no keeps the service from being ready: people need no API server.
    pub fn readiness(&self) -> Result<(), String> {
        self.right
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn prove_right(&self) {
        if self.mode != ServiceAccountsMode::TokenReview {
            return;
        }
        let mut said = None;
        loop {
            let asked = self.cluster.may_review().await;
            let right = match &asked {
                Ok(false) => Err(NO_RIGHT.to_owned()),
                Ok(true) | Err(_) => Ok(()),
            };
            *self.right.lock().unwrap_or_else(PoisonError::into_inner) = right;
            if said.as_ref() != Some(&asked) {
                match &asked {
                    Ok(true) => tracing::info!("tokens of workloads may be reviewed"),
                    Ok(false) => tracing::error!(problem = NO_RIGHT, "the service is not ready"),
                    Err(error) => {
                        tracing::warn!(error = %error, "whether tokens may be reviewed is not known");
                    }
                }
            }
            if asked == Ok(true) {
                return;
            }
            said = Some(asked);
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn refresh_keys(&self) {
        let mut said = None;
        loop {
            let asked = self.keys.refresh(self.cluster.keys()).await;
            if let (Err(error), true) = (&asked, said.as_ref() != Some(&asked)) {
                tracing::warn!(error = %error, "the cluster's keys are not renewed");
            }
            let pause = if asked.is_ok() { REFRESH_KEYS } else { AGAIN };
            said = Some(asked);
            tokio::time::sleep(pause).await;
        }
    }

    /// The workload whose token this is; `None` where it is no service account token of this
    /// cluster.
    pub async fn authenticate(&self, db: &Db, token: &str) -> ApiResult<Option<Principal>> {
        let hash = Hash::of(token);
        let (slot, claims) = match self.known.find(hash) {
            Some(slot) => (slot, None),
            None if claims::issuer_of(token).as_ref() != Some(&self.issuer) => return Ok(None),
            None => match self.filter(token).await {
                Ok(claims) => (self.known.find_or_make(hash), Some(claims)),
                Err(no) => return Err(self.answer(no)),
            },
        };
        let owner = self.judge(&slot, token, claims).await;
        let Owner { workload, id } = owner.map_err(|no| self.answer(no))?;
        let id = match id {
            Some(id) => id,
            None => {
                let id = self.id_of(db, &workload.name).await?;
                slot.lock().await.found(id);
                id
            }
        };
        Ok(Some(Principal {
            id,
            is_admin: self.admins.contains(&workload.name),
            credential: Credential::ServiceAccount(workload),
            since: Utc::now(),
        }))
    }

    /// One at a time for each token; who waited finds what the one before has learned.
    async fn judge(&self, slot: &Slot, token: &str, claims: Option<Claims>) -> Verdict {
        let mut entry = slot.lock().await;
        if let Some(verdict) = entry.verdict(self.lifetimes) {
            return verdict;
        }
        let filtered = match claims {
            Some(claims) => Ok(claims),
            None => self.filter(token).await,
        };
        let reviewed = match filtered {
            Ok(claims) => self.review(token, claims).await,
            Err(no) => Err(no),
        };
        match reviewed {
            Ok(Claims {
                name,
                uid,
                pod,
                expires_at,
                ..
            }) => {
                let lasts = u64::try_from(expires_at - Utc::now().timestamp()).unwrap_or(0);
                let workload = Workload { name, uid, pod };
                Ok(entry.accept(workload, Duration::from_secs(lasts)))
            }
            Err(No::Refused(refusal)) => Err(entry.refuse(refusal)),
            Err(No::Unavailable(error)) => entry.fail(error, self.lifetimes),
        }
    }

    /// What the cluster's keys and the token itself say.
    async fn filter(&self, token: &str) -> Result<Claims, No> {
        let unsigned = No::Refused(Refusal::Unsigned);
        let Some(unproven) = Unproven::of(token) else {
            return Err(unsigned);
        };
        match self
            .keys
            .have_signed(&unproven.signed, self.cluster.keys())
            .await
        {
            Ok(true) => {}
            Ok(false) => return Err(unsigned),
            Err(error) => return Err(No::Unavailable(error)),
        }
        let now = Utc::now().timestamp();
        let claims = unproven
            .claims(&self.issuer, &self.audience, now)
            .map_err(|flaw| No::Refused(Refusal::Flawed(flaw)))?;
        let namespace = claims.name.namespace();
        let is_allowed =
            self.namespaces.is_empty() || self.namespaces.iter().any(|one| one == namespace);
        if is_allowed {
            Ok(claims)
        } else {
            Err(No::Refused(Refusal::Namespace))
        }
    }

    /// What the API server says.
    async fn review(&self, token: &str, claims: Claims) -> Result<Claims, No> {
        if self.mode != ServiceAccountsMode::TokenReview {
            return Ok(claims);
        }
        // One patience for the turn and the answer, or a caller in a crowd would wait twice.
        let asked = tokio::time::timeout(self.cluster.patience, async {
            // A turn that comes late would ask in vain, and the API server would work for nobody.
            let turn = tokio::time::timeout(self.cluster.patience * 3 / 4, self.reviews.acquire());
            let Ok(_permit) = turn.await else {
                return Err(Unavailable::new(LATE));
            };
            self.cluster.accepts(token, &claims).await
        });
        let reviewed = asked
            .await
            .unwrap_or_else(|_elapsed| Err(Unavailable::new(LATE)));
        let outcome = match &reviewed {
            Ok(Ok(())) => ACCEPTED,
            Ok(Err(_)) => REFUSED,
            Err(_) => UNAVAILABLE,
        };
        self.metrics
            .token_reviews_total
            .with_label_values(&[outcome])
            .inc();
        match reviewed {
            Ok(Ok(())) => Ok(claims),
            Ok(Err(unaccepted)) => Err(No::Refused(Refusal::Unaccepted(unaccepted))),
            Err(error) => Err(No::Unavailable(error)),
        }
    }

    async fn id_of(&self, db: &Db, name: &WorkloadName) -> ApiResult<PrincipalId> {
        let known = db
            .read_primary(async |connection| row::find(connection, name).await)
            .await?;
        match known {
            Some(id) => Ok(id),
            None => Ok(db
                .write(async |connection| row::ensure(connection, name).await)
                .await?),
        }
    }

    fn answer(&self, no: No) -> ApiError {
        match no {
            No::Refused(refusal) => ApiError::new(Code::Unauthenticated, self.detail(refusal)),
            No::Unavailable(error) => ApiError {
                cause: Some(Arc::new(error.into())),
                ..ApiError::new(
                    Code::IdentityUnavailable,
                    "the cluster does not answer whether this service account token is good; nothing was done, repeat the request",
                )
            },
        }
    }

    fn detail(&self, refusal: Refusal) -> String {
        match refusal {
            Refusal::Unsigned => "this is no token that the cluster has signed".to_owned(),
            Refusal::Flawed(Flaw::Expired) => {
                "the service account token has expired; read its file anew for every request"
                    .to_owned()
            }
            Refusal::Flawed(Flaw::Early) => {
                "the service account token begins in the future; compare the clocks".to_owned()
            }
            Refusal::Flawed(Flaw::Form | Flaw::Issuer) => {
                "this is no projected service account token of this cluster".to_owned()
            }
            Refusal::Flawed(Flaw::Audience) | Refusal::Unaccepted(Unaccepted::Audience) => format!(
                "the service account token is for somebody else; project one with the audience {}",
                self.audience
            ),
            Refusal::Namespace => {
                "workloads of this namespace are not let in (serviceAccounts.allowedNamespaces)"
                    .to_owned()
            }
            Refusal::Unaccepted(Unaccepted::Rejected | Unaccepted::Somebody) => {
                "the cluster does not accept the service account token (any more): is its pod or its account gone?".to_owned()
            }
        }
    }
}
