//! Work in a transaction, and what this process does once it has been committed.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use diesel::result::QueryResult;
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection as _, TransactionManager as _,
};

use super::Db;
use super::errand::{Errand, Once};
use super::operation::Operation;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};

type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// Why work ended without an answer. Either way its transaction is rolled back.
#[derive(Debug)]
pub enum Failure {
    Refused(ApiError),
    Query(diesel::result::Error),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        ApiError::refused_by_trigger(&error).map_or(Self::Query(error), Self::Refused)
    }
}

pub type Work<T> = Result<T, Failure>;
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = ApiResult<T>> + Send + 'a>>;

type InTx<'a> = dyn for<'c, 't> Errand<&'c mut Tx<'t>, Failure> + 'a;
type InStatement<'a> = dyn for<'c> Errand<&'c mut AsyncPgConnection, Failure> + 'a;

/// Something that a transaction leaves for this process to do after its commit, as a value of the
/// type that says what it is.
type Notice = Box<dyn Any + Send>;
type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// Who in this process hears of what has been committed, by the type of the notice. Each type has
/// one listener; a process without it, such as the command line, has nothing to do.
#[derive(Default)]
pub struct Listeners(RwLock<HashMap<TypeId, Listener>>);

impl Listeners {
    /// Calls `listener` right after every commit that left a notice of the type `N`, before anybody
    /// hears that the transaction succeeded.
    pub fn on_commit<N: Any + Send>(&self, listener: impl Fn(N) + Send + Sync + 'static) {
        let listener: Listener = Arc::new(move |notice: Notice| {
            if let Ok(notice) = notice.downcast::<N>() {
                listener(*notice);
            }
        });
        let mut listeners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        listeners.insert(TypeId::of::<N>(), listener);
    }

    /// Tells at once what a statement has left that is a transaction of its own.
    pub fn announce<N: Any + Send>(&self, notice: N) {
        self.hear(vec![Box::new(notice)]);
    }

    fn hear(&self, notices: Vec<Notice>) {
        for notice in notices {
            let listeners = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let listener = listeners.get(&(*notice).type_id()).cloned();
            drop(listeners);
            if let Some(listener) = listener {
                listener(notice);
            }
        }
    }
}

/// A transaction that runs: a connection that knows who acts, and what is to be done after the
/// commit. A function that takes one writes all of its work or none of it.
pub struct Tx<'c> {
    connection: &'c mut AsyncPgConnection,
    actor: &'c Actor,
    notices: &'c mut Vec<Notice>,
}

impl<'c> Tx<'c> {
    fn new(
        connection: &'c mut AsyncPgConnection,
        actor: &'c Actor,
        notices: &'c mut Vec<Notice>,
    ) -> Self {
        Self {
            connection,
            actor,
            notices,
        }
    }

    pub fn actor(&self) -> &'c Actor {
        self.actor
    }

    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        self.connection
    }

    /// Leaves a notice for [`Listeners::on_commit`]; a rollback drops it.
    pub fn after_commit<N: Any + Send>(&mut self, notice: N) {
        self.notices.push(Box::new(notice));
    }

    /// The same transaction for a while, as a closure takes it.
    pub fn again(&mut self) -> Tx<'_> {
        let actor = self.actor;
        self.with_actor(actor)
    }

    /// The same transaction, in which somebody else acts: whom a refresh token belongs to, say.
    pub fn with_actor<'s>(&'s mut self, actor: &'s Actor) -> Tx<'s> {
        Tx {
            connection: self.connection,
            actor,
            notices: self.notices,
        }
    }
}

impl Deref for Tx<'_> {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.connection
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.connection
    }
}

