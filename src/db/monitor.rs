//! Watches the database on a connection of its own and tells readiness what it saw.

use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;

use super::connect::connect;
use super::level::Mark;
use super::migrate::MigrateError;
use super::purpose::Purpose;
use super::window::{SchemaState, is_migrated, knows_language, migrated_state};
use crate::config::endpoint::Endpoint;

const EVERY: Duration = Duration::from_secs(1);
/// One look, connecting included; a database that needs longer does not serve requests either.
const LOOK: Duration = Duration::from_secs(1);
/// For how long one good look counts.
const FRESH: Duration = Duration::from_secs(5);

/// What the last looks showed.
pub struct DatabaseHealth {
    seen: RwLock<Seen>,
}

struct Seen {
    good_at: Option<Instant>,
    /// From the first good look on, until a schema does not fit.
    has_begun: bool,
    problem: String,
}

impl Default for DatabaseHealth {
    fn default() -> Self {
        Self {
            seen: RwLock::new(Seen {
                good_at: None,
                has_begun: false,
                problem: "the database has not answered yet".to_owned(),
            }),
        }
    }
}

impl DatabaseHealth {
    /// `Err` is a sentence for operators.
    pub fn check(&self) -> Result<(), String> {
        self.read(|seen| seen.good_at.is_some_and(|at| at.elapsed() <= FRESH))
    }

    /// Whether the database ever could serve: one that is away for a while does not count.
    pub fn check_begun(&self) -> Result<(), String> {
        self.read(|seen| seen.has_begun)
    }

    fn read(&self, is_fine: impl FnOnce(&Seen) -> bool) -> Result<(), String> {
        let seen = self
            .seen
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if is_fine(&seen) {
            Ok(())
        } else {
            Err(seen.problem.clone())
        }
    }

    /// It has answered, with a schema that fits.
    pub fn good(&self) {
        self.write(|seen| {
            seen.good_at = Some(Instant::now());
            seen.has_begun = true;
        });
    }

    /// A schema that does not fit counts at once, a silent database only when the last good look is
    /// stale.
    fn bad(&self, problem: String, at_once: bool) {
        self.write(|seen| {
            seen.problem = problem;
            if at_once {
                seen.good_at = None;
                seen.has_begun = false;
            }
        });
    }

    fn write(&self, change: impl FnOnce(&mut Seen)) {
        change(
            &mut self
                .seen
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }
}

/// Looks once a second, for ever. Says in the log when its verdict changes. `mark` is where there
/// is a server that may be behind.
pub async fn watch(
    endpoint: Endpoint,
    language: String,
    mark: Option<Arc<Mark>>,
    health: Arc<DatabaseHealth>,
) {
    let mut kept = None;
    let mut said: Option<Result<(), String>> = None;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let looked = look(&endpoint, &language, mark.as_deref(), kept.take());
        let verdict = match tokio::time::timeout(LOOK, looked).await {
            Ok(Ok((again, fits))) => {
                kept = Some(again);
                match &fits {
                    Ok(()) => health.good(),
                    Err(problem) => health.bad(problem.clone(), true),
                }
                fits
            }
            Ok(Err(problem)) => {
                health.bad(problem.clone(), false);
                Err(problem)
            }
            Err(_) => {
                let problem = format!("the database did not answer within {LOOK:?}");
                health.bad(problem.clone(), false);
                Err(problem)
            }
        };
        if said.as_ref() != Some(&verdict) {
            match &verdict {
                Ok(()) => tracing::info!("the database answers and its schema fits"),
                Err(problem) => tracing::warn!(problem, "the database cannot serve"),
            }
            said = Some(verdict);
        }
    }
}

/// The connection of the last good look.
struct Kept {
    connection: AsyncPgConnection,
    /// Seen once, it is not asked again: when the tables go, the look fails and the next one begins
    /// anew.
    migrated: bool,
    /// Likewise that it knows the language of searches.
    speaks: bool,
}

async fn look(
    endpoint: &Endpoint,
    language: &str,
    mark: Option<&Mark>,
    kept: Option<Kept>,
) -> Result<(Kept, Result<(), String>), String> {
    let mut kept = match kept {
        Some(kept) => kept,
        None => {
            let session = connect(endpoint, Purpose::READINESS, LOOK)
                .await
                .map_err(|error| error.to_string())?;
            let connection = AsyncPgConnection::try_from_client_and_connection(
                session.client,
                session.connection,
            )
            .await
            .map_err(|_error| "the database ended the connection".to_owned())?;
            Kept {
                connection,
                migrated: false,
                speaks: false,
            }
        }
    };
    let looked = async {
        if let Some(mark) = mark {
            mark.look(&mut kept.connection).await?;
        }
        kept.check(language).await
    };
    let fits = looked.await.map_err(|error| match error {
        MigrateError::Query(_) => {
            "the database ended the connection or refused to show its schema".to_owned()
        }
        other => other.to_string(),
    })?;
    Ok((kept, fits))
}

impl Kept {
    async fn check(&mut self, language: &str) -> Result<Result<(), String>, MigrateError> {
        if let Err(problem) = self.state().await?.check() {
            return Ok(Err(problem));
        }
        self.speaks = self.speaks || knows_language(&mut self.connection, language).await?;
        if self.speaks {
            return Ok(Ok(()));
        }
        Ok(Err(format!(
            "the database has no text search configuration {language}: set CHARTROOM_SEARCH_LANGUAGE to one that it has"
        )))
    }

    async fn state(&mut self) -> Result<SchemaState, MigrateError> {
        self.migrated = self.migrated || is_migrated(&mut self.connection).await?;
        if self.migrated {
            migrated_state(&mut self.connection).await
        } else {
            SchemaState::unmigrated()
        }
    }
}
