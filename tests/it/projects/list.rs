//! The list of one's projects: what is in it, by which filters, in which order, and at what cost.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::{Person, app, id_of, outcome, sql};
use crate::support::app::TestApp;

async fn names(app: &TestApp, who: &Person, query: &str) -> Vec<String> {
    let answer = who.get(app, &format!("/api/v1/projects{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let items = answer.json()["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_list_is_what_one_is_a_member_of() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    assert_eq!(
        ann.get(&app, "/api/v1/projects").await.json(),
        json!({ "items": [], "next": null })
    );
    ann.project(&app, json!({ "name": "own" })).await;
    ann.project(
        &app,
        json!({ "name": "seen by all", "visibility": "internal" }),
    )
    .await;
    let shared = bob.project(&app, json!({ "name": "shared" })).await;
    bob.share(&app, &shared, &ann, "editor").await;
    bob.project(&app, json!({ "name": "not shared" })).await;
    assert_eq!(
        names(&app, &ann, "").await,
        ["shared", "seen by all", "own"]
    );
    assert_eq!(names(&app, &bob, "").await, ["not shared", "shared"]);
    let item = ann.get(&app, "/api/v1/projects?limit=1").await.json()["items"][0].clone();
    assert_eq!(item, ann.get(&app, &shared).await.json());
    assert_eq!(item["role"], "editor");
}

#[tokio::test]
async fn filters_and_sorts_do_what_they_say() {
    let app = app().await;
    let (ann, bob) = (
        Person::new(&app, "ann").await,
        Person::new(&app, "bob").await,
    );
    for (name, description, expires_at, visibility) in [
        (
            "Alpha",
            Some("the first of all"),
            Some("2031-01-01T00:00:00Z"),
            "private",
        ),
        ("beta", Some("50% of Alpha"), None, "internal"),
        ("Gamma_ray", None, Some("2032-01-01T00:00:00Z"), "private"),
        ("delta", None, Some("2033-01-01T00:00:00Z"), "private"),
    ] {
        let body = json!({ "name": name, "description": description, "expires_at": expires_at, "visibility": visibility });
        let project = ann.project(&app, body).await;
        if name == "delta" {
            sql(
                &app,
                &format!(
                    "UPDATE projects SET expires_at = '2020-01-01' WHERE id = '{}'",
                    id_of(&project)
                ),
            )
            .await;
        }
        if name == "Gamma_ray" {
            ann.share(&app, &project, &bob, "owner").await;
            bob.share(&app, &project, &ann, "viewer").await;
        }
    }
    let table: [(&str, &[&str]); 25] = [
        ("", &["delta", "Gamma_ray", "beta", "Alpha"]),
        ("?sort=created_at", &["Alpha", "beta", "Gamma_ray", "delta"]),
        (
            "?sort=-updated_at",
            &["delta", "Gamma_ray", "beta", "Alpha"],
        ),
        ("?status=expired", &["delta"]),
        ("?status=active", &["Gamma_ray", "beta", "Alpha"]),
        ("?role=viewer", &["Gamma_ray"]),
        ("?role=editor", &[]),
        ("?role=owner&status=active", &["beta", "Alpha"]),
        ("?visibility=internal", &["beta"]),
        ("?name=beta", &["beta"]),
        ("?name=Beta", &[]),
        ("?name__contains=ETA", &["beta"]),
        ("?name__contains=a_r", &["Gamma_ray"]),
        ("?name__contains=%25", &[]),
        ("?q=alpha", &["beta", "Alpha"]),
        ("?q=ALPHA+first", &["Alpha"]),
        ("?q=first+50%25", &[]),
        ("?q=50%25", &["beta"]),
        ("?q=", &["delta", "Gamma_ray", "beta", "Alpha"]),
        ("?expires_at__lt=2031-06-01T00:00:00Z", &["delta", "Alpha"]),
        ("?expires_at__lte=2031-01-01T00:00:00Z", &["delta", "Alpha"]),
        ("?expires_at__gt=2031-01-01T00:00:00Z", &["Gamma_ray"]),
        (
            "?expires_at__gte=2031-01-01T00:00:00Z&expires_at__lt=2032-01-01T00:00:00Z",
            &["Alpha"],
        ),
        ("?expires_at__isnull=true", &["beta"]),
        (
            "?expires_at__isnull=false&name__contains=l",
            &["delta", "Alpha"],
        ),
    ];
    for (query, expected) in table {
        assert_eq!(names(&app, &ann, query).await, expected, "{query}");
        let joint = if query.is_empty() { '?' } else { '&' };
        let counted = ann
            .get(
                &app,
                &format!("/api/v1/projects{query}{joint}count=true&limit=1"),
            )
            .await
            .json();
        assert_eq!(counted["count"], json!(expected.len()), "{query}");
    }
    let sorted = names(&app, &ann, "?sort=name").await;
    let mut turned = names(&app, &ann, "?sort=-name").await;
    turned.reverse();
    assert_eq!(sorted, turned);
    for (query, code) in [
        ("?names=a", "unknown-parameter"),
        ("?name__startswith=a", "unknown-parameter"),
        ("?visibility=public", "invalid-parameter"),
        ("?status=all", "invalid-parameter"),
        ("?role=", "invalid-parameter"),
        ("?expires_at__lt=yesterday", "invalid-parameter"),
        (
            "?expires_at__lt=-200000-01-01T00:00:00Z",
            "invalid-parameter",
        ),
        ("?expires_at__isnull=1", "invalid-parameter"),
        ("?sort=expires_at", "invalid-parameter"),
        ("?limit=201", "invalid-parameter"),
        ("?role=owner&role=viewer", "invalid-parameter"),
    ] {
        assert_eq!(
            outcome(&ann.get(&app, &format!("/api/v1/projects{query}")).await),
            (400, code.to_owned()),
            "{query}"
        );
    }
}

#[derive(QueryableByName)]
struct Plans {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    generic_plans: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    custom_plans: i64,
}

/// A member of some of 20,000 projects; the others have 40 each.
async fn filled(memberships: usize) -> (TestApp, Person) {
    let app = TestApp::with(&["--database-connections=1"], Default::default()).await;
    let ann = Person::new(&app, "ann").await;
    let fill = format!(
        "INSERT INTO principals (id, kind) SELECT gen_random_uuid(), 'workload' FROM generate_series(1, 500);
         INSERT INTO projects (id, name, description) SELECT gen_random_uuid(), 'project ' || n, 'words' FROM generate_series(1, 20000) n;
         INSERT INTO project_members (project_id, principal_id, role)
             SELECT p.id, (array(SELECT id FROM principals WHERE kind = 'workload'))[1 + row_number() OVER () % 500], 'owner' FROM projects p;
         INSERT INTO project_members (project_id, principal_id, role)
             SELECT id, '{}', 'viewer' FROM projects ORDER BY random() LIMIT {memberships};
         ANALYZE",
        ann.id
    );
    sql(&app, &fill).await;
    (app, ann)
}

/// Without filters one statement, which is planned once; with whichever filters, another one.
#[tokio::test]
async fn the_list_is_planned_once() {
    let (app, ann) = filled(40).await;
    let filters = [
        "",
        "&q=words",
        "&role=viewer",
        "&status=active&name__contains=1",
        "&expires_at__isnull=true&q=a+b+c",
    ];
    let first = ann.get(&app, "/api/v1/projects").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 40);
    for _ in 0..12 {
        for filter in filters {
            assert_eq!(
                ann.get(&app, &format!("/api/v1/projects?limit=50{filter}"))
                    .await
                    .status,
                200
            );
        }
    }
    let plans: Vec<Plans> = app
        .app
        .db
        .write(async |connection| {
            let kept = "SELECT generic_plans, custom_plans FROM pg_prepared_statements \
                        WHERE statement ~ '^SELECT .*FROM .*project_members.*ORDER BY .* LIMIT 51$' ORDER BY length(statement)";
            diesel::sql_query(kept).load(connection).await
        })
        .await
        .unwrap();
    // PostgreSQL tries five plans for the values at hand before it settles.
    let [plain, filtered] = plans.as_slice() else {
        panic!("{} statements", plans.len())
    };
    assert_eq!((plain.custom_plans, plain.generic_plans), (5, 8));
    // It sees through filters that admit everything only with the values at hand, and plans for
    // those; the text is one.
    assert_eq!(filtered.custom_plans + filtered.generic_plans, 48);
}

/// How many rows of the memberships are read for a page.
async fn rows_read(app: &TestApp, who: &Person, condition: &str) -> Value {
    let explain = format!(
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT p.*, m.role FROM project_members m JOIN projects p ON m.project_id = p.id \
         WHERE m.principal_id = '{}' AND {condition} ORDER BY m.project_id DESC, m.project_id DESC LIMIT 51",
        who.id
    );
    let messages = app
        .database
        .session()
        .await
        .simple_query(&explain)
        .await
        .unwrap();
    let text: String = messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    serde_json::from_str(&text).unwrap()
}

/// The newest page of 2,000 memberships and one in their midst read as many of them as they show,
/// and no more.
#[tokio::test]
async fn a_page_reads_what_it_shows() {
    let (app, ann) = filled(2_000).await;
    for condition in [
        "TRUE",
        "(m.project_id, m.project_id) < ('80000000-0000-0000-0000-000000000000', '80000000-0000-0000-0000-000000000000')",
    ] {
        let plan = rows_read(&app, &ann, condition).await;
        let mut nodes = vec![plan[0]["Plan"].clone()];
        let mut scanned = None;
        while let Some(node) = nodes.pop() {
            assert_ne!(node["Node Type"], "Sort", "{plan}");
            if node["Relation Name"] == "project_members" {
                scanned = node["Actual Rows"].as_f64();
            }
            nodes.extend(node["Plans"].as_array().into_iter().flatten().cloned());
        }
        assert!(
            scanned.is_some_and(|rows| rows <= 52.0),
            "{condition}: {plan}"
        );
    }
}
