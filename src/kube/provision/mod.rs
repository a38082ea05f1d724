//! `chartroom provision`: before a release's first pod, its secrets and its database. Safe to run
//! again, at any moment, and twice at once: what is there stays, and nothing is ever deleted.

pub mod cluster;
pub mod owner;
pub mod plan;
pub mod progress;
pub mod rotate;
pub mod runners;
pub mod secret;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use kube::core::params::PatchParams;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::Broken;
use crate::identity::keys::KeysError;
use crate::kube::api::{Kind, KubeError, Objects};
use cluster::text;
use plan::{KeysSecret, Plan, Secrets};
use progress::Progress;
use rotate::RotatePassword;
use secret::{Content, Outcome};

/// Fields of the Cluster are ours under this name, whoever runs the program.
const MANAGER: &str = "chartroom-provision";
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A volume that waits this long has a reason that only its events tell.
const VOLUMES_TAKE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Provision {
    #[command(subcommand)]
    later: Option<Later>,
    #[command(flatten)]
    run: Option<Run>,
}

#[derive(Clone, Debug, Subcommand)]
enum Later {
    /// Give a database role a new password, without a restart
    Rotate(RotatePassword),
}

#[derive(Clone, Debug, Args)]
struct Run {
    /// What the release wants, as the chart writes it down
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Make this alone
    #[arg(long)]
    only: Option<Only>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Only {
    /// The Secret of the keys that sign tokens
    Keys,
}

/// What a user has to change before it can succeed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Unusable(#[from] Broken),
    #[error(transparent)]
    Kube(#[from] KubeError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("{0}")]
    TooLong(String),
}

impl ProvisionError {
    /// Whether running it again without a change is in vain.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Kube(KubeError::Refused(..) | KubeError::Forbidden(_)) => true,
            Self::Unusable(_) | Self::Kube(_) | Self::Keys(_) | Self::TooLong(_) => false,
        }
    }
}

/// Says each step in a line through `say`.
pub async fn provision(arguments: &Provision, say: impl Fn(&str)) -> Result<(), ProvisionError> {
    if let Some(Later::Rotate(RotatePassword { namespace, secret })) = &arguments.later {
        let objects = Objects::connect(namespace).await?;
        say(&rotate::password_of(&objects, namespace, secret).await?);
        return Ok(());
    }
    let Some(run) = &arguments.run else {
        return Err(Broken::new("--plan", "expected the file with what the release wants").into());
    };
    let plan = Plan::read(&run.plan)?;
    let objects = Objects::connect(&plan.namespace).await?;
    let work = Work {
        plan: &plan,
        objects: &objects,
        say: &say,
    };
    work.run(run.only).await
}

/// One run.
struct Work<'a> {
    plan: &'a Plan,
    objects: &'a Objects,
    say: &'a dyn Fn(&str),
}

