//! A walk through a list meets every post that stays exactly once, whatever comes and goes
//! meanwhile.

use std::collections::BTreeMap;

use super::*;

#[tokio::test]
async fn a_walk_meets_every_post_that_stays_exactly_once() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    let project = place.project("private", &[(&ann, "owner")]).await;
    let id_of = |post: &str| post.rsplit('/').next().unwrap().to_owned();
    for seed in 1..=4_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        place.sql("DELETE FROM posts").await;
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        let make = async |random: &mut Random| {
            let inside = (random.below(2) == 0).then_some(&project);
            let post = ann
                .post(
                    &place,
                    json!({ "content": "common words", "project_id": inside }),
                )
                .await;
            if random.below(3) == 0 {
                ann.vote(&place, &post).await;
            }
            post
        };
        for _ in 0..20 + random.below(20) {
            stay.push(id_of(&make(&mut random).await));
            go.push(make(&mut random).await);
        }
        for query in [
            "sort=-created_at",
            "sort=created_at",
            "sort=-votes",
            "sort=votes",
            "q=common",
            "q=common&sort=-rank",
        ] {
            let first = format!("/api/v1/posts?limit={}&{query}", 1 + random.below(15));
            let mut times = BTreeMap::new();
            let mut target = first.clone();
            loop {
                let answer = ann.get(&place, &target).await;
                assert_eq!(answer.status, 200, "{target}: {}", answer.text());
                let page = answer.json();
                for item in page["items"].as_array().unwrap() {
                    *times
                        .entry(item["id"].as_str().unwrap().to_owned())
                        .or_insert(0) += 1;
                }
                let Some(next) = page["next"].as_str() else {
                    break;
                };
                target = format!("{first}&cursor={next}");
                for _ in 0..random.below(4) {
                    if random.below(2) == 0 || go.is_empty() {
                        go.push(make(&mut random).await);
                    } else {
                        let post = go.swap_remove(random.below(go.len()));
                        assert_eq!(ann.delete(&place, &post).await.status, 204);
                    }
                }
            }
            assert!(
                times.values().all(|times| *times == 1),
                "seed {seed}, {first}: a post came twice"
            );
            let missed: Vec<_> = stay.iter().filter(|id| !times.contains_key(*id)).collect();
            assert!(
                missed.is_empty(),
                "seed {seed}, {first}: never came: {missed:?}"
            );
        }
    }
}
