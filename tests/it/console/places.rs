//! Projects and posts: lists, forms, and two who change the same.

use chartroom::kernel::shutdown::{Shutdown, Timings};

use super::*;
use crate::support::app::{config, shell_with};

#[tokio::test]
async fn a_project_is_made_found_changed_and_deleted() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let page = house.page(&ann, "/projects/new").await;
    let key = hidden(&page, "key");
    let fields = [
        ("key", &*key),
        ("name", "Census & co"),
        ("description", "About *people*"),
        ("visibility", "private"),
        ("expires_at", "2999-01-02T03:04"),
        ("reminders", "P7D, P1D"),
    ];
    let path = went(&house.post(&ann, "/projects/new", &fields).await).to_owned();
    // Sent twice, it is one project.
    assert_eq!(
        went(&house.post(&ann, "/projects/new", &fields).await),
        path
    );
    let page = house.page(&ann, &path).await;
    for part in [
        "Census &amp; co",
        "<em>people</em>",
        "2999-01-02",
        "The ann",
        "owner",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let found = house
        .page(&ann, "/projects?q=census&status=active&role=&sort=name")
        .await;
    assert!(found.contains(&format!("href=\"{path}\"")), "{found}");
    let none = house.page(&ann, "/projects?q=nothing").await;
    assert!(
        !none.contains(&path) && none.contains("Nothing fits"),
        "{none}"
    );

    let edit = format!("{path}/edit");
    let form = house.page(&ann, &edit).await;
    assert_eq!(hidden(&form, "before.reminders"), "P7D,P1D");
    let etag = hidden(&form, "etag");
    let emptied = [
        ("etag", &*etag),
        ("before.name", "Census & co"),
        ("name", ""),
    ];
    let refused = house.post(&ann, &edit, &emptied).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("aria-describedby=\"name-wrong\""),
        "{}",
        refused.text()
    );

    let delete = format!("{path}/delete");
    let wrong = house
        .post(&ann, &delete, &[("etag", &etag), ("name", "another")])
        .await;
    assert_eq!(wrong.status, 409);
    let right = [("etag", &*etag), ("name", "Census & co")];
    assert_eq!(went(&house.post(&ann, &delete, &right).await), "/projects");
    assert_eq!(house.get(&ann, &path).await.status, 404);
}

#[tokio::test]
async fn the_page_after_a_form_shows_what_the_form_has_done() {
    let mut app = TestApp::new().await;
    let endpoint = app.database.runtime();
    let replica = Some(endpoint.clone());
    let shutdown = Shutdown::new(Timings::default());
    app.app = chartroom::app::serve::app(config(&[]), endpoint, replica, shutdown).unwrap();
    app.shell = shell_with(&app.app, Default::default());
    let house = House::on(app).await;
    let ann = house.person("ann", false).await;
    let source = async |headers: &[(&str, &str)]| {
        let answer = house
            .send(&ann, Method::GET, "/projects", headers, Body::empty())
            .await;
        assert_eq!(answer.status, 200);
        answer.header("x-data-source").to_owned()
    };
    assert_eq!(source(&[]).await, "replica");
    let made = house
        .post(
            &ann,
            "/projects/new",
            &[("name", "Made"), ("visibility", "private")],
        )
        .await;
    let said = made
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(source(&[("cookie", &said)]).await, "");
}

#[tokio::test]
async fn lists_are_walked_in_both_directions() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    for at in 0..7 {
        house
            .made(
                &ann,
                "/api/v1/projects",
                json!({ "name": format!("Number {at}") }),
            )
            .await;
    }
    let links = |page: &str| {
        let link = |rel: &str| {
            let end = page.find(&format!("\" rel=\"{rel}\""))?;
            let begin = page[..end].rfind("href=\"")? + 6;
            Some(unescaped(&page[begin..end]))
        };
        (link("prev"), link("next"))
    };
    let numbers = |page: &str| -> String {
        page.match_indices("Number ")
            .map(|(at, _)| &page[at + 7..at + 8])
            .collect()
    };
    let mut path = "/projects?limit=3".to_owned();
    let mut forward = Vec::new();
    loop {
        let page = house.page(&ann, &path).await;
        forward.push(numbers(&page));
        match links(&page) {
            (_, Some(next)) => path = next,
            (_, None) => break,
        }
    }
    assert_eq!(forward, ["654", "321", "0"]);
    let mut back = Vec::new();
    loop {
        let page = house.page(&ann, &path).await;
        back.push(numbers(&page));
        match links(&page) {
            (Some(before), _) => path = before,
            (None, _) => break,
        }
    }
    assert_eq!(back, ["0", "321", "654"]);
    // The API has no such parameter.
    let refused = house
        .api(&ann, Method::GET, "/api/v1/projects?before=x", None)
        .await;
    assert_eq!(refused.problem(), "unknown-parameter");
}

