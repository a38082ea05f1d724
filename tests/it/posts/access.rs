//! Who may do what with which post: a table, and that what one may not see is what is not there.

use super::*;

/// Everything one can do with a post, in an order in which each step leaves the next one possible.
const DEEDS: [&str; 6] = ["read", "voters", "vote", "unvote", "change", "delete"];

async fn attempt(place: &Place, who: Option<&Person>, deed: &str, post: &str) -> Answer {
    let (method, target, body) = match deed {
        "read" => (Method::GET, post.to_owned(), None),
        "voters" => (Method::GET, format!("{post}/votes"), None),
        "vote" => (Method::PUT, format!("{post}/vote"), None),
        "unvote" => (Method::DELETE, format!("{post}/vote"), None),
        "change" => (
            Method::PATCH,
            post.to_owned(),
            Some(json!({ "title": "Changed" })),
        ),
        _ => (Method::DELETE, post.to_owned(), None),
    };
    match who {
        Some(who) => who.send(place, method, &target, &[], body).await,
        None => {
            let kind = [("content-type", "application/json")];
            let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
            place.app.send(method, &target, &kind, body).await
        }
    }
}

#[tokio::test]
async fn each_may_do_what_the_table_says() {
    let place = Place::new(&[]).await;
    let mut people = Vec::new();
    for name in ["owner", "editor", "viewer", "former", "outsider"] {
        people.push(place.person(name).await);
    }
    let [owner, editor, viewer, former, outsider] = people.as_slice() else {
        unreachable!()
    };
    let members = [
        (owner, "owner"),
        (editor, "editor"),
        (viewer, "viewer"),
        (former, "editor"),
    ];
    let private = place.project("private", &members).await;
    let internal = place.project("internal", &members).await;
    let expired = place.project("private", &members).await;
    // Letters: 2 done, 0 not seen (404), 3 forbidden, d draft (409), x expired (409), 1 nobody
    // signed in (401).
    let table = [
        // where, published, author; for anonymous, outsider, former, viewer, editor, owner.
        (
            None,
            true,
            owner,
            ["111111", "222233", "222233", "222233", "222233", "222222"],
        ),
        (
            None,
            false,
            owner,
            ["111111", "000000", "000000", "000000", "000000", "22d222"],
        ),
        (
            Some(&private),
            true,
            former,
            ["111111", "000000", "000000", "222233", "222222", "222222"],
        ),
        (
            Some(&private),
            false,
            former,
            ["111111", "000000", "000000", "000000", "22d222", "22d222"],
        ),
        (
            Some(&internal),
            true,
            former,
            ["111111", "222233", "222233", "222233", "222222", "222222"],
        ),
        (
            Some(&internal),
            false,
            former,
            ["111111", "000000", "22d233", "000000", "22d222", "22d222"],
        ),
        (
            Some(&expired),
            true,
            former,
            ["111111", "000000", "000000", "22xx33", "22xxxx", "22xxxx"],
        ),
    ];
    let mut posts = Vec::new();
    for (project, published, author, _) in table {
        let mut row = Vec::new();
        for _ in 0..6 {
            let more = json!({ "project_id": project, "published": published });
            row.push(author.post(&place, more).await);
        }
        posts.push(row);
    }
    place.expire(&expired).await;
    let leave = format!(
        "DELETE FROM project_members WHERE principal_id = '{}'",
        former.id
    );
    place.sql(&leave).await;
    let callers = [
        None,
        Some(outsider),
        Some(former),
        Some(viewer),
        Some(editor),
        Some(owner),
    ];
    for ((project, published, _, expected), row) in table.into_iter().zip(posts) {
        for ((caller, expected), post) in callers.iter().zip(expected).zip(row) {
            let mut found = String::new();
            for deed in DEEDS {
                let answer = attempt(&place, *caller, deed, &post).await;
                found.push(match outcome(&answer) {
                    (200 | 204, _) => '2',
                    (401, _) => '1',
                    (403, _) => '3',
                    (404, _) => '0',
                    (409, code) if code == "project-expired" => 'x',
                    (409, code) if code == "conflict" => 'd',
                    other => panic!("{deed} {project:?}: {other:?}"),
                });
                if found.ends_with('0') {
                    let nothing = format!("/api/v1/posts/{NOTHING}");
                    let missing = attempt(&place, *caller, deed, &nothing).await;
                    assert_eq!(apart_from_instance(&answer), apart_from_instance(&missing));
                }
            }
            let who = caller.map(|who| who.id.as_str());
            assert_eq!(
                found, expected,
                "{project:?} published: {published}, {who:?}"
            );
        }
    }
}

#[tokio::test]
async fn writing_in_a_project_needs_the_role_editor_and_time_left() {
    let place = Place::new(&[]).await;
    let (owner, viewer, outsider) = (
        place.person("owner").await,
        place.person("viewer").await,
        place.person("outsider").await,
    );
    let members = [(&owner, "owner"), (&viewer, "viewer")];
    let private = place.project("private", &members).await;
    let internal = place.project("internal", &members).await;
    let body = |project: &str| json!({ "title": "t", "content": "c", "project_id": project });
    for (who, project, expected) in [
        (&owner, private.as_str(), (201, "")),
        (&viewer, &private, (403, "forbidden")),
        (&outsider, &private, (404, "not-found")),
        (&outsider, &internal, (403, "forbidden")),
        (&owner, NOTHING, (404, "not-found")),
    ] {
        let found = outcome(&who.create(&place, body(project)).await);
        assert_eq!((found.0, found.1.as_str()), expected);
    }
    let foreign = outsider.create(&place, body(&private)).await;
    let missing = outsider.create(&place, body(NOTHING)).await;
    assert_eq!(apart_from_instance(&foreign), apart_from_instance(&missing));
    place.expire(&private).await;
    let late = owner.create(&place, body(&private)).await;
    assert_eq!(outcome(&late), (409, "project-expired".to_owned()));
    assert_eq!(place.number("SELECT count(*) FROM posts").await, 1);
}

#[tokio::test]
async fn anybody_reads_what_is_published_where_the_configuration_says_so() {
    let open = Place::new(&["--posts-anonymous-read=true"]).await;
    let ann = open.person("ann").await;
    let project = open.project("internal", &[(&ann, "owner")]).await;
    let free = ann.post(&open, json!({ "title": "free" })).await;
    let draft = ann.post(&open, json!({ "published": false })).await;
    let inside = ann.post(&open, json!({ "project_id": project })).await;
    let read = open.get(&free).await;
    assert_eq!(read.status, 200);
    let body = read.json();
    assert_eq!(
        (&body["voted"], &body["role"]),
        (&json!(false), &Value::Null)
    );
    for hidden in [draft, inside] {
        assert_eq!(open.get(&hidden).await.problem(), "not-found");
    }
    assert_eq!(titles(&open.get("/api/v1/posts").await), ["free"]);
    // Who voted is for those who are signed in.
    assert_eq!(open.get(&format!("{free}/votes")).await.status, 401);

    let closed = Place::new(&[]).await;
    let ann = closed.person("ann").await;
    let post = ann.post(&closed, json!({})).await;
    for target in [post.as_str(), "/api/v1/posts"] {
        let refused = closed.get(target).await;
        assert_eq!(refused.problem(), "unauthenticated");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
        assert_eq!(ann.get(&closed, target).await.status, 200);
    }
}