/// Work in one transaction: committed with its result, rolled back with its failure.
pub fn transaction<'a, T, F>(db: &'a Db, actor: &'a Actor, work: F) -> Pending<'a, T>
where
    T: Send + 'a,
    F: for<'c, 't> AsyncFnOnce(&'c mut Tx<'t>) -> Work<T>
        + for<'c, 't> Operation<&'c mut Tx<'t>, Work<T>, Fut: Send>
        + Send
        + 'a,
{
    Box::pin(async move {
        let mut work = Once::new(work);
        write_in_transaction(db, actor, &mut work).await?;
        Ok(work.answer()?)
    })
}

async fn write_in_transaction(db: &Db, actor: &Actor, work: &mut InTx<'_>) -> ApiResult<()> {
    db.write(async |conn: &mut AsyncPgConnection| {
        work_in_transaction(conn, actor, db.listeners(), work).await
    })
    .await?
}

/// A single statement that writes, or several of which none but the last does.
pub fn statement<'a, T, F>(db: &'a Db, work: F) -> Pending<'a, T>
where
    T: Send + 'a,
    F: for<'c> AsyncFnOnce(&'c mut AsyncPgConnection) -> Work<T>
        + for<'c> Operation<&'c mut AsyncPgConnection, Work<T>, Fut: Send>
        + Send
        + 'a,
{
    Box::pin(async move {
        let mut work = Once::new(work);
        write_statement(db, &mut work).await?;
        Ok(work.answer()?)
    })
}

async fn write_statement(db: &Db, work: &mut InStatement<'_>) -> ApiResult<()> {
    db.write(
        async |conn: &mut AsyncPgConnection| match work.run(conn).await {
            Ok(()) => Ok(Ok(())),
            Err(Failure::Refused(error)) => Ok(Err(error)),
            Err(Failure::Query(error)) => Err(error),
        },
    )
    .await?
}

/// [`transaction`] on a connection that is no pool's, which the command line has.
pub async fn in_transaction<T, F>(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    listeners: &Listeners,
    work: F,
) -> QueryResult<ApiResult<T>>
where
    T: Send,
    F: for<'c, 't> AsyncFnOnce(&'c mut Tx<'t>) -> Work<T>
        + for<'c, 't> Operation<&'c mut Tx<'t>, Work<T>, Fut: Send>
        + Send,
{
    let mut work = Once::new(work);
    let done = work_in_transaction(conn, actor, listeners, &mut work).await?;
    Ok(done.and_then(|()| Ok(work.answer()?)))
}

async fn work_in_transaction(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    listeners: &Listeners,
    work: &mut InTx<'_>,
) -> QueryResult<ApiResult<()>> {
    Transactions::begin_transaction(conn).await?;
    let mut notices = Vec::new();
    let failure = match work.run(&mut Tx::new(conn, actor, &mut notices)).await {
        Ok(()) => {
            Transactions::commit_transaction(conn).await?;
            // Nothing is awaited between the commit and this: a caller who goes away loses nothing.
            listeners.hear(notices);
            return Ok(Ok(()));
        }
        Err(failure) => failure,
    };
    // An error of the rollback is the one to report: it costs the connection, as it must.
    Transactions::rollback_transaction(conn).await?;
    match failure {
        Failure::Refused(error) => Ok(Err(error)),
        Failure::Query(error) => Err(error),
    }
}

/// The last work of a transaction that has begun already, and its commit. Where the work fails, the
/// connection has to go, and the transaction with it.
pub(super) async fn finish_transaction<T, F>(
    conn: &mut AsyncPgConnection,
    actor: &Actor,
    listeners: &Listeners,
    work: F,
) -> Work<T>
where
    F: for<'c, 't> AsyncFnOnce(&'c mut Tx<'t>) -> Work<T>
        + for<'c, 't> Operation<&'c mut Tx<'t>, Work<T>, Fut: Send>,
{
    let mut notices = Vec::new();
    let value = work(&mut Tx::new(conn, actor, &mut notices)).await?;
    conn.batch_execute("COMMIT").await?;
    listeners.hear(notices);
    Ok(value)
}
