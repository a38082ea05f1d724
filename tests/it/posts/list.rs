//! Which posts a list shows, in which order.

use super::*;

#[tokio::test]
async fn filters_narrow_what_may_be_seen() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    let ours = place
        .project("private", &[(&ann, "owner"), (&bob, "editor")])
        .await;
    let theirs = place.project("private", &[(&ann, "owner")]).await;
    let internal = place.project("internal", &[(&ann, "owner")]).await;
    for (who, title, project, published) in [
        (&ann, "free", None, true),
        (&ann, "draft", None, false),
        (&bob, "bobs", None, true),
        (&bob, "bobs draft", None, false),
        (&ann, "ours", Some(&ours), true),
        (&ann, "ours draft", Some(&ours), false),
        (&ann, "theirs", Some(&theirs), true),
        (&ann, "internal", Some(&internal), true),
        (&ann, "internal draft", Some(&internal), false),
    ] {
        let more = json!({ "title": title, "project_id": project, "published": published });
        who.post(&place, more).await;
    }
    for (filters, expected) in [
        (
            String::new(),
            vec![
                "internal",
                "ours draft",
                "ours",
                "bobs draft",
                "bobs",
                "free",
            ],
        ),
        (
            "&published=false".to_owned(),
            vec!["ours draft", "bobs draft"],
        ),
        (format!("&project_id={ours}"), vec!["ours draft", "ours"]),
        (format!("&project_id={theirs}"), vec![]),
        (format!("&project_id={NOTHING}"), vec![]),
        (
            format!("&author_id={}", ann.id),
            vec!["internal", "ours draft", "ours", "free"],
        ),
        (
            format!("&author_id={}&published=true&project_id={ours}", ann.id),
            vec!["ours"],
        ),
        ("&q=draft".to_owned(), vec!["ours draft", "bobs draft"]),
        (
            format!("&q=draft&author_id={}&published=false", ann.id),
            vec!["ours draft"],
        ),
    ] {
        let target = format!("/api/v1/posts?count=true{filters}");
        let answer = bob.get(&place, &target).await;
        assert_eq!(titles(&answer), expected, "{target}");
        assert_eq!(answer.json()["count"], expected.len());
        let turned: Vec<_> = expected.iter().rev().copied().collect();
        let target = format!("/api/v1/posts?sort=created_at{filters}");
        assert_eq!(bob.titles(&place, &target).await, turned, "{target}");
    }
}

#[tokio::test]
async fn votes_sort_a_list() {
    let place = Place::new(&[]).await;
    let (ann, bob) = (place.person("ann").await, place.person("bob").await);
    for (title, voters) in [
        ("none", vec![]),
        ("two", vec![&ann, &bob]),
        ("one", vec![&bob]),
    ] {
        let post = ann.post(&place, json!({ "title": title })).await;
        for voter in voters {
            voter.vote(&place, &post).await;
        }
    }
    for (sort, expected) in [
        ("-votes", ["two", "one", "none"]),
        ("votes", ["none", "one", "two"]),
    ] {
        let mut met = Vec::new();
        let mut target = format!("/api/v1/posts?limit=1&sort={sort}");
        loop {
            let answer = ann.get(&place, &target).await;
            met.extend(titles(&answer));
            let page = answer.json();
            let Some(next) = page["next"].as_str() else {
                break;
            };
            target = format!("/api/v1/posts?limit=1&sort={sort}&cursor={next}");
        }
        assert_eq!(met, expected);
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_list_and_filters() {
    let place = Place::new(&[]).await;
    let ann = place.person("ann").await;
    for _ in 0..3 {
        ann.post(&place, json!({})).await;
    }
    let page = ann
        .get(&place, "/api/v1/posts?limit=1&published=true")
        .await
        .json();
    let cursor = page["next"].as_str().unwrap();
    let good = format!("/api/v1/posts?limit=1&published=true&cursor={cursor}");
    assert_eq!(ann.get(&place, &good).await.status, 200);
    for bad in [
        good.replace("published=true", "published=false"),
        good.replace("&published=true", ""),
        good.replace("limit=1", "sort=-votes"),
        good.replace("limit=1", "q=a"),
    ] {
        assert_eq!(
            ann.get(&place, &bad).await.problem(),
            "invalid-parameter",
            "{bad}"
        );
    }
}
