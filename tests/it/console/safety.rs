//! What keeps pages to this site: policies, forms of other sites, errors that tell nothing.

use chartroom::console::pages;
use http::Method;

use super::*;

/// A path of a route, with ids that nothing has.
pub(super) fn filled(template: &str) -> String {
    let path = template
        .replace("{id}", NOTHING)
        .replace("{import}", NOTHING);
    let path = path.replace("{version}", "1").replace("{alias}", "a");
    path.replace("{name}", "none")
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let house = House::new().await;
    let ann = house.person("ann", true).await;
    let expected = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
        connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
        require-trusted-types-for 'script'; trusted-types chartroom";
    let routes = pages();
    let read = routes
        .routes()
        .iter()
        .filter(|route| route.method == Method::GET);
    let mut seen = 0;
    for route in read.filter(|route| !route.template.starts_with("/assets")) {
        let answer = house.get(&ann, &filled(route.template)).await;
        if answer.status == 303 {
            continue;
        }
        seen += 1;
        for (name, value) in [
            ("content-security-policy", expected),
            ("cross-origin-opener-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {}", route.template);
        }
        assert!(answer.header("permissions-policy").contains("camera=()"));
        let text = answer.text();
        assert!(
            text.starts_with("<!DOCTYPE html><html lang=\"en\""),
            "{text}"
        );
        assert!(
            !text.contains(" style=") && !text.contains("<style"),
            "{text}"
        );
    }
    assert!(seen > 20, "{seen}");
}

#[tokio::test]
async fn no_form_of_another_site_does_anything() {
    let house = House::new().await;
    let ann = house.person("ann", true).await;
    let routes = pages();
    let forms = routes
        .routes()
        .iter()
        .filter(|route| route.method == Method::POST);
    let forms: Vec<&str> = forms.map(|route| route.template).collect();
    assert!(forms.len() > 20, "{forms:?}");
    let own = house.app.app.public_url.clone();
    for template in forms {
        for who in [&ann, &Person::default()] {
            for said in [
                &[("sec-fetch-site", "cross-site")][..],
                &[("sec-fetch-site", "same-site")],
                &[("origin", "https://evil.example")],
                &[("origin", "null")],
                &[],
            ] {
                let headers = [&[FORM], said].concat();
                let path = filled(template);
                let answer = house
                    .send(who, Method::POST, &path, &headers, Body::empty())
                    .await;
                assert_eq!(answer.status, 403, "{template} {said:?}");
                let text = answer.text();
                assert!(
                    text.contains("a form of this site is sent from this site"),
                    "{text}"
                );
            }
        }
    }
    // Control: as this site sends it, it gets further.
    for said in [OWN, ("origin", own.as_str())] {
        let answer = house
            .send(
                &ann,
                Method::POST,
                "/posts/new",
                &[FORM, said],
                Body::empty(),
            )
            .await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
}

#[tokio::test]
async fn what_one_may_not_see_is_as_what_is_not_there() {
    let house = House::new().await;
    let (ann, ben) = (
        house.person("ann", false).await,
        house.person("ben", false).await,
    );
    let project = house.project(&ann, &[]).await;
    let dataset = house.dataset(&ann, &project, "a,b\n1,2\n").await;
    let new = json!({ "title": "t", "content": "c", "project_id": project });
    let post = house.made(&ann, "/api/v1/posts", new).await;
    let new = json!({ "project_id": project, "name": "mine" });
    house.made(&ann, "/api/v1/models", new).await;
    for (there, missing) in [
        (
            format!("/projects/{project}"),
            format!("/projects/{NOTHING}"),
        ),
        (
            format!("/projects/{project}/edit"),
            format!("/projects/{NOTHING}/edit"),
        ),
        (
            format!("/datasets/{dataset}"),
            format!("/datasets/{NOTHING}"),
        ),
        (
            format!("/datasets/{dataset}/profile"),
            format!("/datasets/{NOTHING}/profile"),
        ),
        ("/models/mine".to_owned(), "/models/none".to_owned()),
        (
            "/models/mine/edit".to_owned(),
            "/models/none/edit".to_owned(),
        ),
        (format!("/posts/{post}"), format!("/posts/{NOTHING}")),
        (
            format!("/posts/{post}/edit"),
            "/posts/no-id/edit".to_owned(),
        ),
        (format!("/posts/{post}"), "/no/such/page".to_owned()),
    ] {
        let (hidden, none) = (
            house.get(&ben, &there).await,
            house.get(&ben, &missing).await,
        );
        assert_eq!(hidden.status, 404, "{there}");
        assert_eq!(hidden.telling(), none.telling(), "{there}");
        // Control: for who may see it, it is something else.
        assert_eq!(house.get(&ann, &there).await.status, 200, "{there}");
    }
}

#[tokio::test]
async fn a_program_gets_problem_documents_from_pages_too() {
    let house = House::new().await;
    let as_program = async |path: &str| house.app.send(Method::GET, path, &[], Body::empty()).await;
    let answer = as_program("/projects").await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem()),
        (401, "unauthenticated".to_owned())
    );
    let answer = as_program("/api/v1/projects").await;
    assert_eq!(answer.status, 401);
    // A browser that asks the API is answered as every caller is.
    let answer = house.get(&Person::default(), "/api/v1/nothing").await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem()),
        (404, "not-found".to_owned())
    );
}

#[tokio::test]
async fn assets_are_kept_for_good_and_small() {
    let house = House::new().await;
    let page = house.page(&Person::default(), "/register").await;
    let mut paths = Vec::new();
    for (at, _) in page.match_indices("\"/assets/") {
        let rest = &page[at + 1..];
        paths.push(rest[..rest.find('"').unwrap()].to_owned());
    }
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in &paths {
        let plain = house.app.get(path).await;
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(
            plain.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        let packed = house
            .app
            .send(
                Method::GET,
                path,
                &[("accept-encoding", "gzip")],
                Body::empty(),
            )
            .await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        println!(
            "{path}: {} bytes, {} packed",
            plain.body.len(),
            packed.body.len()
        );
        assert!(plain.body.len() <= 12 << 10, "{path}: {}", plain.body.len());
    }
    assert_eq!(house.app.get("/assets/app.0000.js").await.status, 404);
}

/// Templates escape what they are given; the one way around that stands in one file.
#[test]
fn one_file_writes_unescaped_html() {
    let files = crate::laws::layers::sources(std::path::Path::new("src"));
    let with: Vec<String> = files
        .iter()
        .filter(|file| {
            std::fs::read_to_string(file)
                .unwrap()
                .contains("PreEscaped")
        })
        .map(|file| file.display().to_string())
        .collect();
    assert_eq!(with, ["src/console/markup.rs"]);
}