impl Work<'_> {
    async fn run(&self, only: Option<Only>) -> Result<(), ProvisionError> {
        let Secrets {
            keys,
            owner,
            runtime,
            runners,
        } = &self.plan.secrets;
        let end = Instant::now() + self.plan.timeout.0;
        if let Some(KeysSecret { name }) = keys {
            let made = async || secret::ensure(self.objects, self.plan, name, Content::Keys).await;
            self.secret(name, made, end).await?;
        }
        if let Some(wanted) = runners.as_ref().filter(|_| only.is_none()) {
            let made = async || runners::ensure(self.objects, self.plan, wanted).await;
            self.secret(&wanted.name, made, end).await?;
        }
        let Some(wanted) = self.plan.cluster.as_ref().filter(|_| only.is_none()) else {
            return Ok(());
        };
        let name = text(wanted, "/metadata/name")
            .ok_or_else(|| Broken::new("--plan", "the Cluster has no name"))?;
        self.operator(end).await?;
        let live = self
            .patiently(end, async || self.objects.get(Kind::Cluster, name).await)
            .await?;
        let apply = cluster::to_apply(self.plan, wanted, live.as_ref())?;
        for role in owner.iter().chain(runtime) {
            let content = Content::Password(role);
            let made = async || secret::ensure(self.objects, self.plan, &role.name, content).await;
            self.secret(&role.name, made, end).await?;
        }
        self.apply(name, &apply, live.is_some(), end).await?;
        self.wait(name, end).await
    }

    async fn secret(
        &self,
        name: &str,
        ensure: impl AsyncFn() -> Result<Outcome, ProvisionError>,
        end: Instant,
    ) -> Result<(), ProvisionError> {
        loop {
            match ensure().await {
                Err(ProvisionError::Kube(error)) if error.passes() && Instant::now() < end => {
                    sleep(LOOK_EVERY).await;
                }
                outcome => {
                    (self.say)(&match outcome? {
                        Outcome::Made => format!("Secret {name}: made"),
                        Outcome::Kept => format!("Secret {name}: there already, left alone"),
                        Outcome::Renewed => format!("Secret {name}: certificates renewed"),
                    });
                    return Ok(());
                }
            }
        }
    }

    /// Repeats what fails for a passing reason.
    async fn patiently<T>(
        &self,
        end: Instant,
        ask: impl AsyncFn() -> Result<T, KubeError>,
    ) -> Result<T, KubeError> {
        let mut said = String::new();
        loop {
            match ask().await {
                Err(error) if error.passes() && Instant::now() < end => {
                    let text = error.to_string();
                    if text != said {
                        (self.say)(&format!("{text}; trying again"));
                        said = text;
                    }
                    sleep(LOOK_EVERY).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn operator(&self, end: Instant) -> Result<(), ProvisionError> {
        let patience = end.min(Instant::now() + self.plan.operator_timeout.0);
        let mut has_said = false;
        while !self
            .patiently(patience, async || self.objects.has_operator().await)
            .await?
        {
            if Instant::now() >= patience {
                return Err(ProvisionError::TooLong(
                    "CloudNativePG is not installed in this cluster (no API group postgresql.cnpg.io); install its operator, or set \
                     database.mode=external, and install this release again"
                        .to_owned(),
                ));
            }
            if !has_said {
                (self.say)(
                    "waiting for CloudNativePG: the cluster has no API group postgresql.cnpg.io",
                );
                has_said = true;
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn apply(
        &self,
        name: &str,
        object: &Value,
        is_there: bool,
        end: Instant,
    ) -> Result<(), ProvisionError> {
        let how = |force, dry_run| PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            force,
            dry_run,
            field_validation: None,
        };
        let patience = end.min(Instant::now() + self.plan.operator_timeout.0);
        // Tried without effect first: it shows that the operator's webhook is up, and whose fields
        // would be taken over.
        let tried = self
            .patiently(patience, async || {
                self.objects
                    .apply(Kind::Cluster, object, &how(false, true))
                    .await
            })
            .await;
        match tried {
            Ok(_) => {}
            Err(KubeError::Conflict(_, fields)) => {
                (self.say)(&format!("Cluster {name}: taking fields over. {fields}"))
            }
            Err(error) => return Err(error.into()),
        }
        self.patiently(end, async || {
            self.objects
                .apply(Kind::Cluster, object, &how(true, false))
                .await
        })
        .await?;
        (self.say)(&format!(
            "Cluster {name}: {}",
            if is_there { "applied" } else { "made" }
        ));
        Ok(())
    }

    async fn wait(&self, name: &str, end: Instant) -> Result<(), ProvisionError> {
        let begin = Instant::now();
        let mut said = String::new();
        loop {
            let live = self
                .patiently(end, async || self.objects.get(Kind::Cluster, name).await)
                .await?;
            let live =
                live.ok_or_else(|| Refused(format!("the Cluster {name} was deleted meanwhile")))?;
            let mut waits_for = match progress::of(&live) {
                Progress::Ready => {
                    let primary = text(&live, "/status/currentPrimary").unwrap_or_default();
                    (self.say)(&format!("Cluster {name}: ready, the primary is {primary}"));
                    return Ok(());
                }
                Progress::Over(reason) => {
                    return Err(
                        Refused(format!("the Cluster {name} cannot come up: {reason}")).into(),
                    );
                }
                Progress::Waiting(line) => line,
            };
            if begin.elapsed() > VOLUMES_TAKE
                && let Some(volume) = self.volume(name).await?
            {
                waits_for = format!("{waits_for}; {volume}");
            }
            if Instant::now() >= end {
                return Err(ProvisionError::TooLong(format!(
                    "the Cluster {name} is not ready after {} s: {waits_for}; it goes on by itself, so running this again continues",
                    self.plan.timeout.0.as_secs()
                )));
            }
            if waits_for != said {
                (self.say)(&format!("Cluster {name}: {waits_for}"));
                said = waits_for;
            }
            sleep_until((Instant::now() + LOOK_EVERY).min(end)).await;
        }
    }

    /// Why the first instance's volume is not there. The reason itself is only in its events, which
    /// the Role does not show.
    async fn volume(&self, cluster: &str) -> Result<Option<String>, KubeError> {
        let name = format!("{cluster}-1");
        let Some(claim) = self.objects.get(Kind::Claim, &name).await? else {
            return Ok(None);
        };
        if text(&claim, "/status/phase") != Some("Pending") {
            return Ok(None);
        }
        let class = match text(&claim, "/spec/storageClassName") {
            Some(class) => format!("storage class {class}"),
            None => "no storage class, and the cluster has no default one".to_owned(),
        };
        // A claim keeps its class, and one of the first instance that was never bound has never
        // held a row.
        Ok(Some(format!(
            "its volume {name} is not bound ({class}); see why: kubectl --namespace {0} describe pvc {name}; to start anew with another \
             storage class: kubectl --namespace {0} delete cluster {cluster}",
            self.plan.namespace
        )))
    }
}
