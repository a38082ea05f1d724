//! For how long the audit trail is kept. The owner of the tables writes that into the database, so
//! that the role that the service runs as can remove what is older and nothing else.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;

use super::migrate::{MigrateError, locked, unlock};
use crate::config::endpoint::Endpoint;

/// Has the database keep the trail for so many days, or for ever. At most one process at a time
/// does it.
pub async fn keep_audit_events(
    endpoint: &Endpoint,
    days: Option<i32>,
    patience: Duration,
) -> Result<(), MigrateError> {
    let mut connection = locked(endpoint, patience).await?;
    connection.batch_execute(&statement(days)).await?;
    unlock(connection).await
}

/// A statement that defines a function takes no parameters; what is written into it is a number.
fn statement(days: Option<i32>) -> String {
    let interval = match days {
        Some(days) => format!("make_interval(days => {days})"),
        None => "NULL::interval".to_owned(),
    };
    format!(
        "CREATE OR REPLACE FUNCTION audit_kept_for() RETURNS interval LANGUAGE sql STABLE \
         AS 'SELECT {interval}'"
    )
}
