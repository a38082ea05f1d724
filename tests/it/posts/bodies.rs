//! What a post's texts may be: whatever is typed is text, and nothing but the fields of the API is
//! taken.

use super::*;

/// What breaks statements that are glued together, paths, templates and terminals.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE posts; --",
    "\" OR \"\"=\"",
    "1; SELECT pg_sleep(10)",
    "$1",
    "$$; SELECT 1; $$",
    "\\'; SELECT 1; --",
    "%' OR '1'='1",
    "%00",
    "') UNION SELECT password_hash FROM users --",
    "/* */",
    "E'\\x27'",
    "a\u{2019}b\u{ff07}c",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u{202e}\u{0301}\u{1F600}",
    "& | ! ( ) <-> :* 'a' : <2>",
    "((((((((((",
    "\"unclosed",
    "-",
    "or or or",
];

#[tokio::test]
async fn hostile_texts_are_texts() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let post = ann.post(&place, json!({ "title": "kept" })).await;
    let bystander = ann.post(&place, json!({ "title": "bystander" })).await;
    for text in HOSTILE {
        let body = json!({ "title": text, "content": text });
        let changed = ann.patch(&place, &post, body.clone()).await;
        assert_eq!(changed.status, 200, "{text}: {}", changed.text());
        let read = ann.get(&place, &post).await.json();
        assert_eq!(
            (&read["title"], &read["content"]),
            (&json!(text), &json!(text))
        );
        let created = ann.create(&place, body).await;
        assert_eq!(
            (created.status.as_u16(), &created.json()["title"]),
            (201, &json!(text))
        );
        ann.delete(&place, created.header("location")).await;
    }
    assert_eq!(
        ann.get(&place, &bystander).await.json()["title"],
        "bystander"
    );
    assert_eq!(place.number("SELECT count(*) FROM posts").await, 2);
}

/// The same texts wherever a list takes a value: refused as a parameter, or a question without an
/// answer.
#[tokio::test]
async fn hostile_parameters_change_nothing() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let post = ann
        .post(&place, json!({ "title": "target", "content": "quiet" }))
        .await;
    for text in HOSTILE {
        let value: String =
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .collect();
        for name in [
            "project_id",
            "author_id",
            "published",
            "sort",
            "cursor",
            "limit",
            "count",
        ] {
            let answer = ann
                .get(&place, &format!("/api/v1/posts?{name}={value}"))
                .await;
            assert_eq!(answer.problem(), "invalid-parameter", "{name}={text}");
        }
        for sort in ["-created_at", "-rank", "votes"] {
            let answer = ann
                .get(&place, &format!("/api/v1/posts?sort={sort}&q={value}"))
                .await;
            assert_eq!(answer.status, 200, "{text}: {}", answer.text());
        }
        let answer = ann.get(&place, &format!("/api/v1/posts/{value}")).await;
        assert_eq!(answer.problem(), "not-found", "{text}");
        let column = ann.get(&place, &format!("/api/v1/posts?{value}=1")).await;
        assert_eq!(column.status, 400, "{text}");
    }
    assert_eq!(ann.get(&place, &post).await.json()["title"], "target");
    assert_eq!(
        ann.titles(&place, "/api/v1/posts?q=target").await,
        ["target"]
    );
}

#[tokio::test]
async fn only_the_fields_of_the_api_are_taken() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let post = ann.post(&place, json!({})).await;
    let before = ann.get(&place, &post).await.text();
    let foreign = [
        ("id", json!(NOTHING)),
        ("author_id", json!(bob.id)),
        ("author", json!({ "id": bob.id })),
        ("owner_id", json!(bob.id)),
        ("votes", json!(1_000_000)),
        ("voted", json!(true)),
        ("role", json!("owner")),
        ("version", json!(9)),
        ("created_at", json!("2000-01-01T00:00:00Z")),
        ("updated_at", json!("2000-01-01T00:00:00Z")),
        ("language", json!("simple")),
        ("words", json!("x")),
        ("is_admin", json!(true)),
        ("Title", json!("x")),
    ];
    for (name, value) in foreign {
        let mut body = json!({ "title": "t", "content": "c" });
        body[name] = value;
        for answer in [
            ann.create(&place, body.clone()).await,
            ann.patch(&place, &post, body.clone()).await,
        ] {
            assert_eq!(answer.problem(), "validation-failed", "{name}");
            let errors = answer.json()["errors"].clone();
            assert_eq!(errors[0]["code"], "unknown-field", "{errors}");
            assert_eq!(errors[0]["pointer"], format!("/{name}"));
        }
    }
    let moved = ann
        .patch(&place, &post, json!({ "project_id": NOTHING }))
        .await;
    assert_eq!(
        moved.problem(),
        "validation-failed",
        "a post stays where it was written"
    );
    assert_eq!(ann.get(&place, &post).await.text(), before);
    assert_eq!(place.number("SELECT count(*) FROM posts").await, 1);
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let post = ann.post(&place, json!({})).await;
    let long = |n: usize| "\u{e4}".repeat(n);
    for (body, pointers) in [
        (json!({ "content": "c" }), vec!["/title"]),
        (json!({ "title": "t" }), vec!["/content"]),
        (json!({ "title": "", "content": "c" }), vec!["/title"]),
        (json!({ "title": " \t ", "content": "c" }), vec!["/title"]),
        (json!({ "title": "a\nb", "content": "c" }), vec!["/title"]),
        (
            json!({ "title": long(301), "content": long(100_001) }),
            vec!["/content", "/title"],
        ),
        (
            json!({ "title": 1, "content": [], "published": "yes" }),
            vec!["/content", "/published", "/title"],
        ),
        (json!(["t", "c", true, null]), vec![""]),
        (
            json!({ "title": "t", "content": "c", "project_id": "x" }),
            vec!["/project_id"],
        ),
        (
            json!({ "title": "t", "content": "a\u{0}b" }),
            vec!["/content"],
        ),
    ] {
        let answer = ann.create(&place, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        let errors = answer.json()["errors"].clone();
        let mut found: Vec<_> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, pointers, "{errors}");
    }
    for body in [
        json!({ "title": null }),
        json!({ "content": null }),
        json!({ "published": null }),
        json!({ "title": "" }),
        json!([]),
    ] {
        let answer = ann.patch(&place, &post, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
    }
    // The longest there are, and of words that all differ: what a search index takes of one text is
    // not reached.
    let words: String = (0..12_500).map(|n| format!("w{n:05}- ")).collect();
    assert_eq!(words.chars().count(), 100_000);
    for content in [
        long(100_000),
        words,
        "x".repeat(100_000),
        "a-b/c.d ".repeat(12_500),
    ] {
        let created = ann
            .create(&place, json!({ "title": long(300), "content": content }))
            .await;
        assert_eq!(created.status, 201, "{}", created.text());
    }
}
