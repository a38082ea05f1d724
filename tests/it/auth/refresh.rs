//! Refresh tokens: one live branch however many ask at once, and a copy that comes back ends the
//! session.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::*;

const AT_ONCE: usize = 50;
const ROUNDS: usize = 200;

/// Generation of the session, and whether it lives.
async fn row(client: &tokio_postgres::Client, pair: &Pair) -> (i64, bool) {
    let id: uuid::Uuid = pair.session().parse().unwrap();
    let row = client
        .query_one(
            "SELECT generation, ended_at IS NULL FROM sessions WHERE id = $1",
            &[&id],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

async fn reuses(client: &tokio_postgres::Client, pair: &Pair) -> i64 {
    let id: uuid::Uuid = pair.session().parse().unwrap();
    client
        .query_one(
            "SELECT count(*) FROM audit_events WHERE action = 'session.reuse_detected' AND target_id = $1",
            &[&id],
        )
        .await
        .unwrap()
        .get(0)
}

async fn refused(app: &TestApp, token: &str) {
    let answer = by_refresh(app, token).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.problem(), "invalid-grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_at_once_make_one_branch() {
    let app = app(&["--request-deadline=60s"]).await;
    let client = app.database.session().await;
    let ann = Person::register(&app, "ann").await;
    let mut pair = ann.sign_in(&app).await;
    let mut busy = 0;
    for round in 0..ROUNDS {
        let (before, _) = row(&client, &pair).await;
        let answers = join_all((0..AT_ONCE).map(|_| by_refresh(&app, &pair.refresh))).await;
        let mut successors = HashSet::new();
        let mut next = None;
        for answer in &answers {
            match answer.status.as_u16() {
                200 => {
                    let got = Pair::of(answer);
                    successors.insert(got.refresh.clone());
                    next = Some(got);
                }
                // No connection in time: nothing was done.
                503 => busy += 1,
                _ => assert_eq!(answer.problem(), "invalid-grant"),
            }
        }
        assert_eq!(successors.len(), 1, "round {round}");
        assert_eq!(
            row(&client, &pair).await,
            (before + 1, true),
            "round {round}"
        );
        pair = next.unwrap();
        assert_eq!(me(&app, &pair.bearer()).await, 200);
    }
    assert!(busy < ROUNDS * AT_ONCE / 2, "{busy} found no connection");
    assert_eq!(reuses(&client, &pair).await, 0);
}

/// Control: the fifty do meet each other, and whoever comes second is told from whoever came first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_grace_fifty_at_once_are_one_success_and_a_copy() {
    let app = app(&["--request-deadline=60s", "--refresh-grace=0ms"]).await;
    let client = app.database.session().await;
    let ann = Person::register(&app, "ann").await;
    for round in 0..10 {
        let pair = ann.sign_in(&app).await;
        let answers = join_all((0..AT_ONCE).map(|_| by_refresh(&app, &pair.refresh))).await;
        let good = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(good, 1, "round {round}");
        assert_eq!(row(&client, &pair).await, (1, false), "round {round}");
        assert_eq!(reuses(&client, &pair).await, 1, "round {round}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_a_grandparent_ends_the_session() {
    let app = app(&[]).await;
    let client = app.database.session().await;
    let ann = Person::register(&app, "ann").await;
    let (first, other) = (ann.sign_in(&app).await, ann.sign_in(&app).await);
    let second = Pair::of(&by_refresh(&app, &first.refresh).await);
    let again = Pair::of(&by_refresh(&app, &first.refresh).await);
    assert_eq!(again.refresh, second.refresh);
    assert_ne!(again.refresh, first.refresh);
    let third = Pair::of(&by_refresh(&app, &second.refresh).await);
    assert_eq!(me(&app, &third.bearer()).await, 200);
    assert_eq!(reuses(&client, &first).await, 0);

    refused(&app, &first.refresh).await;
    assert_eq!(row(&client, &first).await, (2, false));
    assert_eq!(reuses(&client, &first).await, 1);
    for pair in [&first, &second, &third] {
        assert_eq!(me(&app, &pair.bearer()).await, 401);
        refused(&app, &pair.refresh).await;
    }
    assert_eq!(reuses(&client, &first).await, 1);
    // The other sign-in is another session.
    assert_eq!(me(&app, &other.bearer()).await, 200);
    Pair::of(&by_refresh(&app, &other.refresh).await);
}

#[tokio::test]
async fn without_a_grace_a_parent_is_a_copy() {
    let app = app(&["--refresh-grace=0ms"]).await;
    let client = app.database.session().await;
    let ann = Person::register(&app, "ann").await;
    let first = ann.sign_in(&app).await;
    let second = Pair::of(&by_refresh(&app, &first.refresh).await);
    refused(&app, &first.refresh).await;
    assert_eq!(me(&app, &second.bearer()).await, 401);
    refused(&app, &second.refresh).await;
    assert_eq!(reuses(&client, &first).await, 1);
}

#[tokio::test]
async fn what_is_not_the_live_token_of_a_live_session_is_refused() {
    let app = app(&[]).await;
    let client = app.database.session().await;
    let (ann, eve) = (
        Person::register(&app, "ann").await,
        Person::register(&app, "eve").await,
    );
    let good = ann.sign_in(&app).await;
    let token = &good.refresh;
    let changed = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut bad: Vec<String> = (4..token.len() - 1).map(changed).collect();
    bad.extend([
        String::new(),
        "crr_".to_owned(),
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
        format!("{token}="),
        format!(" {token}"),
        token.replace("crr_", "crt_"),
        token.to_uppercase(),
        good.access.clone(),
    ]);
    for token in &bad {
        refused(&app, token).await;
    }
    // Another deployment's token is of a session that is not here.
    let elsewhere = super::app(&[]).await;
    let foreign = Person::register(&elsewhere, "ann")
        .await
        .sign_in(&elsewhere)
        .await;
    refused(&app, &foreign.refresh).await;

    for column in ["idle_ends_at", "ends_at"] {
        let pair = ann.sign_in(&app).await;
        let statement = format!(
            "UPDATE sessions SET {column} = now() WHERE id = '{}'",
            pair.session()
        );
        client.batch_execute(&statement).await.unwrap();
        refused(&app, &pair.refresh).await;
    }
    let disabled = eve.sign_in(&app).await;
    eve.disable(&app).await;
    refused(&app, &disabled.refresh).await;
    // Control: none of this was the good one's harm.
    Pair::of(&by_refresh(&app, token).await);
}
