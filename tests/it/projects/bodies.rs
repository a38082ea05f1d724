//! Texts that are SQL to somebody, and members that are nobody's to set.

use serde_json::{Value, json};

use super::{Person, app, count, outcome};

const TEXTS: [&str; 14] = [
    "'",
    "''; DROP TABLE projects; --",
    "' OR '1'='1",
    "\" OR 1=1 --",
    "\\'; UPDATE users SET is_admin = true; --",
    "$1",
    "$$ $$",
    "%",
    "_",
    "\\",
    "%%%\\_",
    "{\"a\":1}",
    "1); DELETE FROM project_members; --",
    "\u{202e}\u{feff}ﬀ😀",
];

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_text_is_a_text_wherever_it_stands() {
    let app = app().await;
    let ann = Person::new(&app, "ann").await;
    ann.project(
        &app,
        json!({ "name": "plain", "description": "nothing of it" }),
    )
    .await;
    for text in TEXTS {
        let project = ann
            .project(&app, json!({ "name": text, "description": text }))
            .await;
        assert_eq!(ann.get(&app, &project).await.json()["name"], text);
        let changed = ann
            .patch(
                &app,
                &project,
                json!({ "description": format!("{text}{text}") }),
            )
            .await;
        assert_eq!(changed.json()["description"], format!("{text}{text}"));
    }
    for text in TEXTS {
        // Every one of them finds the names that it is in, and no others.
        let expected: Vec<&str> = TEXTS
            .iter()
            .copied()
            .filter(|name| name.to_lowercase().contains(&text.to_lowercase()))
            .collect();
        let found = ann
            .get(
                &app,
                &format!(
                    "/api/v1/projects?sort=created_at&name__contains={}",
                    escaped(text)
                ),
            )
            .await
            .json();
        let names: Vec<&str> = found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{text}");
        let exact = ann
            .get(&app, &format!("/api/v1/projects?name={}", escaped(text)))
            .await
            .json();
        assert_eq!(
            (
                exact["items"].as_array().unwrap().len(),
                &exact["items"][0]["name"]
            ),
            (1, &json!(text))
        );
        let found = ann
            .get(&app, &format!("/api/v1/projects?q={}", escaped(text)))
            .await;
        assert_eq!(found.status, 200, "{text}");
        for parameter in [
            "status",
            "role",
            "visibility",
            "expires_at__lt",
            "expires_at__isnull",
            "sort",
            "limit",
            "cursor",
            "count",
        ] {
            let answer = ann
                .get(
                    &app,
                    &format!("/api/v1/projects?{parameter}={}", escaped(text)),
                )
                .await;
            assert_eq!(
                outcome(&answer),
                (400, "invalid-parameter".to_owned()),
                "{parameter}={text}"
            );
        }
        let member = format!(
            "/api/v1/projects/{}/members/{}",
            escaped(text),
            escaped(text)
        );
        assert_eq!(ann.get(&app, &member).await.status, 404, "{text}");
    }
    for sort in ["created_at) --", "name; --", "description", "(name)"] {
        let answer = ann
            .get(&app, &format!("/api/v1/projects?sort={}", escaped(sort)))
            .await;
        assert_eq!(
            outcome(&answer),
            (400, "invalid-parameter".to_owned()),
            "{sort}"
        );
    }
    assert_eq!(
        count(&app, "SELECT count(*) FROM project_members").await,
        15
    );
}

#[tokio::test]
async fn a_member_that_is_not_asked_for_is_refused() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    let project = ann.project(&app, json!({ "name": "p" })).await;
    ann.share(&app, &project, &bob, "viewer").await;
    let before = ann.get(&app, &project).await.text();
    let columns = [
        "id",
        "role",
        "version",
        "created_at",
        "updated_at",
        "owner",
        "owner_id",
        "members",
        "principal_id",
        "project_id",
        "is_admin",
        "__proto__",
        "status",
    ];
    for column in columns {
        for value in [json!("owner"), json!(7), Value::Null] {
            let mut body = json!({ "name": "p" });
            body[column] = value;
            let member = format!("{project}/members/bob");
            let mut role = json!({ "role": "viewer" });
            if column != "role" {
                role[column] = body[column].clone();
                assert_eq!(
                    outcome(&ann.put(&app, &member, role).await),
                    (422, "validation-failed".to_owned()),
                    "{column}"
                );
            }
            for answer in [
                ann.post(&app, "/api/v1/projects", body.clone()).await,
                ann.patch(&app, &project, body.clone()).await,
            ] {
                assert_eq!(
                    outcome(&answer),
                    (422, "validation-failed".to_owned()),
                    "{column}"
                );
                let errors = answer.json()["errors"].clone();
                assert_eq!(
                    (&errors[0]["pointer"], &errors[0]["code"]),
                    (&json!(format!("/{column}")), &json!("unknown-field"))
                );
            }
        }
    }
    assert_eq!(ann.get(&app, &project).await.text(), before);
    assert_eq!(count(&app, "SELECT count(*) FROM projects").await, 1);
}
