//! What handlers give to the database: closures whose futures may move between threads, and what
//! their errors say of the connection.

use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::SimpleAsyncConnection;

/// How long a connection has to show that it lives after an error that may have ended it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// An `AsyncFnOnce` whose future can be bounded: `AsyncFnOnce` alone cannot say `Send`, and axum's
/// handlers have to be.
pub trait Operation<C, R>:
    AsyncFnOnce(C) -> R + FnOnce(C) -> <Self as Operation<C, R>>::Fut
{
    type Fut: Future<Output = R>;
}

impl<F, C, R, Fut> Operation<C, R> for F
where
    F: AsyncFnOnce(C) -> R + FnOnce(C) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// The same for `AsyncFn`, which may be called again.
pub trait Repeatable<C, R>: AsyncFn(C) -> R + Fn(C) -> <Self as Repeatable<C, R>>::Fut {
    type Fut: Future<Output = R>;
}

impl<F, C, R, Fut> Repeatable<C, R> for F
where
    F: AsyncFn(C) -> R + Fn(C) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// Errors after which the session is known to be as it was. Diesel shows no SQLSTATE, so everything
/// else costs the connection.
pub(super) fn leaves_connection_clean(error: &DieselError) -> bool {
    match error {
        DieselError::NotFound
        | DieselError::RollbackTransaction
        | DieselError::QueryBuilderError(_) => true,
        DieselError::DatabaseError(kind, _) => matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::ExclusionViolation
                | DatabaseErrorKind::SerializationFailure
        ),
        _ => false,
    }
}

/// Whether the server had no disk space (SQLSTATE 53100). Diesel shows no SQLSTATE, so its words
/// have to do: what the operating system calls the error, in the message or in the detail, or the
/// hint that PostgreSQL gives where a write was only cut short. A server that speaks another
/// language than English is not understood. The caller has seen that the connection lives: where
/// the log has no space left, the server says the same and dies, and what it did is not known.
pub(super) fn is_storage_full(error: &DieselError) -> bool {
    let DieselError::DatabaseError(DatabaseErrorKind::Unknown, said) = error else {
        return false;
    };
    let names_it = |text: &str| text.contains("No space left on device");
    names_it(said.message())
        || said.details().is_some_and(names_it)
        || said.hint() == Some("Check free disk space.")
}

/// Whether the error came with the end of the connection. The socket's end may trail it, so the
/// connection is asked: a session that said 57P01 or its kin answers nothing more.
pub(super) async fn is_lost(
    error: &DieselError,
    connection: &mut impl SimpleAsyncConnection,
    until: Instant,
) -> bool {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection,
            _,
        ) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)
        | DieselError::BrokenTransactionManager => {
            let until = until.min(Instant::now() + SIGN_OF_LIFE);
            let answer = tokio::time::timeout_at(until.into(), connection.batch_execute(""));
            !matches!(answer.await, Ok(Ok(())))
        }
        _ => false,
    }
}
