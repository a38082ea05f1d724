//! What a list takes as parameters, and which cursors.

use http::StatusCode;

use super::things::app;
use super::walks::{Random, insert};

#[tokio::test]
async fn wrong_parameters_are_named() {
    let (app, _) = app(&[]).await;
    for (query, code, detail) in [
        (
            "limit=0",
            "invalid-parameter",
            "limit: expected a whole number from 1 to 200",
        ),
        ("limit=201", "invalid-parameter", "limit: "),
        ("limit=-1", "invalid-parameter", "limit: "),
        ("limit=x", "invalid-parameter", "limit: "),
        (
            "limit=1&limit=2",
            "invalid-parameter",
            "limit: given more than once",
        ),
        (
            "count=1",
            "invalid-parameter",
            "count: expected true or false",
        ),
        (
            "sort=note",
            "invalid-parameter",
            "sort: expected one of created_at, -created_at, title",
        ),
        ("sort=", "invalid-parameter", "sort: "),
        ("sort=--id", "invalid-parameter", "sort: "),
        ("cursor=", "invalid-parameter", "cursor: "),
        ("cursor=AAAA", "invalid-parameter", "cursor: "),
        ("offset=1", "unknown-parameter", ""),
    ] {
        let answer = app.get(&format!("/things?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.problem(), code, "{query}");
        let found = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(found.starts_with(detail), "{query}: {found}");
    }
}

#[tokio::test]
async fn a_cursor_is_refused_wherever_it_was_not_made() {
    let (one, _) = app(&[]).await;
    let (other, _) = app(&[]).await;
    let session = one.database.session().await;
    let mut random = Random(7);
    for _ in 0..3 {
        insert(&session, &mut random).await;
    }
    let page = one
        .get("/things?limit=1&sort=votes&votes__gte=0")
        .await
        .json();
    let cursor = page["next"].as_str().unwrap();
    let good = format!("/things?sort=votes&votes__gte=0&cursor={cursor}");
    // What does not change the list may change, and so may the order of parameters.
    for target in [
        good.clone(),
        format!("/things?cursor={cursor}&votes__gte=0&count=true&limit=2&sort=votes"),
    ] {
        assert_eq!(one.get(&target).await.status, StatusCode::OK, "{target}");
    }
    for target in [
        good.replace("sort=votes", "sort=-votes"),
        good.replace("sort=votes", "sort=id"),
        good.replace("__gte=0", "__gte=1"),
        good.replace("&votes__gte=0", ""),
        format!("{good}A"),
        good.replace(cursor, &cursor.to_uppercase()),
    ] {
        assert_eq!(
            one.get(&target).await.problem(),
            "invalid-parameter",
            "{target}"
        );
    }
    // Replicas share the signing keys, and with them the key of cursors.
    assert_eq!(
        other.get(&good).await.status,
        200,
        "another replica's cursor"
    );
}

#[tokio::test]
async fn the_parameters_are_documented() {
    let (app, _) = app(&[]).await;
    let document = app.get("/openapi.json").await.json();
    let parameters = document["paths"]["/things"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let names: Vec<_> = parameters
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["limit", "cursor", "count", "sort", "votes__gte"]);
    assert!(
        parameters
            .iter()
            .all(|parameter| parameter["in"] == "query")
    );
    assert_eq!(parameters[0]["schema"]["maximum"], 200);
    let sort = parameters[3]["schema"]["$ref"].as_str().unwrap();
    let sort = document.pointer(sort.trim_start_matches('#')).unwrap();
    assert_eq!(sort["default"], "-created_at");
    assert_eq!(sort["enum"].as_array().unwrap().len(), 8);
}

/// A page is bounded in bytes as well: it ends before the row that is too much, and the walk meets
/// every row all the same.
#[tokio::test]
async fn audit_m2_a_page_of_large_rows_ends_early() {
    let (app, _) = app(&[]).await;
    let session = app.database.session().await;
    let sizes = [400_000, 400_000, 400_000, 400_000, 400_000, 3_000_000, 5];
    for (votes, size) in (1_i64..).zip(sizes) {
        let insert = "INSERT INTO things (id, title, note, votes, created_at) \
                      VALUES (gen_random_uuid(), 't', repeat('x', $1), $2, now())";
        session.execute(insert, &[&size, &votes]).await.unwrap();
    }
    let first = "/things?sort=votes&limit=200&count=true";
    let (mut target, mut pages) = (first.to_owned(), Vec::new());
    loop {
        let page = app.get(&target).await.json();
        assert_eq!(page["count"], sizes.len());
        let items = page["items"].as_array().unwrap();
        let votes = items.iter().map(|item| item["votes"].as_i64().unwrap());
        pages.push(votes.collect::<Vec<_>>());
        match page["next"].as_str() {
            Some(cursor) => target = format!("{first}&cursor={cursor}"),
            None => break,
        }
    }
    // One that is too much by itself still comes, alone.
    assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5], vec![6], vec![7]]);
}
