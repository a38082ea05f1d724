//! Every documented operation with every kind of bad credential: what the document asks for is what
//! is enforced.

use super::forgeries::workshop::Forge;
use super::*;

struct Operation {
    method: Method,
    target: String,
    is_public: bool,
    is_optional: bool,
    is_admin: bool,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            if !operation["responses"].is_object() {
                continue;
            }
            // Any id will do: who asks is settled first.
            let target: Vec<&str> = path
                .split('/')
                .map(|part| {
                    if part.starts_with('{') {
                        "0192f0c1-2345-7000-8000-000000000000"
                    } else {
                        part
                    }
                })
                .collect();
            let security = operation["security"]
                .as_array()
                .unwrap_or_else(|| panic!("{method} {path} says nothing of security"));
            let is_free = |way: &Value| way.as_object().unwrap().is_empty();
            let scopes = security
                .iter()
                .flat_map(|way| way.as_object().unwrap().values());
            let mut scopes = scopes.flat_map(|scopes| scopes.as_array().unwrap());
            all.push(Operation {
                method,
                target: target.join("/"),
                is_public: security.is_empty(),
                is_optional: security.iter().any(is_free),
                is_admin: scopes.any(|scope| scope == "admin"),
            });
        }
    }
    all
}

#[tokio::test]
async fn documented_security_is_what_is_enforced() {
    // What the document calls optional is so with this setting, and asks for a caller without.
    let app = app(&["--posts-anonymous-read=true"]).await;
    // Nobody watches the database here.
    app.app.health.good();
    let ann = Person::register(&app, "ann").await;
    let revoked = ann.sign_in(&app).await;
    assert_eq!(me(&app, &revoked.bearer()).await, 200);
    post_form(&app, "/auth/revoke", &[("token", &revoked.access)]).await;
    let forge = Forge::of(&ann.sign_in(&app).await.access);
    let with = |claim: &str, value: Value| {
        let token = forge.token(&forge.header(), &forge.claims_with(claim, value));
        format!("Bearer {token}")
    };
    let bad = [
        ("garbage", "Bearer garbage".to_owned()),
        ("an unknown API token", "Bearer crt_garbage".to_owned()),
        ("a wrong password", basic("ann", "wrong password")),
        ("another scheme", "Digest garbage".to_owned()),
        (
            "expired",
            with("exp", json!(chrono::Utc::now().timestamp() - 1)),
        ),
        ("another audience", with("aud", json!("another"))),
        (
            "another issuer",
            with("iss", json!("https://another.example")),
        ),
        ("revoked", revoked.bearer()),
    ];
    let operations = operations(&app.get("/openapi.json").await.json());
    let count = |is: fn(&&Operation) -> bool| operations.iter().filter(is).count();
    assert!(count(|operation| operation.is_public) >= 5);
    assert!(count(|operation| !operation.is_public) >= 8);
    assert!(count(|operation| operation.is_admin) >= 1);
    for operation in &operations {
        let (method, target) = (&operation.method, operation.target.as_str());
        let anonymous = app.send(method.clone(), target, &[], Body::empty()).await;
        let is_free = operation.is_public || operation.is_optional;
        assert_eq!(
            anonymous.status != 401,
            is_free,
            "{method} {target}: {}",
            anonymous.text()
        );
        for (name, credential) in &bad {
            let answer = send_as(&app, method.clone(), target, credential).await;
            if operation.is_public {
                assert_eq!(answer.status, anonymous.status, "{method} {target} {name}");
            } else {
                assert_eq!(answer.status, 401, "{method} {target} {name}");
                assert!(!answer.header("www-authenticate").is_empty());
            }
        }
        // Control: a good one is let in, and only administrators where that is said.
        let answer = send_as(&app, method.clone(), target, &basic("ann", PASSWORD)).await;
        assert_ne!(answer.status, 401, "{method} {target}");
        assert_eq!(
            answer.status == 403,
            operation.is_admin,
            "{method} {target}: {}",
            answer.text()
        );
        assert!(!answer.status.is_server_error(), "{method} {target}");
    }
}
