//! Who may do what: every route for everybody it could matter to.

use http::Method;
use serde_json::{Value, json};

use super::{NOTHING, Person, app, expire, id_of, outcome, sql};
use crate::support::app::{Answer, TestApp};

/// Everything that can be asked of a project, harmless where it succeeds. `{bob}` is a member.
const ASKED: [(&str, &str, &str); 9] = [
    ("GET", "", ""),
    ("PATCH", "", r#"{"description": "d"}"#),
    ("GET", "/members", ""),
    ("GET", "/members/{bob}", ""),
    ("PUT", "/members/{bob}", r#"{"role": "viewer"}"#),
    ("DELETE", "/members/{bob}", ""),
    ("GET", "/audit", ""),
    ("GET", "/audit?limit=1", ""),
    ("DELETE", "", ""),
];

async fn ask(
    app: &TestApp,
    who: &Person,
    project: &str,
    bob: &str,
    (method, rest, body): (&str, &str, &str),
) -> Answer {
    let target = format!("{project}{}", rest.replace("{bob}", bob));
    let body = (!body.is_empty()).then(|| serde_json::from_str::<Value>(body).unwrap());
    who.send(app, method.parse().unwrap(), &target, &[], body)
        .await
}

/// Statuses for all of [`ASKED`], each of a project of its own.
async fn asked(
    app: &TestApp,
    owner: &Person,
    bob: &Person,
    who: &Person,
    role: Option<&str>,
    visibility: &str,
) -> Vec<u16> {
    let mut statuses = Vec::new();
    for one in ASKED {
        let project = owner
            .project(app, json!({ "name": "p", "visibility": visibility }))
            .await;
        owner.share(app, &project, bob, "viewer").await;
        if let Some(role) = role {
            owner.share(app, &project, who, role).await;
        }
        let answer = ask(app, who, &project, &bob.username, one).await;
        if !answer.status.is_success() {
            let expected = if answer.status == 403 {
                "forbidden"
            } else {
                "not-found"
            };
            assert_eq!(answer.problem(), expected, "{one:?}");
        }
        statuses.push(answer.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn a_role_may_what_the_one_before_may_and_more() {
    let app = app().await;
    let [ann, bob, cid] = ["ann", "bob", "cid"].map(|name| name.to_owned());
    let (ann, bob, cid) = (
        Person::new(&app, &ann).await,
        Person::new(&app, &bob).await,
        Person::new(&app, &cid).await,
    );
    let table: [(Option<&str>, &str, [u16; 9]); 6] = [
        (None, "private", [404; 9]),
        (
            None,
            "internal",
            [200, 403, 200, 200, 403, 403, 403, 403, 403],
        ),
        (
            Some("viewer"),
            "private",
            [200, 403, 200, 200, 403, 403, 403, 403, 403],
        ),
        (
            Some("editor"),
            "private",
            [200, 403, 200, 200, 403, 403, 403, 403, 403],
        ),
        (
            Some("editor"),
            "internal",
            [200, 403, 200, 200, 403, 403, 403, 403, 403],
        ),
        (
            Some("owner"),
            "private",
            [200, 200, 200, 200, 200, 204, 200, 200, 204],
        ),
    ];
    for (role, visibility, expected) in table {
        let statuses = asked(&app, &ann, &bob, &cid, role, visibility).await;
        assert_eq!(statuses, expected, "{role:?} {visibility}");
    }
    // Administrators run the instance; what others keep in it is not theirs to read.
    sql(
        &app,
        &format!("UPDATE users SET is_admin = true WHERE id = '{}'", cid.id),
    )
    .await;
    let admin = [("content-type", "application/x-www-form-urlencoded")];
    let form = format!(
        "grant_type=password&username=cid&password={}",
        super::PASSWORD.replace(' ', "+")
    );
    let answer = app
        .send(Method::POST, "/auth/token", &admin, form.into())
        .await;
    let authorization = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    let admin = Person {
        authorization,
        ..cid
    };
    assert_eq!(
        asked(&app, &ann, &bob, &admin, None, "private").await,
        [404; 9]
    );
}

#[tokio::test]
async fn nobody_anonymous_gets_anywhere() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    let project = ann
        .project(&app, json!({ "name": "p", "visibility": "internal" }))
        .await;
    let nobody = Person {
        authorization: "Bearer nonsense".to_owned(),
        ..ann.clone()
    };
    for one in ASKED {
        assert_eq!(
            ask(&app, &nobody, &project, "ann", one).await.status,
            401,
            "{one:?}"
        );
        let (method, rest, _) = one;
        let target = format!("{project}{}", rest.replace("{bob}", "ann"));
        let answer = app
            .send(method.parse().unwrap(), &target, &[], Default::default())
            .await;
        assert_eq!(
            outcome(&answer),
            (401, "unauthenticated".to_owned()),
            "{one:?}"
        );
    }
    assert_eq!(app.get("/api/v1/projects").await.status, 401);
    assert_eq!(
        app.post_json("/api/v1/projects", "{\"name\": \"a\"}")
            .await
            .status,
        401
    );
    // The control: it was there for who may.
    assert_eq!(ann.get(&app, &project).await.status, 200);
}

/// All of an answer but the id of its request, and what names the project that was asked for.
fn whole(answer: &Answer, project: &str) -> (u16, Vec<(String, String)>, String) {
    let (status, headers, text) = answer.telling();
    (status, headers, text.replace(id_of(project), "-"))
}

#[tokio::test]
async fn what_is_foreign_looks_as_if_it_were_not_there() {
    let app = app().await;
    let (ann, bob, eve) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
        Person::new(&app, "eve").await,
    );
    let foreign = ann.project(&app, json!({ "name": "p" })).await;
    ann.share(&app, &foreign, &bob, "owner").await;
    let expired = ann.project(&app, json!({ "name": "p" })).await;
    expire(&app, &expired).await;
    let deleted = ann.project(&app, json!({ "name": "p" })).await;
    ann.delete(&app, &deleted).await;
    let missing = format!("/api/v1/projects/{NOTHING}");
    let stale = [("if-match", "\"77\"")];
    for one in ASKED {
        let expected = whole(&ask(&app, &eve, &missing, "bob", one).await, &missing);
        assert_eq!(expected.0, 404, "{one:?}");
        for project in [&foreign, &expired, &deleted] {
            for principal in ["bob", "eve", "nobody-at-all", &ann.id, NOTHING] {
                let answer = ask(&app, &eve, project, principal, one).await;
                assert_eq!(whole(&answer, project), expected, "{one:?} {project}");
            }
        }
        let (method, rest, body) = one;
        let body = (!body.is_empty()).then(|| serde_json::from_str::<Value>(body).unwrap());
        let target = format!("{foreign}{}", rest.replace("{bob}", "bob"));
        let answer = eve
            .send(&app, method.parse().unwrap(), &target, &stale, body)
            .await;
        assert_eq!(whole(&answer, &foreign), expected, "{one:?} with If-Match");
        // The control: its member sees it.
        assert_ne!(
            ask(
                &app,
                &bob,
                &foreign,
                "nobody-at-all",
                ("GET", "/members", "")
            )
            .await
            .status,
            404
        );
    }
    // An id that is none names nothing, in whatever it is written.
    for id in [
        "x",
        "1",
        "0192f0c1",
        "..",
        "%2e%2e",
        "'",
        "0192f0c1-2345-7000-8000-00000000000g",
    ] {
        let answer = eve.get(&app, &format!("/api/v1/projects/{id}")).await;
        assert_eq!(answer.status, 404, "{id}");
    }
}

#[tokio::test]
async fn a_role_ends_with_the_membership() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    ann.share(&app, &project, &bob, "owner").await;
    let tag = bob.get(&app, &project).await.header("etag").to_owned();
    ann.share(&app, &project, &bob, "viewer").await;
    // What bob had is not what he would get now: his role is in it.
    let again = bob
        .send(
            &app,
            Method::GET,
            &project,
            &[("if-none-match", &tag)],
            None,
        )
        .await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["role"]),
        (200, &json!("viewer"))
    );
    assert_eq!(
        bob.patch(&app, &project, json!({ "name": "q" }))
            .await
            .status,
        403
    );
    ann.delete(&app, &format!("{project}/members/bob")).await;
    assert_eq!(bob.get(&app, &project).await.status, 404);
    ann.patch(&app, &project, json!({ "visibility": "internal" }))
        .await;
    let read = bob.get(&app, &project).await;
    assert_eq!(
        (read.status.as_u16(), &read.json()["role"]),
        (200, &Value::Null)
    );
}
