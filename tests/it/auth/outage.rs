//! Refreshing while the database's answers get lost: who repeats the request with the same token
//! stays signed in. `process::refresh` has the same through real restarts.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_postgres::Client;

use super::*;
use crate::support::chaos_proxy::{ChaosProxy, Mode};
use crate::support::database::{TestDatabase, behind_proxy};
use crate::support::wait::until;

const SOON: Duration = Duration::from_secs(20);
/// Fewer than the pool has connections.
const AT_ONCE: usize = 6;

/// Sessions of an application that reaches its database through a proxy.
struct Stage {
    app: TestApp,
    proxy: ChaosProxy,
    client: Client,
    pairs: Vec<Pair>,
}

impl Stage {
    async fn new(flags: &[&str]) -> Self {
        let database = TestDatabase::migrated().await;
        let (proxy, endpoint) = behind_proxy(&database).await;
        let flags = [&UNLIMITED, flags].concat();
        let app = TestApp::on(database.into(), endpoint, &flags, Default::default());
        let client = app.database.session().await;
        let ann = Person::register(&app, "ann").await;
        let mut pairs = Vec::new();
        for _ in 0..AT_ONCE {
            pairs.push(ann.sign_in(&app).await);
        }
        Self {
            app,
            proxy,
            client,
            pairs,
        }
    }

    async fn refresh_all(&self) -> Vec<Answer> {
        join_all(
            self.pairs
                .iter()
                .map(|pair| by_refresh(&self.app, &pair.refresh)),
        )
        .await
    }

    /// Returns when so many of the application's connections wait for `event`.
    async fn waiting(&self, event: &str, wanted: usize) {
        let query = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'chartroom/write' AND wait_event = $1";
        let all = async || {
            let count: i64 = self
                .client
                .query_one(query, &[&event])
                .await
                .unwrap()
                .get(0);
            (usize::try_from(count).unwrap() == wanted).then_some(())
        };
        until(event, SOON, all).await.unwrap();
    }

    async fn generations(&self) -> Vec<i64> {
        let query = "SELECT generation FROM sessions ORDER BY id";
        let rows = self.client.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn count(&self, of: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {of}");
        self.client.query_one(&query, &[]).await.unwrap().get(0)
    }

    /// A rotation takes its time to commit, and the connection is reset meanwhile: it is done, and
    /// nobody is told. Says of which it is done: PostgreSQL looks now and then whether a client is
    /// there, and rolls back where it is not.
    async fn lose_the_answers(&self) -> Vec<bool> {
        let dawdle = "CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$; \
             DROP TRIGGER IF EXISTS dawdle ON sessions; \
             CREATE CONSTRAINT TRIGGER dawdle AFTER UPDATE ON sessions DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW WHEN (NEW.generation > OLD.generation) EXECUTE FUNCTION dawdle()";
        self.client.batch_execute(dawdle).await.unwrap();
        let before = self.generations().await;
        let (answers, ()) = tokio::join!(self.refresh_all(), async {
            self.waiting("PgSleep", AT_ONCE).await;
            self.proxy.reset_live();
        });
        for answer in &answers {
            assert_eq!(answer.problem(), "outcome-unknown");
        }
        self.waiting("PgSleep", 0).await;
        // In the order of the ids, which is that of the sign-ins.
        let after = self.generations().await;
        after
            .iter()
            .zip(&before)
            .map(|(after, before)| after > before)
            .collect()
    }
}

#[tokio::test]
async fn an_answer_lost_at_the_commit_signs_nobody_out() {
    let mut stage = Stage::new(&[]).await;
    let mut done = 0;
    for round in 0..8 {
        let lost = stage.lose_the_answers().await;
        done += lost.iter().filter(|done| **done).count();
        for at in 0..AT_ONCE {
            let again = Pair::of(&by_refresh(&stage.app, &stage.pairs[at].refresh).await);
            assert_ne!(again.refresh, stage.pairs[at].refresh);
            assert_eq!(me(&stage.app, &again.bearer()).await, 200, "round {round}");
            stage.pairs[at] = again;
        }
        assert_eq!(stage.generations().await, [round + 1; AT_ONCE]);
    }
    assert!(stage.proxy.counts.resets.load(SeqCst) >= 8 * AT_ONCE);
    assert!(done >= 4 * AT_ONCE, "only {done} were done");
    assert_eq!(stage.count("sessions WHERE ended_at IS NOT NULL").await, 0);

    // Control: without the grace the same loss signs everybody out.
    let strict = Stage::new(&["--refresh-grace=0ms"]).await;
    let lost = strict.lose_the_answers().await;
    assert!(lost.contains(&true));
    for (answer, done) in strict.refresh_all().await.iter().zip(lost) {
        assert_eq!(answer.status == 400, done, "{}", answer.text());
    }
}

#[tokio::test]
async fn an_outage_longer_than_the_grace_signs_out_nobody_whose_refresh_was_not_done() {
    let grace = Duration::from_millis(200);
    let stage = Stage::new(&["--refresh-grace=200ms"]).await;
    // Some are cut off in the middle of their transaction, all find nobody to ask afterwards.
    let blocker = stage.app.database.session().await;
    blocker
        .batch_execute("BEGIN; SELECT FROM sessions FOR UPDATE")
        .await
        .unwrap();
    let (answers, ()) = tokio::join!(stage.refresh_all(), async {
        stage.waiting("transactionid", AT_ONCE).await;
        stage.proxy.set(Mode::Refuse).await;
        stage.proxy.reset_live();
    });
    for answer in &answers {
        assert_eq!(answer.problem(), "outcome-unknown");
    }
    for answer in stage.refresh_all().await {
        assert_eq!(answer.problem(), "database-unavailable");
    }
    tokio::time::sleep(grace * 3).await;
    blocker.batch_execute("ROLLBACK").await.unwrap();
    stage.proxy.set(Mode::Forward).await;
    let answers = stage.refresh_all().await;
    let next: Vec<Pair> = answers.iter().map(Pair::of).collect();
    assert_eq!(stage.generations().await, [1; AT_ONCE]);

    // Control: what was done is a copy after that time.
    tokio::time::sleep(grace * 3).await;
    for answer in stage.refresh_all().await {
        assert_eq!(answer.problem(), "invalid-grant");
    }
    assert_eq!(me(&stage.app, &next[0].bearer()).await, 401);
}