#[tokio::test]
async fn two_changes_are_put_together_unless_they_are_of_the_same() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let bob = house.person("bob", false).await;
    let project = house.project(&ann, &[(&bob, "owner")]).await;
    let (path, edit) = (
        format!("/projects/{project}"),
        format!("/projects/{project}/edit"),
    );
    let api = format!("/api/v1/projects/{project}");
    let form = house.page(&ann, &edit).await;
    let etag = hidden(&form, "etag");
    let elsewhere = async |patch: Value| {
        let changed = house.api(&bob, Method::PATCH, &api, Some(patch)).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    };
    let filled = |name: &'static str, description: &'static str| {
        vec![
            ("etag", etag.clone()),
            ("before.name", "A project".to_owned()),
            ("before.visibility", "private".to_owned()),
            ("visibility", "private".to_owned()),
            ("name", name.to_owned()),
            ("description", description.to_owned()),
        ]
    };
    let send = async |fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        house.post(&ann, &edit, &fields).await
    };
    // Theirs is another field: both are kept, and it is said so.
    elsewhere(json!({ "description": "Theirs" })).await;
    let saved = send(&filled("Mine", "")).await;
    assert_eq!(went(&saved), path);
    assert!(saved.header("set-cookie").starts_with("__Host-said=merged"));
    let now = house.api(&ann, Method::GET, &api, None).await.json();
    assert_eq!(
        (&now["name"], &now["description"]),
        (&json!("Mine"), &json!("Theirs"))
    );

    // The same field: nothing is saved, and the page has all three.
    for words in ["Others", "Theirs"] {
        elsewhere(json!({ "description": words })).await;
    }
    let clash = send(&filled("Other", "My words")).await;
    assert_eq!(clash.status, 412, "{}", clash.text());
    let page = clash.text();
    for part in [
        ">Yours<",
        ">Theirs<",
        ">Before<",
        "My words",
        "Other",
        "A project",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // And who it was.
    assert!(page.contains("You and The bob have changed"), "{page}");
    let now = house.api(&ann, Method::GET, &api, None).await.json();
    assert_eq!(now["description"], "Theirs");
    // Their name is taken, and my words.
    let chosen = [
        ("etag", hidden(&page, "etag")),
        ("before.name", hidden(&page, "before.name")),
        ("before.description", hidden(&page, "before.description")),
        ("before.visibility", "private".to_owned()),
        ("visibility", "private".to_owned()),
        ("take.name", "theirs".to_owned()),
        ("name", "Other".to_owned()),
        ("take.description", "yours".to_owned()),
        ("description", "My words".to_owned()),
    ];
    assert_eq!(went(&send(&chosen).await), path);
    let now = house.api(&ann, Method::GET, &api, None).await.json();
    assert_eq!(
        (&now["name"], &now["description"]),
        (&json!("Mine"), &json!("My words"))
    );
}

