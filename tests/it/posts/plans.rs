//! Statements about posts are prepared and planned once, and a later page reads no more than the
//! first.

use std::ops::RangeInclusive;

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
        ("AND TRUE ORDER BY posts.id DESC", 12),
        (" < .* ORDER BY post_scores.votes DESC", 12),
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

/// How many rows the application's one connection has read by the indexes of a list's order, and by
/// that of words.
async fn read(place: &Place) -> (i64, i64) {
    #[derive(diesel::QueryableByName)]
    struct Read {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        in_order: i64,
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        by_words: i64,
    }
    let ask = "SELECT pg_stat_get_tuples_returned('posts_pkey'::regclass) \
            + pg_stat_get_tuples_returned('post_scores_votes_idx'::regclass) AS in_order, \
        pg_stat_get_tuples_returned('posts_words_readers_idx'::regclass) AS by_words";
    let Read { in_order, by_words } = place
        .app
        .app
        .db
        .write(async |connection| {
            diesel::sql_query("SELECT pg_stat_force_next_flush()")
                .execute(connection)
                .await?;
            diesel::sql_query(ask).get_result(connection).await
        })
        .await
        .unwrap();
    (in_order, by_words)
}

/// The thousandth page begins where the one before it ended, and not at the front.
#[tokio::test]
async fn a_later_page_reads_no_more_than_the_first() {
    let (place, ann) = filled().await;
    for parameters in ["", "&sort=-votes", "&q=common", "&q=common&sort=-votes"] {
        let mut cursor = String::new();
        for _ in 0..12 {
            let before = read(&place).await.0;
            let target = format!("/api/v1/posts?limit=200{parameters}{cursor}");
            let page = ann.get(&place, &target).await.json();
            let rows = read(&place).await.0 - before;
            assert!((201..=500).contains(&rows), "{target}: {rows}");
            cursor = format!("&cursor={}", page["next"].as_str().unwrap());
        }
    }
}

/// The index of words for a rare one, the order of the list for a common one; 2,000 posts say which
/// it is.
#[tokio::test]
async fn a_search_goes_the_short_way() {
    let (place, ann) = filled().await;
    let search = async |parameters: &str, posts: usize, rows: RangeInclusive<i64>, words: i64| {
        let before = read(&place).await;
        let target = format!("/api/v1/posts?limit=10&{parameters}");
        let page = ann.get(&place, &target).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), posts, "{target}");
        let (in_order, by_words) = read(&place).await;
        let in_order = in_order - before.0;
        assert!(rows.contains(&in_order), "{target}: {in_order}");
        assert_eq!(by_words - before.1, words, "{target}");
        page
    };
    // Twelve times: after the fifth PostgreSQL may settle on a plan for all values.
    for _ in 0..12 {
        for sort in ["-created_at", "created_at", "-votes", "-rank"] {
            search(&format!("q=rare&sort={sort}"), 4, 2000..=2010, 4).await;
            search(&format!("q=nobody&sort={sort}"), 0, 2000..=2010, 0).await;
            let most = if sort == "-rank" { 600 } else { 40 };
            search(&format!("q=common&sort={sort}"), 10, 11..=most, 0).await;
        }
    }
    let page = search("q=common&count=true", 10, 11..=40, 20_000).await;
    assert_eq!(page["count"], 10_000);
    // It is looked for from the end at which the list begins.
    place
        .sql("UPDATE posts SET content = 'young' WHERE id > '00000000-0000-7000-8000-000000010000'; ANALYZE posts")
        .await;
    search("q=young&sort=-created_at", 10, 11..=60, 0).await;
    search("q=young&sort=created_at", 10, 2000..=2010, 10_000).await;
}
