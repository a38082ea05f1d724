//! Statements about posts are prepared and planned once, and a later page reads no more than the first.

use diesel_async::RunQueryDsl;

use super::*;

#[derive(diesel::QueryableByName)]
struct Prepared {
    #[diesel(sql_type = diesel::sql_types::Text)]
    statement: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    generic_plans: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    custom_plans: i64,
}

/// What the application's one connection has prepared about posts.
async fn prepared(place: &Place) -> Vec<Prepared> {
    let ask = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement ~ 'posts'";
    place
        .app
        .app
        .db
        .write(async |connection| diesel::sql_query(ask).load(connection).await)
        .await
        .unwrap()
}

async fn filled() -> (Place, Person) {
    let place = Place::new(&["--database-connections=1"]).await;
    let ann = place.person("ann").await;
    place
        .sql(&format!(
            "INSERT INTO posts (id, author_id, title, content, language, created_at) \
             SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '{}', 'Post', \
                'common' || CASE WHEN n % 5000 = 0 THEN ' rare' ELSE '' END, 'english', now() FROM generate_series(1, 20000) n; \
             UPDATE post_scores SET votes = abs(hashtext(post_id::text)) % 100; \
             ANALYZE",
            ann.id
        ))
        .await;
    (place, ann)
}

#[tokio::test]
async fn each_statement_is_prepared_and_planned_once() {
    let (place, ann) = filled().await;
    let post = ann.post(&place, json!({})).await;
    let page = ann
        .get(&place, "/api/v1/posts?limit=10&sort=-votes")
        .await
        .json();
    let cursor = page["next"].as_str().unwrap().to_owned();
    for n in 0..12 {
        ann.get(&place, &post).await;
        ann.vote(&place, &post).await;
        ann.unvote(&place, &post).await;
        ann.patch(&place, &post, json!({ "title": format!("t{n}") }))
            .await;
        ann.post(&place, json!({})).await;
        ann.get(&place, "/api/v1/posts?limit=10").await;
        ann.get(
            &place,
            &format!("/api/v1/posts?limit=10&sort=-votes&cursor={cursor}"),
        )
        .await;
    }
    let found = prepared(&place).await;
    for (what, times) in [
        ("^SELECT .* AND posts.id = ", 12),
        ("INSERT INTO post_votes", 12),
        ("DELETE FROM post_votes", 12),
        ("UPDATE posts", 12),
        ("INSERT INTO posts", 13),
        ("AND TRUE ORDER BY \"posts\".\"id\" DESC", 12),
        (" < .* ORDER BY \"post_scores\".\"votes\" DESC", 12),
    ] {
        let pieces: Vec<&str> = what.trim_start_matches('^').split(" .* ").collect();
        let fits = |text: &str| {
            pieces.iter().all(|piece| text.contains(piece.trim()))
                && (!what.starts_with('^')
                    || (text.starts_with("SELECT") && !text.contains("ORDER BY")))
        };
        let of: Vec<_> = found.iter().filter(|one| fits(&one.statement)).collect();
        assert_eq!(of.len(), 1, "{what}");
        let plans = (of[0].custom_plans, of[0].generic_plans);
        // PostgreSQL tries five plans for the values at hand before it settles.
        assert_eq!(plans, (5, times - 5), "{what}");
    }
}

/// A search is planned for its words: the index of words for a rare one, the order of the list for a common one.
#[tokio::test]
async fn a_search_is_planned_for_its_words() {
    let (place, ann) = filled().await;
    for _ in 0..12 {
        assert_eq!(
            ann.titles(&place, "/api/v1/posts?limit=10&q=rare")
                .await
                .len(),
            4
        );
        assert_eq!(
            ann.titles(&place, "/api/v1/posts?limit=10&q=common")
                .await
                .len(),
            10
        );
    }
    let kept = prepared(&place).await;
    assert!(kept.iter().all(|one| !one.statement.contains("websearch")));
    let plan = async |word: &str| {
        let explain = format!(
            "EXPLAIN SELECT id FROM posts WHERE words @@ websearch_to_tsquery('english'::regconfig, '{word}') ORDER BY id DESC LIMIT 11"
        );
        let rows = place.session.query(&explain, &[]).await.unwrap();
        rows.iter()
            .map(|row| row.get::<_, String>(0))
            .collect::<String>()
    };
    assert!(plan("rare").await.contains("posts_words_idx"));
    let common = plan("common").await;
    assert!(
        common.contains("posts_pkey") && !common.contains("posts_words_idx"),
        "{common}"
    );
}
