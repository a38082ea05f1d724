//! Eight real processes migrate one empty database at once, and the one that is at it is killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use chartroom::db::migrate::MIGRATIONS;
use chartroom::db::window::versions_of;
use tokio::process::{Child, Command};

use crate::support::database::TestDatabase;
use crate::support::schema::texts;
use crate::support::wait::until;

const PROCESSES: usize = 8;
const ALL_DONE: Duration = Duration::from_secs(60);
const WAITING: &str = "SELECT usename::text FROM pg_stat_activity WHERE datname = current_database() \
     AND application_name = 'chartroom/migrate' AND wait_event_type = 'Lock'";

/// A role per process: it is how the database tells which of them holds the lock.
async fn start(database: &TestDatabase) -> Vec<(String, Child)> {
    let session = database.session().await;
    let mut started = Vec::new();
    for n in 0..PROCESSES {
        let role = format!("migrator_{n}");
        session
            .batch_execute(&format!(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN \
                 CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{role}'; END IF; END $$"
            ))
            .await
            .unwrap();
        let config = database.config();
        let tokio_postgres::config::Host::Unix(directory) = &config.get_hosts()[0] else {
            unreachable!("the tests' server listens on a socket")
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_chartroom"));
        // It refuses keys that it does not know, as those are that steer the tests.
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("CHARTROOM_") {
                command.env_remove(key);
            }
        }
        let child = command
            .args(["migrate", "up"])
            .env("CHARTROOM_DATABASE_HOST", directory)
            .env("CHARTROOM_DATABASE_PORT", config.get_ports()[0].to_string())
            .env("CHARTROOM_DATABASE_NAME", &database.name)
            .env("CHARTROOM_DATABASE_USER", &role)
            .env("CHARTROOM_DATABASE_PASSWORD", &role)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        started.push((role, child));
    }
    started
}

#[tokio::test]
async fn eight_at_once_and_one_killed_midway_apply_each_migration_once() {
    let known = versions_of(&MIGRATIONS).unwrap();
    for round in 0..3 {
        let database = TestDatabase::empty().await;
        let session = database.session().await;
        // A table of the same name in an open transaction: whoever migrates waits for its end, in
        // the middle of a migration.
        let mut obstacle = database.session().await;
        let obstacle = obstacle.transaction().await.unwrap();
        obstacle
            .batch_execute("CREATE TABLE schema_window ()")
            .await
            .unwrap();

        let begun = Instant::now();
        let mut processes = start(&database).await;
        let waits = async || texts(&session, WAITING).await.into_iter().next();
        let holder = until("a process midway", ALL_DONE, waits).await.unwrap();
        let at = processes
            .iter()
            .position(|(role, _)| *role == holder)
            .unwrap();
        let (_, mut killed) = processes.remove(at);
        killed.kill().await.unwrap();
        if round == 1 {
            // The obstacle stays until another one has come as far.
            until("the next process midway", ALL_DONE, async || {
                waits().await.filter(|role| *role != holder)
            })
            .await
            .unwrap();
        }
        obstacle.rollback().await.unwrap();

        let mut applied = Vec::new();
        for (role, child) in processes {
            let rest = ALL_DONE.saturating_sub(begun.elapsed());
            let output = tokio::time::timeout(rest, child.wait_with_output())
                .await
                .unwrap_or_else(|_elapsed| panic!("{role} still runs"))
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let complained = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{role}: {said}{complained}");
            applied.extend(
                said.lines()
                    .filter_map(|line| line.strip_prefix("applied ").map(str::to_owned)),
            );
        }
        applied.sort();
        assert_eq!(applied, known, "round {round}");
        let recorded = "SELECT version::text FROM __diesel_schema_migrations ORDER BY 1";
        assert_eq!(texts(&session, recorded).await, known);
        let deadlocks =
            "SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(texts(&session, deadlocks).await, ["0"]);
        println!(
            "round {round}: killed {holder}, all done after {:?}",
            begun.elapsed()
        );
    }
}
