//! How many passwords may be tried: asked before any password is hashed, counted in PostgreSQL by
//! its clock.
//!
//! An attempt takes one token of each of three buckets, or none of any (defaults in brackets, all
//! are settings):
//!
//! - of the **address** prefix, /24 of IPv4 and /64 of IPv6 [10, refilled by 10 a minute];
//! - of the **pair** of name and prefix [5, refilled by 10 an hour];
//! - of the **name** [25, refilled by 25 an hour: never more than 50 in any hour].
//!
//! A name is what was typed, folded. Whom it belongs to is not looked at: names that shared a
//! bucket would tell by their refusals that they are one account's, and a name of nobody must be
//! counted as every other is. An account has two names at most, its email and its username, so each
//! has half of what the account may take: never more than 100 in any hour.
//!
//! One prefix takes at most 10 an hour of a name that regains 25: it cannot lock the owner out of
//! other places. Many prefixes together can empty the name's bucket. But a pair that has signed in
//! is *proven* for 30 days: it takes nothing from the name, and is bounded by its own bucket and
//! the address's alone. Only who knows the password can prove a pair, so strangers neither use up
//! nor widen an owner's way in. What a success took is given back: counted are guesses.
//!
//! A row goes only when its bucket is full and nothing is proven any more, however many rows
//! strangers make; refusals make none. One slow row cannot stall the database pool: its waiters
//! give up after 250 ms, and few may wait at once.

mod alone;
mod answer;
mod key;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::{Array, Binary, Bool, Double, Integer, Nullable, Untyped};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl as _;
use tokio::sync::Semaphore;

use crate::config::SignInLimits;
use crate::db::purge::{BATCH, in_batches};
use crate::db::sql::Writer;
use crate::db::{Db, DbError};
use crate::http::shell::client::Prefix;
use crate::telemetry::metrics::Metrics;
use key::{address_key, hash};

pub use answer::{Limited, Policy, Refused};
pub use key::NameKey;

/// How long an attempt queues for one of the connections that attempts may use.
const QUEUE: Duration = Duration::from_secs(1);
const HOUR: f64 = 3_600.0;

const TAKE: &str = "SELECT refused, wait_seconds, proven, busy FROM take_attempt(:keys, :bursts, \
    :per_second, set_config('lock_timeout', '250ms', true))";
const GIVE_BACK: &str = "SELECT return_attempt(:keys, :bursts, :took_name, :remember, \
    set_config('lock_timeout', '1s', true)) AS done";

/// The right to look at one password. Its tokens are spent unless one of its methods gives them
/// back.
#[must_use = "an attempt that succeeds gives its tokens back"]
#[derive(Debug)]
pub struct Attempt {
    keys: [[u8; 32]; 3],
    bursts: [f64; 3],
    took_name: bool,
    remember: Duration,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Integer)]
    refused: i32,
    #[diesel(sql_type = Double)]
    wait_seconds: f64,
    #[diesel(sql_type = Bool)]
    proven: bool,
    #[diesel(sql_type = Bool)]
    busy: bool,
}

#[derive(QueryableByName)]
struct Done {
    #[diesel(sql_type = Bool)]
    done: bool,
}

/// Holds numbers and no counts: every replica asks the same rows.
pub struct Limiter {
    settings: SignInLimits,
    /// In the order of the database's function: pair, name, address.
    bursts: [f64; 3],
    per_second: [f64; 3],
    /// Attempts take at most half of the pool, so that a flood of them leaves connections for
    /// everything else.
    connections: Semaphore,
    metrics: Arc<Metrics>,
}

/// What an attempt may come to, so that each is counted from nought.
const OUTCOMES: [&str; 5] = [
    ADMITTED,
    BUSY,
    Policy::Address.name(),
    Policy::Name.name(),
    FAILED,
];
const ADMITTED: &str = "admitted";
const BUSY: &str = "busy";
const FAILED: &str = "failed";

impl Limiter {
    /// `pool` is how many connections the primary's pool has.
    pub fn new(settings: SignInLimits, pool: usize, metrics: Arc<Metrics>) -> Self {
        // Half of the name's share, which is half of the account's: what is there at first and what
        // is regained make the whole.
        let name = f64::from(settings.signin_per_account_per_hour) / 4.0;
        for outcome in OUTCOMES {
            let _ = metrics.signin_attempts_total.with_label_values(&[outcome]);
        }
        Self {
            bursts: [
                f64::from(settings.signin_per_pair_burst),
                name,
                f64::from(settings.signin_per_address_burst),
            ],
            per_second: [
                f64::from(settings.signin_per_pair_per_hour) / HOUR,
                name / HOUR,
                f64::from(settings.signin_per_address_per_minute) / 60.0,
            ],
            connections: Semaphore::new((pool / 2).max(1)),
            settings,
            metrics,
        }
    }

