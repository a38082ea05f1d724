//! Accounts with very many sessions: all that ends them is as many statements as for a few, nobody
//! gets that many any more, and what is over is removed.

use std::collections::BTreeMap;
use std::time::Instant;

use chartroom::identity::session::purge;
use futures_util::future::join_all;

use super::admins::{admin, patch_user};
use super::*;

const FEW: i64 = 20;
const MANY: i64 = 20_000;
const NEW: &str = "a much better one";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sessions {
    Alive,
    ExpiredLongAgo,
}

/// What ends all sessions of somebody.
#[derive(Clone, Copy, Debug)]
enum End {
    Disable,
    SignOut,
    NewPassword,
    Delete,
}

/// Statements that wrote, and rows that they wrote, by table and kind.
type Tally = BTreeMap<String, (i64, i64)>;

struct Stage {
    app: TestApp,
    client: tokio_postgres::Client,
    admin: String,
}

impl Stage {
    async fn new() -> Self {
        // Statements are counted here; `benches/growth` measures their time, on a machine that does
        // nothing else.
        let app = app(&["--database-deadline=1m", "--request-deadline=1m"]).await;
        let client = app.database.session().await;
        let (_, admin) = admin(&app, "root").await;
        client
            .batch_execute(
                "CREATE TABLE tally (what text, written bigint); \
                 CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
                   INSERT INTO public.tally SELECT TG_TABLE_NAME || ' ' || TG_OP, count(*) FROM written; RETURN NULL; END $$; \
                 DO $$ DECLARE place text; BEGIN \
                   FOREACH place IN ARRAY ARRAY['users', 'sessions', 'api_tokens', 'revocations', 'audit_events'] LOOP \
                     EXECUTE format('CREATE TRIGGER t1 AFTER INSERT ON %I REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tally()', place); \
                     EXECUTE format('CREATE TRIGGER t2 AFTER UPDATE ON %I REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tally()', place); \
                     EXECUTE format('CREATE TRIGGER t3 AFTER DELETE ON %I REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tally()', place); \
                   END LOOP; END $$",
            )
            .await
            .unwrap();
        Self { app, client, admin }
    }

    /// Somebody with a session, and with so many more as the release before left them.
    async fn person(&self, name: &str, count: i64, sessions: Sessions) -> (Person, Pair) {
        let person = Person::register(&self.app, name).await;
        let own = person.sign_in(&self.app).await;
        let ends = match sessions {
            Sessions::Alive => "now() + interval '1 hour'",
            Sessions::ExpiredLongAgo => "now() - interval '40 days'",
        };
        let fill = format!(
            "INSERT INTO sessions (id, user_id, kind, idle_ends_at, ends_at) \
             SELECT gen_random_uuid(), '{}', 'bearer', {ends}, {ends} FROM generate_series(1, {count})",
            person.id
        );
        self.client.batch_execute(&fill).await.unwrap();
        (person, own)
    }

    async fn end(&self, end: End, (person, own): &(Person, Pair)) -> Tally {
        self.client.batch_execute("TRUNCATE tally").await.unwrap();
        let target = format!("/api/v1/users/{}", person.id);
        let begun = Instant::now();
        let answer = match end {
            End::Disable => {
                let body = json!({ "disabled": true });
                patch_user(&self.app, &self.admin, &person.id, body).await
            }
            End::SignOut => {
                let target = format!("{target}/sessions");
                send_as(&self.app, Method::DELETE, &target, &self.admin).await
            }
            End::NewPassword => {
                let own = own.bearer();
                let headers = [JSON, ("authorization", own.as_str())];
                let body = json!({ "current": PASSWORD, "new": NEW }).to_string();
                let target = "/api/v1/me/password";
                self.app
                    .send(Method::POST, target, &headers, body.into())
                    .await
            }
            End::Delete => send_as(&self.app, Method::DELETE, &target, &self.admin).await,
        };
        println!("{end:?} of {}: {:?}", person.username, begun.elapsed());
        assert!(answer.status.is_success(), "{end:?}: {}", answer.text());
        let query = "SELECT what, count(*), sum(written)::bigint FROM tally GROUP BY what";
        let rows = self.client.query(query, &[]).await.unwrap();
        rows.iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2))))
            .collect()
    }

    async fn count(&self, of: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {of}");
        self.client.query_one(&query, &[]).await.unwrap().get(0)
    }
}

