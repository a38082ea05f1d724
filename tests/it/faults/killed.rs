//! Requests that are repeated after the process was killed under them: what was done is not done
//! again.

use std::time::Duration;

use futures_util::future::join_all;

use super::Scene;
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::process::TempDir;
use crate::support::service::{PATIENCE, Ports, Service};

const ROUNDS: usize = 10;
const AT_ONCE: usize = 6;
/// Half of the posts take their time inside COMMIT, where a kill leaves what is done and nobody who
/// was told.
const DAWDLE: &str = "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER posts_dawdle AFTER INSERT ON posts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.title LIKE '%slow') EXECUTE FUNCTION dawdle()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_repeated_after_a_kill_is_there_once() {
    let (dir, ports) = (TempDir::new("killed").unwrap(), Ports::reserve());
    let database = TestDatabase::migrated().await;
    let session = database.session().await;
    session.batch_execute(DAWDLE).await.unwrap();
    let url = database.url();
    let start = || {
        let variables = [
            ("CHARTROOM_DATABASE_URL", url.as_str()),
            ("CHARTROOM_REGISTRATION", "open"),
            ("CHARTROOM_LOG", "warn"),
        ];
        Service::start(&dir.0, &ports, &variables)
    };
    let mut service = start();
    service.wait_ready(PATIENCE).await;
    let client = Client::fresh(service.public);
    let scene = Scene::new(&client).await;
    let (mut unanswered, mut replayed, mut random) = (0, 0, 0x9E37_79B9_7F4A_7C15_u64);
    for round in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let title = |at: usize| {
            format!(
                "round {round} {at} {}",
                if at.is_multiple_of(2) { "slow" } else { "" }
            )
        };
        // One has no key: the control.
        let control = {
            let mut request = scene.create(&format!("control {round} slow"));
            request.headers_mut().remove("idempotency-key");
            request
        };
        let all = join_all((0..AT_ONCE).map(|at| client.send(scene.create(title(at).trim_end()))));
        let kill = async {
            tokio::time::sleep(Duration::from_micros(random % 120_000)).await;
            service.signal("KILL");
            service.exit(PATIENCE).await;
        };
        let (answers, first, ()) = tokio::join!(all, client.send(control.clone()), kill);
        service = start();
        service.wait_ready(PATIENCE).await;
        for (at, answer) in answers.into_iter().enumerate() {
            if let Ok(answer) = &answer {
                assert_eq!(answer.status, 201, "{}", answer.text());
            }
            unanswered += usize::from(answer.is_err());
            let again = scene.insist(&client, title(at).trim_end()).await;
            // Whoever was answered is answered the same again.
            assert!(again || answer.is_err(), "{}", title(at));
            replayed += usize::from(again && answer.is_err());
        }
        if first.is_err() {
            let again = client.send(control).await.unwrap();
            assert_eq!(again.status, 201, "{}", again.text());
        }
    }
    let count = async |query: &str| -> i64 { session.query_one(query, &[]).await.unwrap().get(0) };
    let rows = count("SELECT count(*) FROM posts WHERE title LIKE 'round %'").await;
    let titles = count("SELECT count(DISTINCT title) FROM posts WHERE title LIKE 'round %'").await;
    let all = i64::try_from(ROUNDS * AT_ONCE).unwrap();
    assert_eq!((rows, titles), (all, all));
    let controls = count("SELECT count(*) FROM posts WHERE title LIKE 'control %'").await;
    println!(
        "{unanswered} not answered, of them {replayed} done; {controls} without a key for {ROUNDS}"
    );
    assert!(
        unanswered >= ROUNDS,
        "the kills came too late: {unanswered}"
    );
    assert!(replayed >= 1, "none of those was done");
    assert!(
        controls > i64::try_from(ROUNDS).unwrap(),
        "a key makes no difference"
    );
}
