//! The cookie: how it is set, whose requests may use it to change something, and where a sign-in
//! may lead.

use super::*;

#[tokio::test]
async fn a_sign_in_sets_a_new_cookie_that_only_this_host_gets() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let planted = "__Host-session=planted-by-somebody-else";
    let mut seen = Vec::new();
    for _ in 0..2 {
        let fields = [("username", "ann"), ("password", PASSWORD)];
        let headers = [FORM, ("cookie", planted)];
        let answer = app
            .send(Method::POST, "/auth/login", &headers, form(&fields))
            .await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        let cookie = answer.header("set-cookie").to_owned();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(
            attributes,
            "Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"
        );
        let secret = pair.strip_prefix("__Host-session=").unwrap();
        assert!(secret.len() >= 43 && !seen.contains(&secret.to_owned()));
        seen.push(secret.to_owned());
    }
    let as_cookie = async |method: Method, target: &str, cookie: &str| {
        let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
        app.send(method, target, &headers, Body::empty()).await
    };
    assert_eq!(
        as_cookie(Method::GET, "/api/v1/me", planted).await.status,
        401
    );
    let (one, two) = (ann.cookie(&app).await, ann.cookie(&app).await);
    for cookie in [&one, &two] {
        assert_eq!(
            as_cookie(Method::GET, "/api/v1/me", cookie).await.status,
            200
        );
    }
    let out = as_cookie(Method::POST, "/auth/logout", &one).await;
    assert_eq!(out.status, 204);
    assert_eq!(
        out.header("set-cookie"),
        "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    );
    assert_eq!(as_cookie(Method::GET, "/api/v1/me", &one).await.status, 401);
    assert_eq!(as_cookie(Method::GET, "/api/v1/me", &two).await.status, 200);

    let wrong = post_form(
        &app,
        "/auth/login",
        &[("username", "ann"), ("password", "wrong password")],
    )
    .await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.header("set-cookie"), "");
}

#[tokio::test]
async fn only_this_site_changes_anything_with_the_cookie() {
    let app = app(&[]).await;
    let ann = Person::register(&app, "ann").await;
    let (cookie, bearer) = (ann.cookie(&app).await, ann.sign_in(&app).await.bearer());
    let own = app.app.public_url.clone();
    let (longer, other_port) = (format!("{own}.evil.example"), format!("{own}1"));
    let table: Vec<(Vec<(&str, &str)>, bool)> = vec![
        (vec![("sec-fetch-site", "same-origin")], true),
        (vec![("sec-fetch-site", "none")], true),
        (vec![("origin", &own)], true),
        (vec![("sec-fetch-site", "same-site")], false),
        (vec![("sec-fetch-site", "cross-site")], false),
        (vec![("sec-fetch-site", "")], false),
        (vec![("sec-fetch-site", "Same-Origin")], false),
        (vec![("sec-fetch-site", "same-origin, cross-site")], false),
        (
            vec![("sec-fetch-site", "cross-site"), ("origin", &own)],
            false,
        ),
        (
            vec![("sec-fetch-site", "same-site"), ("origin", &own)],
            false,
        ),
        (vec![("origin", "https://evil.example")], false),
        (vec![("origin", "null")], false),
        (vec![("origin", "")], false),
        (vec![("origin", &longer)], false),
        (vec![("origin", &other_port)], false),
        (vec![("referer", &own)], false),
        (vec![], false),
    ];
    for (n, (said, may)) in table.iter().enumerate() {
        let name = format!("name {n}");
        let body = json!({ "name": name }).to_string();
        let patch = async |credential: (&str, &str)| {
            let headers = [&[PATCH, credential], &said[..]].concat();
            app.send(Method::PATCH, "/api/v1/me", &headers, body.clone().into())
                .await
        };
        let answer = patch(("cookie", &cookie)).await;
        let now = get_as(&app, "/api/v1/me", &bearer).await.json();
        if *may {
            assert_eq!(answer.status, 200, "{said:?}: {}", answer.text());
        } else {
            assert_eq!(answer.status, 403, "{said:?}: {}", answer.text());
            assert_eq!(answer.problem(), "forbidden");
        }
        assert_eq!(now["name"] == name.as_str(), *may, "{said:?}");
        // Reading is no change, and a token comes from nobody by accident.
        let headers = [&[("cookie", cookie.as_str())], &said[..]].concat();
        let read = app
            .send(Method::GET, "/api/v1/me", &headers, Body::empty())
            .await;
        assert_eq!(read.status, 200, "{said:?}");
        let answer = patch(("authorization", &bearer)).await;
        assert_eq!(answer.status, 200, "{said:?}");
    }
}

async fn sign_in_to(app: &TestApp, next: &str, said: &[(&str, &str)]) -> Answer {
    let fields = [("username", "ann"), ("password", PASSWORD), ("next", next)];
    let headers = [&[FORM, ("accept", "text/html,*/*;q=0.8")], said].concat();
    app.send(Method::POST, "/auth/login", &headers, form(&fields))
        .await
}

#[tokio::test]
async fn a_sign_in_comes_from_this_site() {
    let app = app(&[]).await;
    Person::register(&app, "ann").await;
    let own = app.app.public_url.clone();
    for (said, may) in [
        (("sec-fetch-site", "same-origin"), true),
        (("sec-fetch-site", "none"), true),
        (("origin", own.as_str()), true),
        (("user-agent", "a script"), true),
        (("sec-fetch-site", "same-site"), false),
        (("sec-fetch-site", "cross-site"), false),
        (("origin", "https://evil.example"), false),
        (("origin", "null"), false),
    ] {
        let answer = sign_in_to(&app, "/docs", &[said]).await;
        assert_eq!(answer.status, if may { 303 } else { 403 }, "{said:?}");
        assert_eq!(answer.header("set-cookie").is_empty(), !may, "{said:?}");
    }
}

