//! Every route by the document: the methods it names are taken and answered as it says, the others
//! refused.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;

use crate::support::app::TestApp;

const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "patch", "head", "options", "trace", "brew",
];

#[tokio::test]
async fn every_route_takes_the_methods_it_documents_and_no_other() {
    let app = TestApp::new().await;
    // Nobody watches the database here.
    app.app.health.good();
    let document = app.get("/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled: String = path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    "/018f0000-0000-7000-8000-000000000000".to_owned()
                } else {
                    format!("/{part}")
                }
            })
            .skip(1)
            .collect();
        let mut documented: BTreeSet<&str> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        if documented.contains("get") {
            documented.insert("head");
        }
        for method in METHODS {
            let upper = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = app.send(upper, &filled, &[], Body::empty()).await;
            let name = format!("{method} {filled}");
            assert!(
                !answer.status.is_server_error(),
                "{name}: {}",
                answer.status
            );
            assert_eq!(
                answer.status.as_u16() != 405,
                documented.contains(method),
                "{name}: {}",
                answer.status
            );
            match answer.status.as_u16() {
                405 => {
                    let allowed: BTreeSet<_> = answer
                        .header("allow")
                        .split(',')
                        .map(|it| it.trim().to_lowercase())
                        .collect();
                    assert_eq!(
                        allowed,
                        documented.iter().map(|it| (*it).to_owned()).collect(),
                        "{name}"
                    );
                    // The answer to HEAD has no body.
                    if method != "head" {
                        assert_eq!(answer.problem(), "method-not-allowed", "{name}");
                    }
                }
                status if status < 400 => {
                    let read = if method == "head" { "get" } else { method };
                    assert!(
                        item[read]["responses"][status.to_string()].is_object(),
                        "{name}: {status} is not documented"
                    );
                }
                _ if method != "head" => assert!(!answer.problem().is_empty()),
                _ => {}
            }
            // What is not documented is not taken.
            let parameters = item[method]["parameters"].as_array();
            let takes_fields =
                parameters.is_some_and(|all| all.iter().any(|it| it["explode"] == true));
            if documented.contains(method) && method != "head" && !takes_fields {
                let answer = app
                    .send(
                        method.to_uppercase().parse().unwrap(),
                        &format!("{filled}?no-such-parameter=1"),
                        &[],
                        Body::empty(),
                    )
                    .await;
                assert_eq!(answer.problem(), "unknown-parameter", "{name}");
            }
        }
    }
}