    /// Asks for one look at the password that belongs to `name`, from `address`.
    pub async fn check(&self, db: &Db, name: NameKey, address: IpAddr) -> Result<Attempt, Refused> {
        let answer = Box::pin(self.take(db, name, address)).await;
        let outcome = match &answer {
            Ok(_) => ADMITTED,
            Err(Refused::Limited(limited)) if limited.is_busy => BUSY,
            Err(Refused::Limited(limited)) => limited.policy.name(),
            Err(Refused::Database(_)) => FAILED,
        };
        self.metrics
            .signin_attempts_total
            .with_label_values(&[outcome])
            .inc();
        answer
    }

    async fn take(&self, db: &Db, name: NameKey, address: IpAddr) -> Result<Attempt, Refused> {
        let prefix = Prefix::of(address);
        let keys = [
            hash(&[b"pair", &name.0, prefix.bytes()]),
            hash(&[b"whole name", &name.0]),
            address_key(&prefix),
        ];
        let permit = tokio::time::timeout(QUEUE, self.connections.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(DbError::Busy.into());
        };
        let (bursts, per_second) = (self.bursts, self.per_second);
        let taken = db
            .write(async |connection| {
                Writer::default()
                    .text(TAKE)
                    .bind::<Array<Binary>, _>("keys", keys.to_vec())
                    .bind::<Array<Double>, _>("bursts", bursts.to_vec())
                    .bind::<Array<Double>, _>("per_second", per_second.to_vec())
                    .statement::<Untyped>()
                    .get_result::<Taken>(connection)
                    .await
            })
            .await?;
        if taken.refused == 0 {
            return Ok(Attempt {
                keys,
                bursts,
                took_name: !taken.proven,
                remember: self.settings.signin_remember.0,
            });
        }
        let settings = &self.settings;
        let (policy, quota, window) = match taken.refused {
            3 => (Policy::Address, settings.signin_per_address_per_minute, 60),
            _ => (
                Policy::Name,
                settings.signin_per_account_per_hour / 2,
                3_600,
            ),
        };
        let wait = taken.wait_seconds.ceil().max(1.0);
        Err(Refused::Limited(Limited {
            retry_after: Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX),
            policy,
            quota,
            window: Duration::from_secs(window),
            is_busy: taken.busy,
        }))
    }
}

/// Removes rows that say nothing any more, some thousands at most; says how many.
pub async fn purge(db: &Db) -> Result<usize, DbError> {
    in_batches(db, async |connection| {
        // The lock makes the row's newest version count, and whoever is just using one keeps
        // it.
        sql_query(
            "DELETE FROM attempt_buckets WHERE key IN (SELECT key FROM attempt_buckets \
             WHERE forget_at < clock_timestamp() ORDER BY forget_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Integer, _>(BATCH)
        .execute(connection)
        .await
    })
    .await
}

impl Attempt {
    /// The password was right: the tokens return, and the place is proven. It succeeded even where
    /// this fails: the tokens are then spent, which is logged.
    pub async fn succeeded(self, db: &Db) {
        let remember = self.remember.as_secs_f64();
        Box::pin(self.give_back(db, Some(remember))).await;
    }

    /// No password was looked at after all: the tokens return, and nothing is proven.
    pub async fn not_made(self, db: &Db) {
        Box::pin(self.give_back(db, None)).await;
    }

    async fn give_back(self, db: &Db, remember: Option<f64>) {
        let Self {
            keys,
            bursts,
            took_name,
            ..
        } = self;
        let answer = db
            .write(async |connection| {
                Writer::default()
                    .text(GIVE_BACK)
                    .bind::<Array<Binary>, _>("keys", keys.to_vec())
                    .bind::<Array<Double>, _>("bursts", bursts.to_vec())
                    .bind::<Bool, _>("took_name", took_name)
                    .bind::<Nullable<Double>, _>("remember", remember)
                    .statement::<Untyped>()
                    .get_result::<Done>(connection)
                    .await
            })
            .await;
        match answer {
            Ok(Done { done: true }) => {}
            Ok(Done { done: false }) => {
                tracing::warn!(
                    "the tokens of a sign-in were not returned: their rows stayed locked"
                )
            }
            Err(error) => {
                tracing::warn!(error = %error, "the tokens of a sign-in were not returned");
            }
        }
    }
}
