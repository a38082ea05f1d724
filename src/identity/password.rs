//! Passwords: which are taken, how they are kept, and a gate in front of the hash, because a flood
//! of sign-ins is an attack on the processor first.
//!
//! `common_passwords.txt` holds the most frequent leaked passwords of at least 8 bytes, folded to
//! lower case, in the order of bytes; taken from the frequency lists of zxcvbn 4.5.0 (MIT,
//! <https://pypi.org/project/zxcvbn/>).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use prometheus::IntCounter;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::hash::{Match, Memory};
use crate::config::SignInLimits;
use crate::kernel::error::{ApiError, Code};
use crate::kernel::values::{Checked, Wrong, checked};

const SHORTEST: usize = 8;
/// Longer ones only cost memory; nothing is ever cut off.
const LONGEST: usize = 1_024;

const COMMON: &str = include_str!("common_passwords.txt");

/// Hashes a few passwords at a time, and lets a few more wait.
pub struct Passwords {
    permits: Arc<Semaphore>,
    queue: usize,
    longest_wait: Duration,
    waiting: AtomicUsize,
    /// Of the permits that nobody has; each is made when it is first needed.
    memories: Arc<Mutex<Vec<Memory>>>,
    hashed: IntCounter,
    hashes_for_nobody: bool,
}

/// That somebody knew a password. Only a check makes one.
#[must_use]
#[derive(Debug)]
pub struct Proven {
    /// The hash to store instead, where the parameters have risen since it was made.
    pub rehash: Option<String>,
}

#[derive(Debug)]
pub enum PasswordError {
    Wrong,
    /// As many hashes as allowed are being made and enough sign-ins wait.
    Busy,
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Wrong => Self::new(Code::Unauthenticated, "the password is wrong"),
            PasswordError::Busy => Self::new(
                Code::Overloaded,
                "too many sign-ins at once; nothing was done, repeat the request",
            ),
        }
    }
}

/// A password that an account may get.
#[derive(Clone, Debug)]
pub struct NewPassword(pub SecretString);

impl Checked for NewPassword {
    type Raw = SecretString;

    fn checked(raw: SecretString) -> Result<Self, Wrong> {
        acceptable(&raw)?;
        Ok(Self(raw))
    }

    /// The document counts characters, and 8 bytes may be as few as 2 of them.
    fn described() -> ObjectBuilder {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(SHORTEST / char::MAX.len_utf8()))
            .max_length(Some(LONGEST))
            .description(Some("8 to 1024 bytes, and not one of the most common ones"))
    }
}

checked!(NewPassword);

/// Whether a password may be a new one.
pub fn acceptable(password: &SecretString) -> Result<(), Wrong> {
    let password = password.expose_secret();
    let wrong = |code, detail: String| Err(Wrong::new(code, detail));
    match password.len() {
        0..SHORTEST => {
            return wrong(
                "too-short",
                format!("a password has at least {SHORTEST} bytes"),
            );
        }
        n if n > LONGEST => {
            return wrong(
                "too-long",
                format!("a password has at most {LONGEST} bytes"),
            );
        }
        _ => {}
    }
    static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| COMMON.lines().collect());
    if LINES
        .binary_search(&password.to_lowercase().as_str())
        .is_ok()
    {
        return wrong(
            "too-common",
            "this is one of the most common passwords".to_owned(),
        );
    }
    Ok(())
}

/// In the place of the hash of an account that has no password: its owner signs in by a provider.
pub const NO_PASSWORD: &str = "none";

/// What is checked where there is no password to check, so that a miss costs what a hit costs.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    Memory::default()
        .hash("nobody has this password")
        .unwrap_or_default()
});

fn verify(
    password: &str,
    stored: Option<&str>,
    memory: &mut Memory,
) -> Result<Proven, PasswordError> {
    let found = memory.verify(password, stored.unwrap_or(&NOBODY));
    match (found, stored) {
        (Some(Match { is_current }), Some(_)) => Ok(Proven {
            rehash: if is_current {
                None
            } else {
                memory.hash(password).ok()
            },
        }),
        _ => Err(PasswordError::Wrong),
    }
}

impl Passwords {
    /// `hashed` counts what came through the gate.
    pub fn new(limits: &SignInLimits, hashed: IntCounter) -> Self {
        // Made now, not during the first failed sign-in, which would be told apart by it.
        LazyLock::force(&NOBODY);
        Self {
            permits: Arc::new(Semaphore::new(limits.hashes())),
            queue: limits.signin_queue,
            longest_wait: limits.signin_wait.0,
            waiting: AtomicUsize::new(0),
            memories: Arc::default(),
            hashed,
            hashes_for_nobody: true,
        }
    }

