//! What the role may do that the service runs as, where that is not the owner of the tables: read
//! and write rows, make tables for the rows of datasets, and nothing else. Written again after each
//! migration, so that a right somebody added by hand goes.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::SimpleAsyncConnection as _;

use super::migrate::{MigrateError, locked, unlock};
use crate::config::endpoint::Endpoint;

/// Lets `role` use what is in the schema, and what later migrations put there. At most one process
/// at a time does it.
pub async fn grant(
    endpoint: &Endpoint,
    role: &str,
    patience: Duration,
) -> Result<(), MigrateError> {
    let mut connection = locked(endpoint, patience).await?;
    let granted = connection.batch_execute(&statements(role)).await;
    match granted {
        Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, problem))
            if problem.message().contains("does not exist") && problem.message().contains(role) =>
        {
            return Err(MigrateError::NoRole(role.to_owned()));
        }
        granted => granted?,
    }
    unlock(connection).await
}

/// In one transaction: at no moment does the service lack a right.
fn statements(role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    format!(
        "BEGIN;
        REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
        GRANT USAGE ON SCHEMA public TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
        REVOKE UPDATE, DELETE ON audit_events FROM {role};
        GRANT EXECUTE ON FUNCTION purge_audit_events(integer) TO {role};
        REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations, schema_window FROM {role};
        GRANT USAGE, CREATE ON SCHEMA dataset_rows TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
        COMMIT"
    )
}
