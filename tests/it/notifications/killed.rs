//! Reminders come once each, though the processes that do them are killed and frozen at random.
//!
//! `CHARTROOM_TEST_LONG=1` kills and freezes fifty times each.

use std::time::Duration;

use uuid::Uuid;

use crate::support::database::TestDatabase;
use crate::support::is_long;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service, chartroom};
use crate::support::wait::until;

const REMINDERS: i64 = 1_000;
const LEASE: Duration = Duration::from_secs(2);

/// A worker on addresses of its own, for as often as it is started.
struct Place {
    dir: TempDir,
    ports: Ports,
    worker: Service,
}

impl Place {
    fn new(url: &str) -> Self {
        let (dir, ports) = (TempDir::new("worker").unwrap(), Ports::reserve());
        let worker = start(&dir, &ports, url);
        Self { dir, ports, worker }
    }

    async fn kill(&mut self, url: &str) {
        self.worker.signal("KILL");
        self.worker.exit(PATIENCE).await;
        self.worker = start(&self.dir, &self.ports, url);
    }
}

fn start(dir: &TempDir, ports: &Ports, url: &str) -> Service {
    let mut command = chartroom(&dir.0);
    command
        .args(["worker", "--ops-listen", &ports.ops.to_string()])
        .args(["--listen", &ports.public.to_string()])
        .env("CHARTROOM_DATABASE_URL", url)
        .env("CHARTROOM_JOB_LEASE", format!("{}s", LEASE.as_secs()))
        .env("CHARTROOM_DRAIN_DELAY", "0ms");
    Service::spawn(command, ports.public, ports.ops)
}

fn random(below: u64) -> u64 {
    let drawn = Uuid::new_v4().as_u128() % u128::from(below);
    u64::try_from(drawn).unwrap()
}

async fn pause(below: Duration) {
    let most = u64::try_from(below.as_millis()).unwrap();
    tokio::time::sleep(Duration::from_millis(random(most))).await;
}

#[tokio::test]
async fn reminders_come_once_whatever_becomes_of_three_workers() {
    let rounds: usize = if is_long() { 50 } else { 10 };
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    let number = async |query: &str| -> i64 { session.query_one(query, &[]).await.unwrap().get(0) };
    // They become due all the time, and what they do takes so long that blows fall before its end.
    let reminders = format!(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$; \
         CREATE TRIGGER slow AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION slow(); \
         CREATE TABLE retaken (job bigint); \
         CREATE FUNCTION retaken() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \
             $$ BEGIN INSERT INTO public.retaken VALUES (NEW.id); RETURN NULL; END $$; \
         CREATE TRIGGER retaken AFTER UPDATE OF lost ON jobs FOR EACH ROW \
             WHEN (NEW.lost > OLD.lost AND NEW.kind = 'project.remind.1') \
             EXECUTE FUNCTION retaken(); \
         INSERT INTO principals (id, kind) VALUES ('{ann}', 'user'); \
         INSERT INTO users (id, email, email_key, username, username_key, password_hash) \
             VALUES ('{ann}', 'ann@example.com', 'ann@example.com', 'ann', 'ann', '-'); \
         WITH made AS (INSERT INTO projects (id, name, expires_at) \
             SELECT gen_random_uuid(), nth::text, now() + interval '3 hours' \
             FROM generate_series(1, {REMINDERS}) AS nth RETURNING id, name, expires_at), \
         owned AS (INSERT INTO project_members (project_id, principal_id, role) \
             SELECT id, '{ann}', 'owner' FROM made) \
         INSERT INTO jobs (kind, lane, max_failures, args, unique_key, owner, due_at) \
         SELECT 'project.remind.1', 1, 10, \
             jsonb_build_object('project', id, 'expires_at', expires_at, 'told', NULL), id, id, \
             now() + name::int * interval '{seconds} seconds' / {REMINDERS} FROM made; \
         CREATE TABLE wanted AS SELECT owner AS project, due_at FROM jobs WHERE kind = 'project.remind.1'",
        ann = Uuid::now_v7(),
        seconds = 3 * rounds,
    );
    session.batch_execute(&reminders).await.unwrap();
    let url = database.url();
    let mut places = [(); 3].map(|()| Place::new(&url));
    for round in 0..rounds {
        pause(Duration::from_secs(1)).await;
        let (frozen, killed) = (round % 3, (round + 1) % 3);
        places[frozen].worker.signal("STOP");
        pause(LEASE).await;
        places[killed].kill(&url).await;
        // Whoever is frozen wakes up when others have what it had.
        tokio::time::sleep(LEASE + Duration::from_millis(500)).await;
        places[frozen].worker.signal("CONT");
    }
    let all = async || {
        let told = number("SELECT count(*) FROM notifications").await;
        (told >= REMINDERS).then_some(())
    };
    until("all reminders", PATIENCE, all).await.unwrap();
    // What comes twice comes by then.
    tokio::time::sleep(LEASE * 2).await;
    let told = "SELECT count(*) FROM notifications WHERE kind = 'chartroom.project.expiring' AND data->>'before' = 'P1D'";
    let projects = "SELECT count(DISTINCT project_id) FROM notifications";
    assert_eq!(
        (number(told).await, number(projects).await),
        (REMINDERS, REMINDERS)
    );
    assert_eq!(
        number("SELECT count(*) FROM notifications").await,
        REMINDERS
    );
    assert_eq!(number("SELECT count(*) FROM outbox").await, 0);
    assert_eq!(number("SELECT count(*) FROM dead_jobs").await, 0);
    // The control: some of the blows have met a reminder.
    let retaken = number("SELECT count(*) FROM retaken").await;
    assert!(retaken > 0, "no lease of a reminder was lost");
    let late = "SELECT max(extract(epoch FROM at - due_at) * 1000)::bigint \
                FROM notifications JOIN wanted ON project = project_id";
    let late = number(late).await;
    eprintln!("{retaken} taken by another worker; the latest came {late} ms after it was due");
}