    /// The defect that a test has to notice: a name of nobody costs no hash. Nothing but that test
    /// makes one of these.
    #[doc(hidden)]
    pub fn without_hash_for_nobody(self) -> Self {
        Self {
            hashes_for_nobody: false,
            ..self
        }
    }

    pub async fn hash(&self, password: SecretString) -> Result<String, ApiError> {
        self.through_the_gate(move |memory| memory.hash(password.expose_secret()))
            .await?
            .map_err(ApiError::internal)
    }

    /// Checks a password against what is stored for somebody, or against nobody's at the same cost.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Proven, PasswordError> {
        let stored = stored.filter(|stored| stored != NO_PASSWORD);
        if password.expose_secret().len() > LONGEST || (stored.is_none() && !self.hashes_for_nobody)
        {
            return Err(PasswordError::Wrong);
        }
        self.through_the_gate(move |memory| {
            verify(password.expose_secret(), stored.as_deref(), memory)
        })
        .await?
    }

    async fn through_the_gate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = match self.permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _place = Place::take(&self.waiting, self.queue).ok_or(PasswordError::Busy)?;
                let permit = self.permits.clone().acquire_owned();
                let waited = tokio::time::timeout(self.longest_wait, permit).await;
                waited
                    .or(Err(PasswordError::Busy))?
                    .or(Err(PasswordError::Busy))?
            }
        };
        self.hashed.inc();
        // The permit goes along: a request that is cancelled leaves its hash running, and it still
        // counts.
        let memories = self.memories.clone();
        let done = tokio::task::spawn_blocking(move || {
            let kept = || memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = kept().pop().unwrap_or_default();
            let done = work(&mut memory);
            kept().push(memory);
            drop(permit);
            done
        });
        done.await.or(Err(PasswordError::Busy))
    }
}

/// A place in the queue, given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, queue: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < queue).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};

    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(
            COMMON.lines().is_sorted()
                && COMMON.lines().count() >= 3_000
                && COMMON.lines().all(|line| line.len() >= SHORTEST)
        );
    }

    #[test]
    fn length_counts_bytes_and_common_ones_are_refused() {
        let refused = |text: &str| {
            acceptable(&text.into())
                .err()
                .map(|error| error.code.to_owned())
        };
        assert_eq!(refused("1234567"), Some("too-short".to_owned()));
        assert_eq!(refused("Password"), Some("too-common".to_owned()));
        assert_eq!(refused(&"x".repeat(1_025)), Some("too-long".to_owned()));
        assert_eq!(refused(&"x".repeat(1_024)), None);
        assert_eq!(refused("ßßßß"), None);
    }

    #[test]
    fn weak_parameters_are_renewed_and_nobody_has_a_password() {
        let mut memory = Memory::default();
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8_192, 1, 1, None).unwrap(),
        )
        .hash_password(b"good enough once")
        .unwrap()
        .to_string();
        let renewed = verify("good enough once", Some(&weak), &mut memory).unwrap();
        assert!(renewed.rehash.unwrap().contains("m=19456,t=2"));
        assert!(matches!(
            verify("nobody has this password", None, &mut memory),
            Err(PasswordError::Wrong)
        ));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_refused_at_once_and_who_waits_gets_a_turn() {
        use clap::{Args as _, FromArgMatches as _};
        let command = SignInLimits::augment_args(clap::Command::new("test"));
        let flags = ["test", "--signin-hashes=1", "--signin-queue=1"];
        let limits = SignInLimits::from_arg_matches(&command.get_matches_from(flags)).unwrap();
        let passwords = Passwords::new(&limits, IntCounter::new("hashed", "here").unwrap());
        let taken = passwords.permits.clone().acquire_owned().await.unwrap();
        let waiting = passwords.hash("good enough once".into());
        let refused = async {
            assert!(matches!(
                passwords.verify("x".into(), None).await,
                Err(PasswordError::Busy)
            ));
            assert_eq!(passwords.hashed.get(), 0);
            drop(taken);
        };
        let (waited, ()) = tokio::join!(waiting, refused);
        waited.unwrap();
        assert_eq!(passwords.hashed.get(), 1);
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }
}