fn statements(tally: &Tally) -> Vec<(&str, i64)> {
    tally
        .iter()
        .map(|(what, (n, _))| (what.as_str(), *n))
        .collect()
}

#[tokio::test]
async fn audit_h1_ending_many_sessions_is_as_many_statements_as_ending_few() {
    let stage = Stage::new().await;
    for (number, end) in [End::Disable, End::SignOut, End::NewPassword, End::Delete]
        .into_iter()
        .enumerate()
    {
        let few = stage
            .person(&format!("few{number}"), FEW, Sessions::Alive)
            .await;
        let few = stage.end(end, &few).await;
        let many = stage
            .person(&format!("many{number}"), MANY, Sessions::Alive)
            .await;
        let many_ended = stage.end(end, &many).await;
        assert_eq!(statements(&few), statements(&many_ended), "{end:?}");
        let all: i64 = many_ended.values().map(|(statements, _)| statements).sum();
        assert!(all <= 12, "{end:?}: {many_ended:?}");
        let id = &many.0.id;
        let alive = format!("sessions WHERE user_id = '{id}' AND ended_at IS NULL");
        let own = i64::from(matches!(end, End::NewPassword));
        assert_eq!(stage.count(&alive).await, own, "{end:?}");
        let events = many_ended["audit_events INSERT"].1;
        assert!(events <= 3, "{end:?}: {events}");
        let told = format!(
            "audit_events WHERE action = 'session.ended' AND target_id = '{id}' AND detail->>'sessions' = '{}'",
            MANY + 1 - own
        );
        assert_eq!(stage.count(&told).await, 1, "{end:?}");
    }
    // Each is revoked by its own id, as nobody knows what it gave out; and this process knows at
    // once.
    assert!(stage.app.app.identity.feed.revocations().len() >= 4 * 20_000);
}

#[tokio::test]
async fn audit_h1_sessions_that_are_long_over_cost_an_end_nothing() {
    let stage = Stage::new().await;
    for (number, end) in [End::Disable, End::SignOut, End::NewPassword]
        .into_iter()
        .enumerate()
    {
        let name = format!("ann{number}");
        let person = stage.person(&name, MANY, Sessions::ExpiredLongAgo).await;
        let tally = stage.end(end, &person).await;
        for what in ["sessions DELETE", "revocations INSERT"] {
            let rows = tally.get(what).map_or(0, |(_, rows)| *rows);
            assert!(rows <= 2, "{end:?}: {tally:?}");
        }
    }
}

#[tokio::test]
async fn audit_h1_a_sign_in_too_many_ends_what_was_not_used_for_the_longest() {
    let app = app(&["--sessions-per-user=3"]).await;
    let ann = Person::register(&app, "ann").await;
    let eve = Person::register(&app, "eve").await.sign_in(&app).await;
    let first = ann.sign_in(&app).await;
    let cookie = ann.cookie(&app).await;
    let third = ann.sign_in(&app).await;
    let first = Pair::of(&by_refresh(&app, &first.refresh).await);
    let with_cookie = async || {
        let headers = [("cookie", cookie.as_str())];
        let answer = app.send(Method::GET, "/api/v1/me", &headers, Body::empty());
        answer.await.status.as_u16()
    };
    assert_eq!(
        (
            me(&app, &first.bearer()).await,
            me(&app, &third.bearer()).await
        ),
        (200, 200)
    );
    // The cookie is the one that nobody used since.
    let fourth = ann.sign_in(&app).await;
    assert_eq!(with_cookie().await, 401);
    for pair in [&first, &third, &fourth, &eve] {
        assert_eq!(me(&app, &pair.bearer()).await, 200);
    }
    let fifth = ann.sign_in(&app).await;
    assert_eq!(me(&app, &third.bearer()).await, 401);
    assert_eq!(by_refresh(&app, &third.refresh).await.status, 400);

    let client = app.database.session().await;
    let told = "SELECT array_agg(detail::text) FROM audit_events WHERE action = 'session.ended'";
    let told: Vec<String> = client.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, [r#"{"reason": "too_many", "sessions": 1}"#; 2]);

    // However many come at once.
    let answers = join_all((0..12).map(|_| by_password(&app, "ann", PASSWORD))).await;
    // Some may find the queue for hashes full.
    assert!(answers.iter().filter(|it| it.status == 200).count() > 3);
    let bearer = Pair::of(&by_password(&app, "ann", PASSWORD).await).bearer();
    let list = get_as(&app, "/api/v1/me/sessions?count=true", &bearer).await;
    assert_eq!(list.json()["count"], 3, "{}", list.text());
    for pair in [&first, &fourth, &fifth] {
        assert_eq!(me(&app, &pair.bearer()).await, 401);
    }
    assert_eq!(me(&app, &eve.bearer()).await, 200);
}

#[tokio::test]
async fn audit_h1_an_account_that_had_too_many_keeps_the_newest() {
    let stage = Stage::new().await;
    let (ann, _) = stage.person("ann", MANY, Sessions::Alive).await;
    stage.client.batch_execute("TRUNCATE tally").await.unwrap();
    let pair = ann.sign_in(&stage.app).await;
    let alive = format!("sessions WHERE user_id = '{}' AND ended_at IS NULL", ann.id);
    assert_eq!(stage.count(&alive).await, 100);
    assert_eq!(stage.count("tally WHERE what LIKE 'sessions %'").await, 2);
    assert_eq!(me(&stage.app, &pair.bearer()).await, 200);
}

#[tokio::test]
async fn sessions_are_listed_in_pages() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let mut pairs = Vec::new();
    for _ in 0..5 {
        pairs.push(ann.sign_in(&app).await);
    }
    let bearer = pairs[2].bearer();
    let mut target = "/api/v1/me/sessions?limit=2".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = get_as(&app, &target, &bearer).await;
        let page = answer.json();
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["current"], item["id"] == pairs[2].session().as_str());
            seen.push(item["id"].as_str().unwrap().to_owned());
        }
        pages += 1;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(answer.header("link").contains(next));
        target = format!("/api/v1/me/sessions?limit=2&cursor={next}");
    }
    let newest_first: Vec<_> = pairs.iter().rev().map(Pair::session).collect();
    assert_eq!((seen, pages), (newest_first, 3));
}

