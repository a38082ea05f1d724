//! Row A6: only a standby can be reached. What is read is answered and says from where; what
//! decides or writes is not done.

use chartroom::app::serve::app;
use chartroom::identity::revocation::feed::State;
use chartroom::kernel::shutdown::{Shutdown, Timings};
use http::StatusCode;

use super::{Bench, SOON};
use crate::support::app::{TestApp, config, shell_with};
use crate::support::chaos_proxy::{ChaosProxy, Mode};
use crate::support::client::Answer;
use crate::support::database::{TestDatabase, behind_proxy};
use crate::support::wait::until;

/// An application with a read-only endpoint, each endpoint behind a proxy.
struct Pair {
    bench: Bench,
    primary: ChaosProxy,
    replica: ChaosProxy,
}

impl Pair {
    async fn new() -> Self {
        let database = TestDatabase::migrated().await;
        let (primary, write) = behind_proxy(&database).await;
        let (replica, read) = behind_proxy(&database).await;
        let config = config(&["--posts-anonymous-read=true"]);
        let app = app(config, write, Some(read), Shutdown::new(Timings::default())).unwrap();
        let shell = shell_with(&app, Default::default());
        let database = database.into();
        let bench = Bench::of(TestApp {
            app,
            shell,
            database,
        })
        .await;
        Self {
            bench,
            primary,
            replica,
        }
    }

    /// From now on whoever connects finds a server that only reads, or one that writes.
    async fn only_reads(&self, on: bool) {
        let database = &self.bench.app.database.name;
        let statement =
            format!("ALTER DATABASE {database} SET default_transaction_read_only = {on}");
        self.bench
            .session
            .batch_execute("SET default_transaction_read_only = off")
            .await
            .unwrap();
        self.bench.session.batch_execute(&statement).await.unwrap();
        self.primary.reset_live();
        self.replica.reset_live();
    }

    async fn read(&self, number: u32) -> Answer {
        let request = self.bench.scene.read(number);
        self.bench.client.send(request).await.unwrap()
    }

    async fn write(&self, number: u32) -> Answer {
        let request = self.bench.scene.write(number);
        self.bench.client.send(request).await.unwrap()
    }

    /// A list that anybody may read.
    async fn anonymous(&self) -> Answer {
        self.bench.client.get("/api/v1/posts").await.unwrap()
    }

    fn state(&self) -> State {
        self.bench.app.app.identity.feed.state()
    }
}

fn source(answer: &Answer) -> &str {
    let header = answer.headers.get("x-data-source");
    header.map_or("", |source| source.to_str().unwrap())
}

fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_standby_answers_says_so_and_nothing_is_written() {
    let pair = Pair::new().await;
    let rows = "SELECT count(*) + (SELECT sum(version) FROM projects) + (SELECT sum(version) FROM posts) FROM post_votes";
    let number = async || {
        let row = pair
            .bench
            .session
            .query_one(&format!("SELECT ({rows})::bigint"), &[])
            .await;
        row.unwrap().get::<_, i64>(0)
    };
    for number in 0..5 {
        assert_eq!(source(&pair.read(number).await), "replica", "{number}");
    }
    assert_eq!(source(&pair.write(1).await), "");
    let before = number().await;
    // Both ways lead to a standby, as they do until one is promoted.
    pair.only_reads(true).await;
    let fresh = async || {
        let mut seen = Vec::new();
        for number in 0..5 {
            let answer = pair.read(number).await;
            seen.push((answer.status.as_u16(), source(&answer).to_owned()));
        }
        // What revocations are known is believed for five seconds: a slow machine may need more for
        // this.
        (pair.state() == State::Fresh).then_some(seen)
    };
    let seen = fresh().await.expect("five requests took five seconds");
    assert_eq!(seen, vec![(200, "replica".to_owned()); 5]);
    for number in 0..4 {
        let answer = pair.write(number).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(code(&answer), "read-only", "{number}");
        assert_eq!(source(&answer), "");
    }
    assert_eq!(number().await, before);
    // Whether a token is revoked is not asked of what may be behind.
    let stale = async || (pair.state() == State::Stale).then_some(());
    until("nobody knows what is revoked", SOON, stale)
        .await
        .unwrap();
    let refused = pair.read(0).await;
    assert_eq!(
        (refused.status.as_u16(), code(&refused).as_str()),
        (503, "read-only")
    );
    let anonymous = pair.anonymous().await;
    assert_eq!(
        (anonymous.status.as_u16(), source(&anonymous)),
        (200, "replica")
    );
    pair.only_reads(false).await;
    let back = async || pair.write(0).await.status.is_success().then_some(());
    until("a write", SOON, back).await.unwrap();
}

#[tokio::test]
async fn an_answer_of_the_primary_names_no_source() {
    let pair = Pair::new().await;
    pair.replica.set(Mode::Refuse).await;
    pair.replica.reset_live();
    for number in 0..5 {
        let answer = pair.read(number).await;
        assert_eq!((answer.status.as_u16(), source(&answer)), (200, ""));
    }
    // The primary is gone instead: reads go on, and a write has nowhere to go.
    pair.replica.set(Mode::Forward).await;
    let again = async || (source(&pair.read(0).await) == "replica").then_some(());
    until("the replica", SOON, again).await.unwrap();
    pair.primary.set(Mode::Refuse).await;
    pair.primary.reset_live();
    let answer = pair.anonymous().await;
    assert_eq!((answer.status.as_u16(), source(&answer)), (200, "replica"));
    let answer = pair.write(1).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(["database-unavailable", "outcome-unknown"].contains(&code(&answer).as_str()));
}
