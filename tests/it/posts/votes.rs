//! A vote counts once, whoever sends it how often and at the same time as whoever else.

use futures_util::future::join_all;

use super::*;

/// Posts whose score is not the number of their votes.
const WRONG_SCORES: &str = "SELECT count(*) FROM posts LEFT JOIN post_scores ON post_id = posts.id \
    WHERE votes IS DISTINCT FROM (SELECT count(*) FROM post_votes WHERE post_votes.post_id = posts.id)";

#[tokio::test]
async fn a_vote_is_given_once_and_taken_back() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let post = ann.post(&place, json!({})).await;
    for (who, gives, votes, voted) in [
        (&bob, true, 1, true),
        (&bob, true, 1, true),
        (&ann, true, 2, true),
        (&bob, false, 1, false),
        (&bob, false, 1, false),
        (&bob, true, 2, true),
    ] {
        let answer = match gives {
            true => who.vote(&place, &post).await,
            false => who.unvote(&place, &post).await,
        };
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
        let body = who.get(&place, &post).await.json();
        assert_eq!(
            (&body["votes"], &body["voted"]),
            (&json!(votes), &json!(voted))
        );
        let listed = who.get(&place, "/api/v1/posts").await.json();
        assert_eq!(listed["items"][0], body, "a list shows what the post shows");
    }
}

#[tokio::test]
async fn a_thousand_votes_of_one_count_once_and_those_of_a_hundred_a_hundred_times() {
    let place = Place::new(&[
        "--database-queue=1000",
        "--database-wait=60s",
        "--database-deadline=60s",
        "--request-deadline=2m",
        "--max-in-flight=2000",
    ])
    .await;
    let ann = place.person("ann").await;
    let post = ann.post(&place, json!({})).await;
    let answers = join_all((0..1_000).map(|_| ann.vote(&place, &post))).await;
    assert!(answers.iter().all(|answer| answer.status == 204));
    let votes = async || {
        ann.get(&place, &post).await.json()["votes"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(votes().await, 1);
    let mut people = Vec::new();
    for n in 0..99 {
        people.push(place.person(&format!("p{n}")).await);
    }
    join_all(people.iter().map(|person| person.vote(&place, &post))).await;
    assert_eq!(votes().await, 100);
    assert_eq!(place.number("SELECT count(*) FROM post_votes").await, 100);
    // Each comes once in the list of voters, page by page.
    let mut met = std::collections::BTreeSet::new();
    let mut target = format!("{post}/votes?limit=7&count=true");
    loop {
        let page = ann.get(&place, &target).await.json();
        assert_eq!(page["count"], 100);
        for voter in page["items"].as_array().unwrap() {
            assert!(voter["username"].is_string() && voter["voted_at"].is_string());
            assert!(
                met.insert(voter["id"].as_str().unwrap().to_owned()),
                "{voter}"
            );
        }
        match page["next"].as_str() {
            Some(next) => target = format!("{post}/votes?limit=7&count=true&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(met.len(), 100);
    assert_eq!(place.number(WRONG_SCORES).await, 0);
    // The control: a score that is wrong is seen.
    place.sql("UPDATE post_scores SET votes = votes + 1").await;
    assert_eq!(place.number(WRONG_SCORES).await, 1);
}

/// Votes, votes taken back, posts and accounts that end, all at once: the scores are right, and
/// nobody was refused by accident.
#[tokio::test]
async fn scores_stay_exact_whatever_comes_and_goes() {
    let place = Place::new(&[
        "--database-queue=1000",
        "--database-wait=60s",
        "--database-deadline=60s",
        "--request-deadline=2m",
    ])
    .await;
    let owner = place.person("owner").await;
    let project = place.project("internal", &[(&owner, "owner")]).await;
    for seed in 1..=4_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (mut people, mut posts) = (Vec::new(), Vec::new());
        for n in 0..12 {
            people.push(place.person(&format!("p{seed}-{n}")).await);
        }
        for person in people.iter().take(8) {
            posts.push(person.post(&place, json!({})).await);
            posts.push(owner.post(&place, json!({ "project_id": project })).await);
        }
        let mut acts: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
        for _ in 0..300 {
            let (person, post) = (&people[random.below(12)], &posts[random.below(16)]);
            let (kind, place) = (random.below(100), &place);
            acts.push(Box::pin(async move {
                let answer = match kind {
                    0..65 => person.vote(place, post).await,
                    65..95 => person.unvote(place, post).await,
                    95..98 => person.delete(place, post).await,
                    _ => {
                        let end = format!("DELETE FROM principals WHERE id = '{}'", person.id);
                        place
                            .app
                            .database
                            .session()
                            .await
                            .batch_execute(&end)
                            .await
                            .unwrap();
                        return;
                    }
                };
                let status = answer.status.as_u16();
                assert!([204, 403, 404].contains(&status), "{}", answer.text());
            }));
        }
        join_all(acts).await;
        assert_eq!(place.number(WRONG_SCORES).await, 0, "seed {seed}");
        let left = "SELECT count(*) FROM post_scores WHERE post_id NOT IN (SELECT id FROM posts)";
        assert_eq!(place.number(left).await, 0, "seed {seed}");
    }
    assert!(place.number("SELECT count(*) FROM post_votes").await > 0);
}