/// A row goes when the session is over and nothing that it gave out is believed any more.
#[tokio::test]
async fn audit_h1_sessions_are_removed_when_nothing_can_need_them() {
    let stage = Stage::new().await;
    let ann = Person::register(&stage.app, "ann").await;
    let rows = [
        // Ends unless used, ended, believed until: in hours from now.
        ("alive", "1", "null", "1", true),
        ("alive, asked about long ago", "1", "null", "-9", true),
        ("idle", "-9", "null", "-9", false),
        ("idle, with an access token", "-9", "null", "1", true),
        ("ended, with an access token", "-9", "-9", "1", true),
        ("ended", "-9", "-9", "-9", false),
        ("just over", "-0.5", "null", "-9", true),
        ("not believed since now", "-9", "null", "-0.5", true),
        ("of the release before", "-24", "null", "null", true),
        ("of the release before, over", "-27", "null", "null", false),
    ];
    for (what, idle, ended, believed, _) in rows {
        let insert = format!(
            "INSERT INTO sessions (id, user_id, kind, idle_ends_at, ends_at, ended_at, believed_until, user_agent) \
             SELECT gen_random_uuid(), '{}', 'bearer', now() + {idle} * h, now() + interval '1 day', now() + {ended} * h, now() + {believed} * h, '{what}' \
             FROM (VALUES (interval '1 hour')) AS hour (h)",
            ann.id
        );
        stage.client.batch_execute(&insert).await.unwrap();
    }
    assert_eq!(purge(&stage.app.app.db).await.unwrap(), 3);
    let query = "SELECT user_agent FROM sessions WHERE user_id::text = $1 ORDER BY user_agent";
    let left = stage.client.query(query, &[&ann.id]).await.unwrap();
    let left: Vec<String> = left.iter().map(|row| row.get(0)).collect();
    let mut kept: Vec<_> = rows.iter().filter(|row| row.4).map(|row| row.0).collect();
    kept.sort_unstable();
    assert_eq!(left.len(), kept.len());
    for what in kept {
        assert!(left.iter().any(|left| left == what), "{what}");
    }
    let fill = "INSERT INTO sessions (id, user_id, kind, idle_ends_at, ends_at) SELECT gen_random_uuid(), $1::text::uuid, 'bearer', \
         now() - interval '2 days', now() FROM generate_series(1, 21000)";
    stage.client.execute(fill, &[&ann.id]).await.unwrap();
    // In batches, and the rest another time.
    assert_eq!(purge(&stage.app.app.db).await.unwrap(), 20_000);
    assert_eq!(purge(&stage.app.app.db).await.unwrap(), 1_000);
}
