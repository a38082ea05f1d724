//! `chartroom provision`: before a release's first pod, its secrets and its database. Safe to run again, at any moment, and twice
//! at once: what is there stays, and nothing is ever deleted.

pub mod cluster;
pub mod owner;
pub mod progress;
pub mod rotate;
pub mod secret;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use kube::core::params::PatchParams;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use crate::auth::keys::KeysError;
use crate::config::{Broken, Span};
use crate::kube::api::{Kind, KubeError, Objects};
use cluster::{Rules, text};
use progress::Progress;
use rotate::RotatePassword;
use secret::{Content, Outcome, Role};

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
    /// The release that owns what is made, as NAMESPACE/NAME; everything is made in this namespace
    #[arg(long, value_name = "NAMESPACE/NAME")]
    release: String,
    /// File with the CloudNativePG Cluster to apply, as JSON; its secrets are made, too
    #[arg(long, value_name = "FILE")]
    cluster_file: Option<PathBuf>,
    /// Secret of the keys that sign tokens; made with one key where it is not there
    #[arg(long, value_name = "NAME")]
    keys_secret: Option<String>,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "210s")]
    timeout: Span,
    /// How long of that the operator and its webhook are waited for
    #[arg(long, value_name = "TIME", default_value = "60s")]
    operator_timeout: Span,
    /// Take over a Cluster and secrets that no release or another one owns
    #[arg(long)]
    adopt: bool,
    /// Let a new image change PostgreSQL's major version
    #[arg(long)]
    allow_major_upgrade: bool,
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
        return Err(Broken::new("--release", "expected NAMESPACE/NAME").into());
    };
    let Some((namespace, _)) = run.release.split_once('/') else {
        return Err(Broken::new("--release", "expected NAMESPACE/NAME").into());
    };
    let wanted = run.cluster_file.as_deref().map(read).transpose()?;
    let objects = Objects::connect(namespace).await?;
    let work = Work {
        arguments: run,
        namespace,
        objects: &objects,
        say: &say,
    };
    work.run(wanted.as_ref()).await
}

fn read(file: &Path) -> Result<Value, Broken> {
    let bytes = std::fs::read(file).map_err(|error| {
        Broken::new(
            "--cluster-file",
            format!("cannot read {}: {}", file.display(), error.kind()),
        )
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Broken::new(
            "--cluster-file",
            format!("{} is not JSON: {error}", file.display()),
        )
    })
}

/// One run.
struct Work<'a> {
    arguments: &'a Run,
    namespace: &'a str,
    objects: &'a Objects,
    say: &'a dyn Fn(&str),
}

impl Work<'_> {
    async fn run(&self, wanted: Option<&Value>) -> Result<(), ProvisionError> {
        let end = Instant::now() + self.arguments.timeout.0;
        if let Some(name) = &self.arguments.keys_secret {
            self.secret(name, &Content::Keys, end).await?;
        }
        let Some(wanted) = wanted else {
            return Ok(());
        };
        let name = text(wanted, "/metadata/name")
            .ok_or_else(|| Broken::new("--cluster-file", "the Cluster has no name".to_owned()))?;
        self.operator(end).await?;
        let live = self
            .patiently(end, async || self.objects.get(Kind::Cluster, name).await)
            .await?;
        let rules = Rules {
            release: &self.arguments.release,
            adopt: self.arguments.adopt,
            allow_major_upgrade: self.arguments.allow_major_upgrade,
        };
        let apply = cluster::to_apply(wanted, live.as_ref(), &rules)?;
        for (secret, role) in roles(&apply, name, self.namespace) {
            self.secret(secret, &Content::Password(role), end).await?;
        }
        self.apply(name, &apply, live.is_some(), end).await?;
        self.wait(name, end).await
    }

    async fn secret(
        &self,
        name: &str,
        content: &Content<'_>,
        end: Instant,
    ) -> Result<(), ProvisionError> {
        let Self {
            arguments: Run { release, adopt, .. },
            objects,
            ..
        } = self;
        loop {
            match secret::ensure(objects, name, content, release, *adopt).await {
                Err(ProvisionError::Kube(error)) if error.passes() && Instant::now() < end => {
                    sleep(LOOK_EVERY).await
                }
                outcome => {
                    (self.say)(&match outcome? {
                        Outcome::Made => format!("Secret {name}: made"),
                        Outcome::Kept => format!("Secret {name}: there already, left alone"),
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
        let patience = end.min(Instant::now() + self.arguments.operator_timeout.0);
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
        let patience = end.min(Instant::now() + self.arguments.operator_timeout.0);
        // Tried without effect first: it shows that the operator's webhook is up, and whose fields would be taken over.
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
                    self.arguments.timeout.0.as_secs()
                )));
            }
            if waits_for != said {
                (self.say)(&format!("Cluster {name}: {waits_for}"));
                said = waits_for;
            }
            sleep_until((Instant::now() + LOOK_EVERY).min(end)).await;
        }
    }

    /// Why the first instance's volume is not there. The reason itself is only in its events, which the Role does not show.
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
        Ok(Some(format!(
            "its volume {name} is not bound ({class}); see why: kubectl --namespace {} describe pvc {name}",
            self.namespace
        )))
    }
}

/// The secrets of the Cluster's roles: of the owner, and of those that the operator manages.
fn roles<'a>(cluster: &'a Value, name: &'a str, namespace: &'a str) -> Vec<(&'a str, Role<'a>)> {
    let bootstrap = ["initdb", "recovery", "pg_basebackup"]
        .iter()
        .find_map(|way| cluster.pointer(&format!("/spec/bootstrap/{way}")));
    let Some(bootstrap) = bootstrap else {
        return Vec::new();
    };
    let database = text(bootstrap, "/database").unwrap_or("app");
    let role = |role| Role {
        name: role,
        database,
        cluster: name,
        namespace,
    };
    let owner = text(bootstrap, "/secret/name")
        .map(|secret| (secret, role(text(bootstrap, "/owner").unwrap_or(database))));
    let managed = cluster
        .pointer("/spec/managed/roles")
        .and_then(Value::as_array);
    let managed = managed.into_iter().flatten().filter_map(|managed| {
        Some((
            text(managed, "/passwordSecret/name")?,
            role(text(managed, "/name")?),
        ))
    });
    owner.into_iter().chain(managed).collect()
}
