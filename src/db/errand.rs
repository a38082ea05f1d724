//! An operation without its types. What is done around each of them, a connection, deadlines, a
//! second try, is compiled once this way, and not once for every operation there is: with hundreds
//! of them that is megabytes.

use std::pin::Pin;

use diesel::result::QueryResult;
use diesel_async::AsyncPgConnection;

use super::DbError;
use super::operation::{Operation, Repeatable};

pub(super) type Running<'a, E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send + 'a>>;

/// Work on a connection `C`. It keeps its answer, for who has begun it and knows the type.
pub(super) trait Errand<C, E: 'static>: Send {
    fn run<'a>(&'a mut self, connection: C) -> Running<'a, E>
    where
        C: 'a;
}

pub(super) type OnConnection<'a> =
    dyn for<'c> Errand<&'c mut AsyncPgConnection, diesel::result::Error> + 'a;
pub(super) type OnLine<'a> = dyn for<'c> Errand<&'c AsyncPgConnection, diesel::result::Error> + 'a;

/// An operation that may be done again.
pub(super) struct Again<F, T> {
    operation: F,
    answer: Option<T>,
}

impl<F, T> Again<F, T> {
    pub(super) fn new(operation: F) -> Self {
        let answer = None;
        Self { operation, answer }
    }

    /// Of the last time that it was done.
    pub(super) fn answer(self) -> Result<T, DbError> {
        self.answer.ok_or(DbError::Interrupted)
    }
}

impl<F, T, C> Errand<C, diesel::result::Error> for Again<F, T>
where
    T: Send,
    C: Send,
    F: Repeatable<C, QueryResult<T>, Fut: Send> + Send + Sync,
{
    fn run<'a>(&'a mut self, connection: C) -> Running<'a, diesel::result::Error>
    where
        C: 'a,
    {
        let running = (self.operation)(connection);
        let answer = &mut self.answer;
        Box::pin(async move {
            *answer = Some(running.await?);
            Ok(())
        })
    }
}

/// An operation that is done once.
pub(super) struct Once<F, T> {
    operation: Option<F>,
    answer: Option<T>,
}

impl<F, T> Once<F, T> {
    pub(super) fn new(operation: F) -> Self {
        Self {
            operation: Some(operation),
            answer: None,
        }
    }

    pub(super) fn answer(self) -> Result<T, DbError> {
        self.answer.ok_or(DbError::Interrupted)
    }
}

impl<F, T, C, E> Errand<C, E> for Once<F, T>
where
    T: Send,
    C: Send,
    E: Send + 'static,
    F: Operation<C, Result<T, E>, Fut: Send> + Send,
{
    fn run<'a>(&'a mut self, connection: C) -> Running<'a, E>
    where
        C: 'a,
    {
        let Self { operation, answer } = self;
        let running = operation.take().map(|operation| operation(connection));
        Box::pin(async move {
            if let Some(running) = running {
                *answer = Some(running.await?);
            }
            Ok(())
        })
    }
}

/// The same on a connection that nobody else uses.
pub(super) struct Alone<'e, 'o>(pub(super) &'e mut OnLine<'o>);

impl<'c> Errand<&'c mut AsyncPgConnection, diesel::result::Error> for Alone<'_, '_> {
    fn run<'a>(
        &'a mut self,
        connection: &'c mut AsyncPgConnection,
    ) -> Running<'a, diesel::result::Error>
    where
        'c: 'a,
    {
        self.0.run(connection)
    }
}