#[tokio::test]
async fn members_are_managed_by_owners() {
    let house = House::new().await;
    let (ann, ben) = (
        house.person("ann", false).await,
        house.person("ben", false).await,
    );
    let project = house.project(&ann, &[]).await;
    let (path, members) = (
        format!("/projects/{project}"),
        format!("/projects/{project}/members"),
    );
    assert_eq!(house.get(&ben, &path).await.status, 404);
    let add = [("member", "ben"), ("role", "editor")];
    assert_eq!(went(&house.post(&ann, &members, &add).await), path);
    let page = house.page(&ben, &path).await;
    assert!(
        page.contains("editor") && !page.contains("Add a member"),
        "{page}"
    );
    assert_eq!(
        house
            .post(&ben, &members, &[("member", &ann.id), ("role", "viewer")])
            .await
            .status,
        403
    );
    // The last owner stays one.
    let demoted = house
        .post(&ann, &members, &[("member", &ann.id), ("role", "viewer")])
        .await;
    assert_eq!(demoted.status, 409);
    assert!(
        demoted.text().contains("A project needs an owner"),
        "{}",
        demoted.text()
    );
    let left = house
        .post(&ben, &members, &[("member", &ben.id), ("do", "remove")])
        .await;
    assert_eq!(went(&left), "/projects");
    assert_eq!(house.get(&ben, &path).await.status, 404);
}

#[tokio::test]
async fn an_expired_project_is_extended() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let project = house.project(&ann, &[]).await;
    let path = format!("/projects/{project}");
    house
        .sql(&format!(
            "UPDATE projects SET expires_at = now() - interval '1 day' WHERE id = '{project}'"
        ))
        .await;
    assert!(
        house
            .page(&ann, &path)
            .await
            .contains("This project has expired")
    );
    let extend = format!("{path}/extend");
    assert_eq!(
        went(&house.post(&ann, &extend, &[("days", "30")]).await),
        path
    );
    assert!(
        !house
            .page(&ann, &path)
            .await
            .contains("This project has expired")
    );
    // It ends within a month, so the start has it.
    house
        .sql(&format!(
            "UPDATE projects SET expires_at = now() + interval '9 days' WHERE id = '{project}'"
        ))
        .await;
    let home = house.page(&ann, "/home").await;
    assert!(home.contains(&format!("action=\"{extend}\"")), "{home}");
}

#[tokio::test]
async fn a_post_is_seen_before_it_is_written_voted_for_and_changed() {
    let house = House::new().await;
    let ann = house.person("ann", false).await;
    let page = house.page(&ann, "/posts/new").await;
    let key = hidden(&page, "key");
    let mut fields = vec![
        ("key", &*key),
        ("title", "A title"),
        ("content", "Some **bold** text\r\n<b>no</b>"),
        ("published", "on"),
        ("do", "preview"),
    ];
    let seen = house.post(&ann, "/posts/new", &fields).await;
    assert_eq!(seen.status, 200);
    assert!(
        seen.text().contains("<strong>bold</strong>"),
        "{}",
        seen.text()
    );
    assert!(!seen.text().contains("<b>no</b>"), "{}", seen.text());
    let none = house.page(&ann, "/posts").await;
    assert!(none.contains("There is no post yet."), "{none}");
    fields.pop();
    let path = went(&house.post(&ann, "/posts/new", &fields).await).to_owned();
    let vote = format!("{path}/vote");
    assert_eq!(
        went(&house.post(&ann, &vote, &[("do", "vote")]).await),
        path
    );
    assert!(house.page(&ann, &path).await.contains("1 votes"));
    assert_eq!(
        went(&house.post(&ann, &vote, &[("do", "unvote")]).await),
        path
    );
    assert!(house.page(&ann, &path).await.contains("0 votes"));
    let found = house.page(&ann, "/posts?q=bold&sort=-rank").await;
    assert!(found.contains(&path), "{found}");

    let edit = format!("{path}/edit");
    let form = house.page(&ann, &edit).await;
    let (etag, content) = (hidden(&form, "etag"), hidden(&form, "before.content"));
    assert_eq!(content, "Some **bold** text\n<b>no</b>");
    let changed = [
        ("etag", &*etag),
        ("before.title", "A title"),
        ("before.content", &*content),
        ("before.published", "on"),
        ("title", "Another title"),
        ("content", &*content),
        ("published", "on"),
    ];
    assert_eq!(went(&house.post(&ann, &edit, &changed).await), path);
    // The same form once more: its field has changed in the meantime, to what it says.
    assert_eq!(went(&house.post(&ann, &edit, &changed).await), path);
    let clash = changed.map(|(name, value)| {
        if name == "title" {
            (name, "A third")
        } else {
            (name, value)
        }
    });
    assert_eq!(house.post(&ann, &edit, &clash).await.status, 412);
}
