//! What stays of an account that is gone, whichever statement ended it.

use super::*;

#[tokio::test]
async fn an_account_takes_its_own_posts_and_votes_and_leaves_those_in_projects() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let project = place
        .project("private", &[(&bob, "owner"), (&ann, "editor")])
        .await;
    let free = ann.post(&place, json!({})).await;
    let inside = ann.post(&place, json!({ "project_id": project })).await;
    let other = bob.post(&place, json!({})).await;
    for post in [&free, &inside, &other] {
        for who in [&ann, &bob] {
            assert_eq!(who.vote(&place, post).await.status, 204);
        }
    }
    let before = bob.get(&place, &inside).await;
    assert_eq!(before.json()["author"]["username"], "ann");
    place
        .sql(&format!("DELETE FROM principals WHERE id = '{}'", ann.id))
        .await;
    assert_eq!(bob.get(&place, &free).await.problem(), "not-found");
    let after = bob.get(&place, &inside).await;
    assert_eq!(
        (&after.json()["author"], &after.json()["votes"]),
        (&Value::Null, &json!(1))
    );
    assert_ne!(before.header("etag"), after.header("etag"));
    assert_eq!(bob.get(&place, &other).await.json()["votes"], 1);
    let changed = bob
        .patch(&place, &inside, json!({ "title": "mine now" }))
        .await;
    assert_eq!(changed.status, 200, "an editor goes on writing it");
    place
        .sql(&format!("DELETE FROM projects WHERE id = '{project}'"))
        .await;
    assert_eq!(bob.get(&place, &inside).await.problem(), "not-found");
    assert_eq!(place.number("SELECT count(*) FROM posts").await, 1);
}

/// Ends the account while its token is still good.
#[tokio::test]
async fn nobody_writes_after_their_account_is_gone() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let post = bob.post(&place, json!({})).await;
    place
        .sql(&format!("DELETE FROM principals WHERE id = '{}'", ann.id))
        .await;
    let created = ann
        .create(&place, json!({ "title": "t", "content": "c" }))
        .await;
    assert_eq!(outcome(&created), (404, "not-found".to_owned()));
    assert_eq!(
        outcome(&ann.vote(&place, &post).await),
        (404, "not-found".to_owned())
    );
    assert_eq!(place.number("SELECT count(*) FROM posts").await, 1);
    assert_eq!(place.number("SELECT count(*) FROM post_votes").await, 0);
}
