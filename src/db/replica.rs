//! The read-only endpoint: when it is asked, whether what it says is the answer, and how others
//! learn that it was its.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::result::Error as DieselError;
use tokio::task::futures::TaskLocalFuture;

use super::DbError;
use super::pool::Pool;

/// For how long nothing but one read at a time asks a replica that did not answer.
const REST: Duration = Duration::from_secs(5);

pub(super) struct Replica {
    pub(super) pool: Pool,
    rests_until: Mutex<Option<Instant>>,
}

impl Replica {
    pub(super) fn new(pool: Pool) -> Self {
        Self {
            pool,
            rests_until: Mutex::default(),
        }
    }

    /// The first to ask after the rest is over asks for all; the others go on as if it still
    /// lasted.
    pub(super) fn is_asked(&self) -> bool {
        let mut rests_until = self.lock();
        let now = Instant::now();
        match *rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                *rests_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    /// If not, the primary is to be asked.
    pub(super) fn has_answered<T>(&self, answer: &Result<T, DbError>) -> bool {
        match answer {
            Err(DbError::NoConnection(_) | DbError::Interrupted) => {
                self.rest();
                false
            }
            // Also what a standby says when replaying the log needed rows or locks that the read
            // was using.
            Err(
                DbError::Busy
                | DbError::StorageFull(_)
                | DbError::Query(DieselError::DatabaseError(..)),
            ) => false,
            _ => {
                self.wake();
                from_replica();
                true
            }
        }
    }

    fn rest(&self) {
        *self.lock() = Some(Instant::now() + REST);
    }

    fn wake(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the reads of some work may be answered, and whether the read-only endpoint was one of
/// them.
pub struct Source {
    needs_primary: bool,
    is_replica: Cell<bool>,
}

tokio::task_local! {
    static SOURCE: Source;
}

/// Work that notes where its reads were answered. No `async fn`, which would hold the work twice.
pub type Sourced<F> = TaskLocalFuture<Source, F>;

/// `needs_primary` is for who has just changed something and means to see it.
pub fn sourced<F: Future>(work: F, needs_primary: bool) -> Sourced<F> {
    let source = Source {
        needs_primary,
        is_replica: Cell::new(false),
    };
    SOURCE.scope(source, work)
}

/// Outside of [`sourced`] it does not matter.
pub(super) fn needs_primary() -> bool {
    SOURCE.try_with(|it| it.needs_primary).unwrap_or(false)
}

/// Whether the read-only endpoint had a part in it; to be asked when it is done, once.
pub fn is_from_replica<F: Future>(done: Pin<&mut Sourced<F>>) -> bool {
    let source = done.take_value();
    source.is_some_and(|source| source.is_replica.into_inner())
}

/// Outside of [`sourced`] nobody wants to know.
pub(super) fn from_replica() {
    let _ = SOURCE.try_with(|it| it.is_replica.set(true));
}