#[tokio::test]
async fn a_sign_in_leads_nowhere_else() {
    let app = app(&[]).await;
    Person::register(&app, "ann").await;
    for good in [
        "/",
        "/docs",
        "/docs?a=b&c=%2F%2Fd#e",
        "/%2F/evil.example",
        "/%09/evil.example",
    ] {
        let answer = sign_in_to(&app, good, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, good)
        );
    }
    let bad = [
        "",
        " ",
        "docs",
        "?a",
        "#a",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/\r\nset-cookie: a=b",
        "/\0/evil.example",
        "/ /evil.example",
        " //evil.example",
        " /docs",
        "/docs\\..\\evil",
        "https://evil.example",
        "HTTPS://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "user@evil.example",
        "//user@evil.example",
        "//127.0.0.1:8080@evil.example/",
        ".//evil.example",
        "@evil.example",
        ".evil.example",
        "/\u{ff0f}evil.example",
        "\u{ff0f}\u{ff0f}evil.example",
        "/\u{202e}evil",
    ];
    for next in bad {
        let answer = sign_in_to(&app, next, &[]).await;
        assert_eq!(answer.status, 400, "{next:?}: {}", answer.text());
        // A form with a NUL is refused as a form.
        assert!(["invalid-parameter", "bad-request"].contains(&answer.problem().as_str()));
        assert_eq!(
            (answer.header("location"), answer.header("set-cookie")),
            ("", "")
        );
    }
}

/// What a browser adds by itself: the cookies it was given, where the request comes from, and no
/// `Authorization`.
#[derive(Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    /// A script of a page at `page` asks the service at `own`.
    async fn fetch(
        &mut self,
        app: &TestApp,
        page: &str,
        method: Method,
        target: &str,
        (kind, body): ((&str, &str), String),
    ) -> Answer {
        let own = app.app.public_url.clone();
        let site = if page == own {
            "same-origin"
        } else {
            "cross-site"
        };
        let jar: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let jar = jar.join("; ");
        let mut headers = vec![kind, ("sec-fetch-site", site), ("sec-fetch-mode", "cors")];
        if method != Method::GET || page != own {
            headers.push(("origin", page));
        }
        // SameSite=Lax keeps it from other sites' scripts; a browser that did not would be refused
        // all the same.
        if !jar.is_empty() {
            headers.push(("cookie", &jar));
        }
        let answer = app.send(method, target, &headers, body.into()).await;
        for line in answer.headers.get_all("set-cookie") {
            let (pair, attributes) = line.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            // What a browser asks of a cookie with this prefix.
            let parts: Vec<&str> = attributes.split("; ").collect();
            assert!(
                name.starts_with("__Host-")
                    && parts.contains(&"Secure")
                    && parts.contains(&"Path=/")
            );
            assert!(!attributes.contains("Domain"));
            self.cookies.retain(|(known, _)| known != name);
            if !parts.contains(&"Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

#[tokio::test]
async fn a_website_signs_in_reads_changes_and_signs_out_with_the_cookie_alone() {
    let app = app(&[]).await;
    Person::register(&app, "ann").await;
    let own = app.app.public_url.clone();
    let evil = "https://evil.example";
    let nothing = || (JSON, String::new());
    let rename = |name: &str| (PATCH, json!({ "name": name }).to_string());
    let mut browser = Browser::default();

    let before = browser
        .fetch(&app, &own, Method::GET, "/api/v1/me", nothing())
        .await;
    assert_eq!(before.status, 401);
    // Or the browser would ask for a password with a dialog of its own.
    assert!(!before.header("www-authenticate").contains("Basic"));

    let fields = [("username", "ann"), ("password", PASSWORD)];
    let login = || (FORM, serde_urlencoded::to_string(fields).unwrap());
    let foreign = browser
        .fetch(&app, evil, Method::POST, "/auth/login", login())
        .await;
    assert_eq!((foreign.status.as_u16(), browser.cookies.len()), (403, 0));
    let signed_in = browser
        .fetch(&app, &own, Method::POST, "/auth/login", login())
        .await;
    assert_eq!((signed_in.status.as_u16(), browser.cookies.len()), (204, 1));
    assert!(signed_in.text().is_empty());

    let me = browser
        .fetch(&app, &own, Method::GET, "/api/v1/me", nothing())
        .await;
    assert_eq!(me.json()["username"], "ann");
    let changed = browser
        .fetch(&app, &own, Method::PATCH, "/api/v1/me", rename("Ann"))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    for (method, target, body) in [
        (Method::PATCH, "/api/v1/me", rename("Eve")),
        (Method::POST, "/auth/logout", nothing()),
        (Method::DELETE, "/api/v1/me/sessions", nothing()),
    ] {
        let refused = browser.fetch(&app, evil, method, target, body).await;
        assert_eq!(refused.status, 403, "{target}");
        // Without this header a script of another site may not even read the refusal.
        assert_eq!(refused.header("access-control-allow-origin"), "");
    }
    let me = browser
        .fetch(&app, &own, Method::GET, "/api/v1/me", nothing())
        .await;
    assert_eq!(me.json()["name"], "Ann");

    let old = browser.cookies.clone();
    let out = browser
        .fetch(&app, &own, Method::POST, "/auth/logout", nothing())
        .await;
    assert_eq!((out.status.as_u16(), browser.cookies.len()), (204, 0));
    browser.cookies = old;
    let after = browser
        .fetch(&app, &own, Method::GET, "/api/v1/me", nothing())
        .await;
    assert_eq!(after.status, 401, "a thief's copy is as dead as the cookie");
}
