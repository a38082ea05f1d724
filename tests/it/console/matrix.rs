//! Who gets which page: every route of the console, asked by everybody there is.

use std::fmt::Write as _;
use std::path::Path;

use chartroom::console::pages;
use chartroom::http::openapi::access::Access;
use http::Method;

use super::*;
use crate::support::model_runner::{ModelRunner, check};
use crate::support::snapshot;

const TABLE: &str = "tests/it/console/table.txt";
/// It reads files, which takes the program itself: `data` has a test for it.
const APART: &str = "/home/sample";

#[tokio::test]
async fn everybody_gets_what_they_may_see() {
    let flags = [
        "--signin-per-address-burst=1000",
        "--signin-per-pair-burst=1000",
    ];
    let runner = ModelRunner::start();
    let setting = runner.setting();
    let flags = [flags.as_slice(), &[setting.as_str()]].concat();
    let house = House::on(TestApp::with(&flags, Default::default()).await).await;
    let admin = house.person("admin", true).await;
    let owner = house.person("owner", false).await;
    let editor = house.person("editor", false).await;
    let viewer = house.person("viewer", false).await;
    let outsider = house.person("outsider", false).await;
    let members = [(&editor, "editor"), (&viewer, "viewer")];
    let project = house.project(&owner, &members).await;
    let dataset = house.dataset(&owner, &project, "a,b\n1,2\n").await;
    let import = house.import(&owner, &dataset, "a,b\n3,4\n").await;
    let new = json!({ "title": "t", "content": "c", "project_id": project });
    let post = house.made(&owner, "/api/v1/posts", new).await;
    let new = json!({ "project_id": project, "name": "model" });
    house.made(&owner, "/api/v1/models", new).await;
    let file = r#"{"factor": 1}"#;
    went(&house.upload(&owner, "model", "", file).await);
    check(&house.app, &house.session).await;
    let lead = Some(json!({ "version": 1 }));
    let alias = "/api/v1/models/model/aliases/production";
    let led = house.api(&owner, Method::PUT, alias, lead).await;
    assert_eq!(led.status, 200, "{}", led.text());
    let path_of = |template: &str| {
        let id = match template.split('/').nth(1) {
            Some("projects") => &project,
            Some("datasets") => &dataset,
            _ => &post,
        };
        let path = template.replace("{id}", id).replace("{import}", &import);
        let path = path.replace("{version}", "1");
        let path = path.replace("{alias}", "production");
        let name = match template.starts_with("/models") {
            true => "model",
            false => "none",
        };
        path.replace("{name}", name)
    };
    let nobody = Person::default();
    let callers = [
        ("nobody", &nobody),
        ("outsider", &outsider),
        ("viewer", &viewer),
        ("editor", &editor),
        ("owner", &owner),
        ("admin", &admin),
    ];
    let all = pages();
    let mut table =
        String::from("# route, who may ask for it at all, and the status of each answer\n");
    for route in all.routes() {
        let (method, template) = (&route.method, route.template);
        if template == APART {
            continue;
        }
        let _ = write!(table, "{method} {template} {:?}", route.access);
        for (name, who) in callers {
            let path = path_of(template);
            let answer = match *method {
                Method::GET => house.get(who, &path).await,
                _ => house.post(who, &path, &[]).await,
            };
            let status = answer.status.as_u16();
            let _ = write!(table, " {name}={status}");
            let is_public = route.access == Access::Public;
            if name == "nobody" && !is_public {
                let expected = if *method == Method::GET { 303 } else { 401 };
                assert_eq!(status, expected, "{method} {template}");
            }
            // Not even an administrator sees what is in a project of others.
            let is_inside = template.contains("{id}") || template.starts_with("/models/{name}");
            if is_inside && ["outsider", "admin"].contains(&name) {
                assert_eq!(status, 404, "{method} {template} for {name}");
            }
            assert!(
                status < 500,
                "{method} {template} for {name}: {}",
                answer.text()
            );
        }
        table.push('\n');
    }
    snapshot::file(Path::new(TABLE), &table);
}
