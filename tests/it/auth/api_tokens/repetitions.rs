//! The same POST again: the same secret, which is nowhere in the database.

use std::path::PathBuf;
use std::time::Duration;

use chartroom::identity::keys;

use super::*;
use crate::support::app::KEYS;

#[tokio::test]
async fn a_repetition_shows_the_secret_again_and_the_database_never_does() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let first = create(&app, &bearer, Some("k"), &body("a name")).await;
    let secret = secret(&first);
    for _ in 0..2 {
        let again = create(&app, &bearer, Some("k"), &body("a name")).await;
        assert_eq!(again.status, 201, "{}", again.text());
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.body, first.body);
        for name in ["location", "cache-control", "content-type"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
    }
    let other = create(&app, &bearer, Some("k"), &body("another")).await;
    assert_eq!(other.problem(), "idempotency-key-reused");
    let session = app.database.session().await;
    assert_eq!(count(&session, "api_tokens").await, 1);
    assert_eq!(me(&app, &format!("Bearer {secret}")).await, 200);

    // All there is in the database, as text, with binary columns in hexadecimal digits.
    let tables = "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let mut all = String::new();
    for table in session.query(tables, &[]).await.unwrap() {
        let name: String = table.get(0);
        let rows = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {name} t");
        all += &session
            .query_one(&rows, &[])
            .await
            .unwrap()
            .get::<_, String>(0);
    }
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let random = secret.strip_prefix("crt_").unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, secret.as_bytes());
    for (found, what) in [
        (false, random.to_owned()),
        (false, hex(random.as_bytes())),
        // Controls: a text and binary columns are found; the whole answer is kept, but not
        // readable.
        (true, "a name".to_owned()),
        (true, hex(hash.as_ref())),
        (false, hex(b"a name")),
    ] {
        assert_eq!(all.contains(&what), found, "{what}");
    }
    let kept = "idempotent_answers WHERE length(body) > 100";
    assert_eq!(count(&session, kept).await, 1);
}

#[tokio::test]
async fn a_repetition_in_flight_is_told_to_wait() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let session = app.database.session().await;
    let gate = "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$; \
                CREATE TRIGGER gate BEFORE INSERT ON api_tokens FOR EACH ROW EXECUTE FUNCTION gate(); \
                SELECT pg_advisory_lock(7)";
    session.batch_execute(gate).await.unwrap();
    let wanted = body("a");
    let second = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
        while session
            .query_one(waits, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let second = create(&app, &bearer, Some("k"), &wanted).await;
        session
            .batch_execute("SELECT pg_advisory_unlock(7)")
            .await
            .unwrap();
        second
    };
    let (first, second) = tokio::join!(create(&app, &bearer, Some("k"), &wanted), second);
    assert_eq!(
        (second.status.as_u16(), second.problem().as_str()),
        (409, "request-in-flight")
    );
    let again = create(&app, &bearer, Some("k"), &wanted).await;
    assert_eq!(secret(&again), secret(&first));
    assert_eq!(count(&session, "api_tokens").await, 1);
}

#[tokio::test]
async fn a_repetition_after_a_change_of_keys_says_so() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let who = basic("ann", PASSWORD);
    let first = create(&app, &who, Some("k"), &body("a")).await;
    let token = format!("Bearer {}", secret(&first));

    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{}", ann.id));
    keys::generate(&directory, Duration::ZERO).unwrap();
    let old = std::fs::read_dir(&*KEYS).unwrap().next().unwrap().unwrap();
    let old_copy = directory.join(old.file_name());
    std::fs::copy(old.path(), &old_copy).unwrap();
    let flag = format!("--keys-dir={}", directory.display());
    let rotated = app.beside(&[&flag]);
    let again = create(&rotated, &who, Some("k"), &body("a")).await;
    assert_eq!(again.body, first.body);

    std::fs::remove_file(old_copy).unwrap();
    let changed = app.beside(&[&flag]);
    let again = create(&changed, &who, Some("k"), &body("a")).await;
    assert_eq!(
        (again.status.as_u16(), again.problem().as_str()),
        (409, "conflict")
    );
    assert_eq!(again.header("location"), first.header("location"));
    // The token itself does not depend on the keys, and what the answer says to do works.
    assert_eq!(me(&changed, &token).await, 200);
    let ended = send_as(&changed, Method::DELETE, again.header("location"), &who).await;
    assert_eq!(ended.status, 204);
    secret(&create(&changed, &who, Some("k2"), &body("a")).await);
    std::fs::remove_dir_all(directory).unwrap();
}
