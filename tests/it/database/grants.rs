//! Row I3: the role that the service runs as reads and writes rows, and nothing else.

use std::time::Duration;

use chartroom::db::grants;
use chartroom::db::migrate::MigrateError;
use tokio_postgres::error::SqlState;

use crate::support::database::TestDatabase;

const PATIENCE: Duration = Duration::from_secs(30);

/// The applications of all other tests run as this role, which shows that it may do enough.
#[tokio::test]
async fn the_role_of_the_service_may_write_rows_and_nothing_else() {
    let database = TestDatabase::migrated().await;
    let owner = database.session().await;
    // What a later migration makes is granted when it is made.
    owner
        .batch_execute("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, note text)")
        .await
        .unwrap();
    let client = database.runtime_session().await;
    for allowed in [
        "INSERT INTO later (note) VALUES ('x')",
        "INSERT INTO principals (id, kind) VALUES (gen_random_uuid(), 'user')",
        "UPDATE principals SET created_at = now()",
        "DELETE FROM principals",
        "INSERT INTO audit_events (id, action) VALUES (gen_random_uuid(), 'a.b')",
        "SELECT * FROM schema_window, __diesel_schema_migrations",
        "LISTEN chartroom_revocations",
    ] {
        client
            .batch_execute(allowed)
            .await
            .unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for forbidden in [
        "CREATE TABLE mine (id int)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION pg_stat_statements",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "DROP TABLE users",
        "ALTER TABLE users ADD COLUMN mine int",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "CREATE INDEX mine ON users (name)",
        "CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        "TRUNCATE users CASCADE",
        "UPDATE audit_events SET action = 'c.d'",
        "DELETE FROM audit_events",
        "UPDATE schema_window SET min_compatible = '0'",
        "DELETE FROM __diesel_schema_migrations",
        "COPY users TO PROGRAM 'cat'",
        "COPY users FROM '/etc/hostname'",
        "SELECT pg_read_file('/etc/hostname')",
        "ALTER SYSTEM SET log_statement = 'all'",
        "SET ROLE pg_monitor",
        "SET SESSION AUTHORIZATION DEFAULT; SET session_replication_role = 'replica'",
    ] {
        let refused = client.batch_execute(forbidden).await.expect_err(forbidden);
        assert_eq!(
            refused.code(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE),
            "{forbidden}: {refused}"
        );
    }
}

#[tokio::test]
async fn what_a_hand_has_added_is_taken_back_and_names_are_quoted() {
    let database = TestDatabase::migrated().await;
    let owner = database.session().await;
    let role = format!("run \"{}", database.name);
    let quoted = format!("\"run \"\"{}\"", database.name);
    owner
        .batch_execute(&format!(
            "CREATE ROLE {quoted}; GRANT TRUNCATE ON users TO {quoted}"
        ))
        .await
        .unwrap();
    let may = async |right: &str| -> bool {
        let question = format!("SELECT has_table_privilege($1, 'users', '{right}')");
        owner.query_one(&question, &[&role]).await.unwrap().get(0)
    };
    assert!(may("TRUNCATE").await);
    assert!(!may("INSERT").await);
    // Twice at once and once more: nothing is granted twice, nothing fails.
    let (one, two) = tokio::join!(
        grants::grant(&database.endpoint, &role, PATIENCE),
        grants::grant(&database.endpoint, &role, PATIENCE),
    );
    one.and(two).unwrap();
    assert!(!may("TRUNCATE").await);
    assert!(may("INSERT").await);
    owner
        .batch_execute(&format!("DROP OWNED BY {quoted}; DROP ROLE {quoted}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_role_that_is_not_there_is_named() {
    let database = TestDatabase::migrated().await;
    let outcome = grants::grant(&database.endpoint, "nobody_here", PATIENCE).await;
    assert!(matches!(outcome, Err(MigrateError::NoRole(role)) if role == "nobody_here"));
}
