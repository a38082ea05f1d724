//! Pages of the feed: what they show to whom, where the next begins, what is not kept any more.

use super::*;

#[tokio::test]
async fn members_read_what_happens_in_their_projects_and_others_nothing() {
    let app = app(&[]).await;
    let [ann, bob, eve] = [
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "eve").await,
    ];
    let project = ann.project(&app, json!({ "name": "census" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    ann.share(&app, &project, &bob, "editor").await;
    ann.change(&app, &project, json!({ "description": "counts" }))
        .await;
    let page = ann.feed(&app, "").await;
    let all = [
        "chartroom.project.created",
        "chartroom.member.added",
        "chartroom.member.changed",
        "chartroom.project.changed",
    ];
    assert_eq!(types(&page), all);
    assert_eq!(types(&bob.feed(&app, "").await), all);
    assert!(types(&eve.feed(&app, "").await).is_empty());
    let event = &page["items"][1];
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["source"], app.app.public_url);
    assert_eq!(event["projectid"], json!(project));
    assert_eq!(event["actorid"], json!(ann.id));
    assert_eq!(event["timestamp"], event["time"]);
    let subject = format!("projects/{project}/members/{}", bob.id);
    assert_eq!(event["subject"], json!(subject));
    assert_eq!(event["data"]["role"], "viewer");
    // Neither where a request came from nor which it was is anybody's business.
    let data = event["data"].as_object().unwrap();
    assert!(!data.contains_key("address") && !data.contains_key("request_id"));

    // A project that is shown to everybody, and one that one may not see.
    let open = json!({ "name": "open", "visibility": "internal" });
    let open = ann.project(&app, open).await;
    assert_eq!(
        types(&eve.feed(&app, "").await),
        ["chartroom.project.created"]
    );
    let of_open = format!("project_id={open}");
    assert_eq!(types(&eve.feed(&app, &of_open).await).len(), 1);
    let hidden = eve
        .get(&app, &format!("/api/v1/events?project_id={project}"))
        .await;
    let none = "0192f0c1-2345-7000-8000-000000000000";
    let missing = eve
        .get(&app, &format!("/api/v1/events?project_id={none}"))
        .await;
    assert_eq!(
        (hidden.status, hidden.problem()),
        (missing.status, missing.problem())
    );
    assert_eq!(hidden.status, 404);

    // Who is a member no more reads nothing of it, not what was before either.
    ann.remove(&app, &project, &bob).await;
    assert_eq!(
        types(&bob.feed(&app, "").await),
        ["chartroom.project.created"]
    );
}

#[tokio::test]
async fn a_walk_in_pages_meets_every_event_once_and_can_go_on_for_ever() {
    let app = app(&[]).await;
    let ann = Person::new(&app, "ann").await;
    let eve = Person::new(&app, "eve").await;
    let project = ann.project(&app, json!({ "name": "walks" })).await;
    for nth in 0..7 {
        ann.change(&app, &project, json!({ "description": nth.to_string() }))
            .await;
    }
    let mut after = 0;
    let mut met = Vec::new();
    loop {
        let page = ann.feed(&app, &format!("limit=3&after={after}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        for item in items {
            met.push(item["sequence"].as_str().unwrap().parse::<i64>().unwrap());
        }
        after = page["next"].as_i64().unwrap();
        if page["more"] == json!(false) {
            break;
        }
    }
    assert_eq!(met, (1..=8).collect::<Vec<_>>());
    let empty = ann.feed(&app, &format!("after={after}")).await;
    assert_eq!(
        (types(&empty).len(), empty["next"].as_i64()),
        (0, Some(after))
    );
    ann.change(&app, &project, json!({ "name": "more" })).await;
    let page = ann.feed(&app, &format!("after={after}")).await;
    assert_eq!(types(&page), ["chartroom.project.changed"]);
    assert_eq!(page["items"][0]["data"], json!({ "changed": ["name"] }));
    let kind = "type=chartroom.project.created&limit=1";
    assert_eq!(
        types(&ann.feed(&app, kind).await),
        ["chartroom.project.created"]
    );
    // A stranger goes past what is not theirs.
    let page = eve.feed(&app, "limit=1").await;
    assert_eq!((types(&page).len(), page["next"].as_i64()), (0, Some(9)));
}

/// Somebody who may read few of very many events reads them in bounded steps.
#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_events() {
    let app = app(&[]).await;
    let ann = Person::new(&app, "ann").await;
    numbered(&app).await;
    let session = app.database.session().await;
    session
        .batch_execute(
            "INSERT INTO events SELECT nth, gen_random_uuid(), 'test', gen_random_uuid(), 's', NULL, now(), '{}' \
             FROM generate_series(1, 5000) AS nth; UPDATE event_sequence SET last = 5000",
        )
        .await
        .unwrap();
    let project = ann.project(&app, json!({ "name": "last" })).await;
    let mut steps = Vec::new();
    let mut after = 0;
    loop {
        let page = ann.feed(&app, &format!("after={after}")).await;
        after = page["next"].as_i64().unwrap();
        steps.push((after, types(&page).len()));
        if page["more"] == json!(false) {
            break;
        }
    }
    assert_eq!(steps, [(2_000, 0), (4_000, 0), (5_001, 1)]);
    // Of one project, only its own are looked at.
    let page = ann.feed(&app, &format!("project_id={project}")).await;
    assert_eq!(
        (types(&page).len(), page["more"].as_bool()),
        (1, Some(false))
    );
}

#[tokio::test]
async fn who_comes_too_late_is_told_where_to_go_on() {
    let app = app(&[]).await;
    let ann = Person::new(&app, "ann").await;
    let project = ann.project(&app, json!({ "name": "old" })).await;
    for nth in 0..3 {
        ann.change(&app, &project, json!({ "description": nth.to_string() }))
            .await;
    }
    numbered(&app).await;
    let session = app.database.session().await;
    let age = "UPDATE events SET at = now() - interval '31 days' WHERE seq <= 2";
    session.batch_execute(age).await.unwrap();
    let month = std::time::Duration::from_secs(30 * 24 * 3_600);
    let gone = chartroom::feed::model::purge(&app.app.db, month).await;
    assert_eq!(gone.unwrap(), 2);
    let late = ann.get(&app, "/api/v1/events?after=1").await;
    assert_eq!(
        (late.status.as_u16(), late.problem()),
        (410, "events-expired".to_owned())
    );
    assert!(late.text().contains("after=2"), "{}", late.text());
    for from in ["", "after=0", "after=2"] {
        let page = ann.feed(&app, from).await;
        assert_eq!(types(&page).len(), 2, "{from}");
    }
    // All gone: the number goes on.
    session.batch_execute("DELETE FROM events").await.unwrap();
    let late = ann.get(&app, "/api/v1/events?after=3").await;
    assert_eq!(late.status, 410);
    let page = ann.feed(&app, "after=4").await;
    assert_eq!((types(&page).len(), page["next"].as_i64()), (0, Some(4)));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_by_name() {
    let app = app(&[]).await;
    let ann = Person::new(&app, "ann").await;
    for (query, name) in [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("type=chartroom.nothing", "type"),
        ("project_id=1", "project_id"),
    ] {
        let answer = ann.get(&app, &format!("/api/v1/events?{query}")).await;
        assert_eq!(answer.status, 400, "{query} {}", answer.text());
        assert!(answer.text().contains(name), "{query} {}", answer.text());
    }
    let answer = app.get("/api/v1/events").await;
    assert_eq!(answer.status, 401);
}

/// What somebody did to another's post is told to the members, if they can see the post.
#[tokio::test]
async fn what_is_done_to_anothers_post_is_told() {
    let app = app(&[]).await;
    let ann = Person::new(&app, "ann").await;
    let bob = Person::new(&app, "bob").await;
    let project = ann.project(&app, json!({ "name": "posts" })).await;
    ann.share(&app, &project, &bob, "editor").await;
    let after = ann.feed(&app, "").await["next"].clone();
    let mut posts = Vec::new();
    for published in [true, false] {
        let body =
            json!({ "title": "t", "content": "", "project_id": project, "published": published });
        let answer = bob.send(&app, Method::POST, "/api/v1/posts", body).await;
        posts.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    for post in &posts {
        let target = format!("/api/v1/posts/{post}");
        let title = json!({ "title": "u" });
        // One's own changes are not told.
        let own = bob.send(&app, Method::PATCH, &target, title.clone()).await;
        assert_eq!(own.status, 200, "{}", own.text());
        let changed = ann.send(&app, Method::PATCH, &target, title).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let deleted = ann.send(&app, Method::DELETE, &target, Value::Null).await;
        assert_eq!(deleted.status, 204, "{}", deleted.text());
    }
    let page = bob.feed(&app, &format!("after={after}")).await;
    let told = ["chartroom.post.changed", "chartroom.post.deleted"];
    assert_eq!(types(&page), told);
    let event = &page["items"][0];
    assert_eq!(event["subject"], json!(format!("posts/{}", posts[0])));
    assert_eq!(event["data"]["author"], json!(bob.id));
    assert_eq!(event["data"]["changed"], json!(["title"]));
}
