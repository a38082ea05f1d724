//! Finding people: by what they are called, never by their email.

use super::admins::{admin, patch_user};
use super::*;

async fn named(app: &TestApp, username: &str, name: &str) -> String {
    let person = Person::register(app, username).await;
    let bearer = person.sign_in(app).await.bearer();
    rename(app, &bearer, json!({ "name": name })).await;
    person.id
}

async fn rename(app: &TestApp, bearer: &str, body: Value) {
    let headers = [PATCH, ("authorization", bearer)];
    let answer = app.send(
        Method::PATCH,
        "/api/v1/me",
        &headers,
        body.to_string().into(),
    );
    assert_eq!(answer.await.status, 200);
}

/// The usernames that a search finds, in the order of the answer.
async fn found(app: &TestApp, who: &str, q: &str) -> Vec<String> {
    let q = serde_urlencoded::to_string([("q", q)]).unwrap();
    let answer = get_as(app, &format!("/api/v1/users?{q}"), who).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    names_in(&answer.json())
}

fn names_in(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["username"].as_str().unwrap().to_owned())
        .collect()
}

/// Two representations have two tags, and that of what everybody sees stays where nothing of it has
/// changed.
#[tokio::test]
async fn audit_l6_a_tag_tells_of_what_is_shown_and_of_nothing_else() {
    let app = app(&[]).await;
    let (_, root) = admin(&app, "root").await;
    let ann = Person::register(&app, "ann").await;
    let (hers, bobs) = (
        ann.sign_in(&app).await.bearer(),
        Person::register(&app, "bob")
            .await
            .sign_in(&app)
            .await
            .bearer(),
    );
    let target = format!("/api/v1/users/{}", ann.id);
    let read = async |who: &str, tag: &str| {
        let headers = [("authorization", who), ("if-none-match", tag)];
        let answer = app
            .send(Method::GET, &target, &headers, Body::empty())
            .await;
        (answer.status.as_u16(), answer.header("etag").to_owned())
    };
    let (_, to_bob) = read(&bobs, "\"none\"").await;
    let (_, to_root) = read(&root, "\"none\"").await;
    assert_eq!(read(&root, &to_bob).await.0, 200);
    assert_eq!(read(&bobs, &to_root).await.0, 200);
    assert_eq!(read(&bobs, &to_bob).await.0, 304);
    assert_eq!(read(&root, &to_root).await.0, 304);
    // What bob does not see changes, and root is told.
    rename(&app, &hers, json!({ "profile": { "a": 1 } })).await;
    patch_user(&app, &root, &ann.id, json!({ "admin": true })).await;
    assert_eq!(read(&bobs, &to_bob).await, (304, to_bob.clone()));
    let (status, now_to_root) = read(&root, &to_root).await;
    assert_eq!(status, 200);
    // What an administrator read is what his change names.
    let headers = [
        PATCH,
        ("authorization", root.as_str()),
        ("if-match", &now_to_root),
    ];
    let body = json!({ "admin": false }).to_string().into();
    assert_eq!(
        app.send(Method::PATCH, &target, &headers, body)
            .await
            .status,
        200
    );
    // And what he sees changes.
    let hers = ann.sign_in(&app).await.bearer();
    rename(&app, &hers, json!({ "name": "Ann" })).await;
    let (status, named) = read(&bobs, &to_bob).await;
    assert_eq!(status, 200);
    rename(&app, &hers, json!({ "name": null, "username": "Ann" })).await;
    assert_ne!(read(&bobs, &named).await.1, to_bob);
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_any_word_of_their_names() {
    let app = app(&[]).await;
    named(&app, "ada.l", "Ada Lovelace").await;
    named(&app, "grace", "Grace Brewster Hopper").await;
    named(&app, "emile", "Émile O'Hara").await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    for (q, expected) in [
        ("ada", &["ada.l"][..]),
        ("LOVE", &["ada.l"]),
        ("Ａｄａ Ｌ", &["ada.l"]),
        ("l", &["ada.l"]),
        (" hopper ", &["grace"]),
        ("brewster h", &["grace"]),
        ("éMI", &["emile"]),
        ("e\u{301}mi", &["emile"]),
        ("hara", &["emile"]),
        ("a", &["ada.l", "ann"]),
        ("ove", &[]),
        ("%", &[]),
        ("a%a", &[]),
        ("ad_", &[]),
        ("\\", &[]),
        ("example", &[]),
        ("ann@", &[]),
        ("ann@example.com", &[]),
        ("com", &[]),
    ] {
        assert_eq!(found(&app, &bearer, q).await, expected, "{q}");
    }
    // What a name was does not find anybody any more.
    rename(
        &app,
        &bearer,
        json!({ "name": "Ann Zed", "username": "nan" }),
    )
    .await;
    assert_eq!(found(&app, &bearer, "zed").await, ["nan"]);
    rename(&app, &bearer, json!({ "name": null })).await;
    assert_eq!(found(&app, &bearer, "zed").await, [""; 0]);
    assert_eq!(found(&app, &bearer, "nan").await, ["nan"]);
}

#[tokio::test]
async fn only_administrators_find_the_disabled() {
    let app = app(&[]).await;
    let (_, root) = admin(&app, "root").await;
    let (ann, bob) = (
        Person::register(&app, "ann").await,
        Person::register(&app, "bob").await,
    );
    let bearer = bob.sign_in(&app).await.bearer();
    assert_eq!(found(&app, &bearer, "ann").await, ["ann"]);
    patch_user(&app, &root, &ann.id, json!({ "disabled": true })).await;
    let all = async |who: &str| names_in(&get_as(&app, "/api/v1/users", who).await.json());
    assert_eq!(found(&app, &bearer, "ann").await, [""; 0]);
    assert_eq!(all(&bearer).await, ["root", "bob"]);
    assert_eq!(found(&app, &root, "ann").await, ["ann"]);
    assert_eq!(all(&root).await, ["root", "ann", "bob"]);
    // What they wrote still has an author.
    let seen = get_as(&app, &format!("/api/v1/users/{}", ann.id), &bearer).await;
    assert_eq!(seen.json()["username"], "ann");
}

/// So many users with the same first name, each found by two words of the search.
async fn crowd(app: &TestApp, size: i32) {
    let fill = format!(
        "WITH new AS (INSERT INTO principals (id, kind) SELECT gen_random_uuid(), 'user' FROM generate_series(1, {size}) RETURNING id), \
         numbered AS (SELECT id, row_number() OVER () AS n FROM new) \
         INSERT INTO users (id, email, email_key, username, username_key, name, password_hash) \
         SELECT id, n || '@crowd', n || '@crowd', 'kim' || n, 'kim' || n, 'Kim Park', '' FROM numbered; \
         INSERT INTO user_words SELECT id, unnest(ARRAY[username_key, 'kim park', 'park']) FROM users WHERE email_key LIKE '%@crowd'; \
         ANALYZE users; ANALYZE user_words"
    );
    app.database
        .session()
        .await
        .batch_execute(&fill)
        .await
        .unwrap();
}

#[tokio::test]
async fn every_page_of_a_search_goes_on_where_the_last_one_ended() {
    let app = app(&[]).await;
    crowd(&app, 57).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let mut expected: Vec<String> = (1..=57).map(|n| format!("kim{n}")).collect();
    expected.sort();
    for (query, others) in [
        ("q=kim", 0),
        ("q=park", 0),
        ("q=kim&sort=-id", 0),
        ("", 1),
        ("sort=-id", 1),
    ] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let target = format!("/api/v1/users?{query}&limit=10&count=true{cursor}");
            let page = get_as(&app, &target, &bearer).await.json();
            assert_eq!(page["count"], 57 + others, "{query}");
            seen.extend(names_in(&page));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.sort();
        seen.retain(|name| name != "ann");
        assert_eq!(seen, expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_asked_is_refused() {
    let app = app(&[]).await;
    crowd(&app, 2).await;
    assert_eq!(app.get("/api/v1/users?q=a").await.status, 401);
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    let page = get_as(&app, "/api/v1/users?q=kim&limit=1", &bearer).await;
    let cursor = page.json()["next"].as_str().unwrap().to_owned();
    for (query, code) in [
        ("q=".to_owned(), "invalid-parameter"),
        ("q=%20".to_owned(), "invalid-parameter"),
        (format!("q={}", "x".repeat(65)), "invalid-parameter"),
        ("q=a&q=b".to_owned(), "invalid-parameter"),
        ("q=%00".to_owned(), "invalid-parameter"),
        ("sort=email".to_owned(), "invalid-parameter"),
        ("limit=0".to_owned(), "invalid-parameter"),
        (format!("q=ki&cursor={cursor}"), "invalid-parameter"),
        (format!("cursor={cursor}"), "invalid-parameter"),
        ("email=a".to_owned(), "unknown-parameter"),
    ] {
        let answer = get_as(&app, &format!("/api/v1/users?{query}"), &bearer).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (400, code),
            "{query}"
        );
    }
    let good = format!("/api/v1/users?q=kim&cursor={cursor}");
    assert_eq!(get_as(&app, &good, &bearer).await.status, 200);
}

/// However many users there are and however common what is asked, no table is read from end to end.
#[tokio::test]
async fn a_search_reads_an_index_and_no_table() {
    let app = app(&["--database-connections=1"]).await;
    let ann = Person::register(&app, "ann").await;
    let bearer = ann.sign_in(&app).await.bearer();
    crowd(&app, 20_000).await;
    let statement = async |sql: &'static str| {
        let run = app.app.db.write(async |connection| {
            diesel_async::RunQueryDsl::execute(diesel::sql_query(sql), connection).await
        });
        run.await.unwrap();
    };
    let reads = async || {
        // What the one connection has counted is told to the others at the end of its next
        // statement.
        statement("SELECT pg_stat_force_next_flush()").await;
        statement("SELECT 1").await;
        let sums = "SELECT sum(seq_scan)::bigint, sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname IN ('users', 'user_words')";
        let session = app.database.session().await;
        let row = session.query_one(sums, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let (scans, rows) = reads().await;
    for q in ["kim", "k", "kim19999", "park", "nobody"] {
        // Often enough for PostgreSQL to settle on a plan.
        for _ in 0..7 {
            let page = get_as(&app, &format!("/api/v1/users?q={q}"), &bearer)
                .await
                .json();
            if let Some(next) = page["next"].as_str() {
                let next = format!("/api/v1/users?q={q}&cursor={next}");
                assert_eq!(get_as(&app, &next, &bearer).await.status, 200);
            }
        }
    }
    let (scans_after, rows_after) = reads().await;
    assert_eq!(scans_after, scans);
    let per_page = (rows_after - rows) / 56;
    assert!(per_page < 1_000, "{per_page} rows read for a page");
    // Control: reading a table is seen.
    statement("SELECT count(*) FROM users WHERE name LIKE '%x%'").await;
    let (scans_then, rows_then) = reads().await;
    assert!(scans_then > scans_after && rows_then - rows_after >= 20_000);
}
