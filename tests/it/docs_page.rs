//! The page at `/docs` in a real browser: it works, it is quiet, and it asks nobody but the service
//! itself.

use crate::support::webdriver::Browser;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(20);
const OPERATION: &str = r#"[id^="operations-"][id$="-get_version"]"#;

/// All that is wrong with the page, one complaint per line.
pub(crate) async fn check_docs_page(
    browser: &mut Browser,
    base_url: &str,
    path: &str,
) -> Result<(), String> {
    browser.forget().await?;
    let mut complaints = Vec::new();
    if let Err(complaint) = try_it_out(browser, base_url, path).await {
        complaints.push(complaint);
    }
    complaints.extend(noise(browser, base_url).await?);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}

/// What the console says, and every request to somebody else, since the browser last forgot.
async fn noise(browser: &mut Browser, base_url: &str) -> Result<Vec<String>, String> {
    let mut complaints = Vec::new();
    for entry in browser
        .console()
        .await?
        .iter()
        .filter(|entry| entry.level == "SEVERE")
    {
        complaints.push(format!("console: {}", entry.message));
    }
    let requested = browser.requested().await?;
    if !requested.iter().any(|url| url.starts_with(base_url)) {
        complaints
            .push("the browser's log names no request at all, so it proves nothing".to_owned());
    }
    let inside = format!("{base_url}/");
    for url in requested
        .iter()
        .filter(|url| !url.starts_with(&inside) && !is_local(url))
    {
        complaints.push(format!("asks another host: {url}"));
    }
    Ok(complaints)
}

/// Schemes that never leave the browser.
fn is_local(url: &str) -> bool {
    ["data:", "blob:", "about:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

async fn try_it_out(browser: &Browser, base_url: &str, path: &str) -> Result<(), String> {
    browser.navigate(&format!("{base_url}{path}")).await?;
    open(browser, OPERATION).await?;
    let (status, _) = execute(browser, OPERATION).await?;
    if status.starts_with("200") {
        Ok(())
    } else {
        Err(format!("get_version shows {status:?}"))
    }
}

async fn open(browser: &Browser, operation: &str) -> Result<(), String> {
    browser.wait_for(operation, WITHIN).await?;
    browser
        .click_on(&format!("{operation} .opblock-summary-control"), WITHIN)
        .await
}

/// The status and the body that the page shows. It is set up to try operations out without asking
/// first.
async fn execute(browser: &Browser, operation: &str) -> Result<(String, String), String> {
    browser
        .click_on(&format!("{operation} .execute"), WITHIN)
        .await?;
    let shown = format!("{operation} .live-responses-table .response");
    let status = browser
        .wait_for(&format!("{shown} .response-col_status"), WITHIN)
        .await?;
    let body = browser.find(&format!("{shown} .microlight")).await?;
    let status = browser.text(&status).await?;
    Ok((status.trim().to_owned(), browser.text(&body).await?))
}

mod service {
    //! The page as the service serves it, with its own policy; then the same page with the
    //! controls' faults in it.

    use super::{WITHIN, check_docs_page, execute, noise, open};
    use crate::support::{
        app::TestApp,
        sockets::{Served, bind},
        stand_in,
        webdriver::Browser,
    };
    use axum::body::Body;
    use axum::{Router, extract::Request, http::StatusCode};
    use chartroom::{app::features::PublicShell, server::ConnectionLimits};
    use http::{HeaderValue, header};
    use std::sync::Arc;

    #[tokio::test]
    async fn works_at_both_addresses_and_is_quiet() {
        let Some(mut browser) = Browser::start().await else {
            return;
        };
        let listener = bind().await;
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = TestApp::with(&[&format!("--public-url={base_url}")], Default::default()).await;
        let _served = Served::on(listener, app.shell.clone(), ConnectionLimits::default());
        for path in ["/docs", "/docs/"] {
            check_docs_page(&mut browser, &base_url, path)
                .await
                .unwrap_or_else(|seen| panic!("{path}: {seen}"));
        }
        let requests = app.app.metrics.http_server_request_duration_seconds.clone();
        let tried = requests.with_label_values(&["GET", "/api/v1/version", "2xx"]);
        assert_eq!(tried.get_sample_count(), 2, "one call from each page");

        // The page of an error code is one that people are sent to: it shows, and its link leads to
        // the documentation.
        browser.forget().await.unwrap();
        browser
            .navigate(&format!("{base_url}/errors/not-found"))
            .await
            .unwrap();
        let heading = browser.wait_for("h2", WITHIN).await.unwrap();
        assert_eq!(browser.text(&heading).await.unwrap(), "not-found (404)");
        browser.click_on("a[href='/docs']", WITHIN).await.unwrap();
        browser.wait_for(".swagger-ui", WITHIN).await.unwrap();
    }

    const ME: &str = r#"[id^="operations-"][id$="-get_me"]"#;
    const CLOSE: &str = ".dialog-ux .close-modal";
    /// The buttons of the password flow: the dialog has others for every scheme.
    const SIGN_IN: &str = ".dialog-ux [aria-label='Apply given OAuth2 credentials']";
    const SIGN_OUT: &str = ".dialog-ux .authorize[aria-label='Remove authorization']";

    #[tokio::test]
    async fn its_authorize_button_signs_in_and_out() {
        let Some(mut browser) = Browser::start().await else {
            return;
        };
        let listener = bind().await;
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = TestApp::with(&[&format!("--public-url={base_url}")], Default::default()).await;
        let (email, password) = ("ann@example.com", "correct horse battery");
        let body = serde_json::json!({ "email": email, "password": password });
        let made = app.post_json("/api/v1/users", body.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let _served = Served::on(listener, app.shell.clone(), ConnectionLimits::default());

        browser.navigate(&format!("{base_url}/docs")).await.unwrap();
        open(&browser, ME).await.unwrap();
        sign_in(&browser, email, password).await.unwrap();
        let (status, shown) = execute(&browser, ME).await.unwrap();
        assert!(
            status.starts_with("200") && shown.contains(email),
            "{status}: {shown}"
        );
        assert_eq!(
            noise(&mut browser, &base_url).await.unwrap(),
            Vec::<String>::new()
        );

        sign_out(&browser).await.unwrap();
        let (status, shown) = execute(&browser, ME).await.unwrap();
        assert!(status.starts_with("401"), "{status}: {shown}");
    }

    async fn sign_in(browser: &Browser, login: &str, password: &str) -> Result<(), String> {
        browser
            .click_on(".auth-wrapper .btn.authorize.unlocked", WITHIN)
            .await?;
        for (field, text) in [("#oauth_username", login), ("#oauth_password", password)] {
            let field = browser.wait_for(field, WITHIN).await?;
            browser.send_keys(&field, text).await?;
        }
        browser.click_on(SIGN_IN, WITHIN).await?;
        browser.wait_for(SIGN_OUT, WITHIN).await?;
        browser.click_on(CLOSE, WITHIN).await?;
        browser
            .wait_for(".auth-wrapper .btn.authorize.locked", WITHIN)
            .await
            .map(drop)
    }

    async fn sign_out(browser: &Browser) -> Result<(), String> {
        browser
            .click_on(".auth-wrapper .btn.authorize.locked", WITHIN)
            .await?;
        browser.click_on(SIGN_OUT, WITHIN).await?;
        browser.wait_for(SIGN_IN, WITHIN).await?;
        browser.click_on(CLOSE, WITHIN).await
    }

    /// What the control does to the service.
    #[derive(Clone, Copy)]
    struct Fault {
        script: &'static str,
        /// Whether the page keeps the policy that the service sends.
        keeps_policy: bool,
        /// What `get_version` answers.
        status: StatusCode,
        complaint: &'static str,
    }

    /// The service's own answers, with a script in the page.
    async fn spoiled(
        shell: Arc<PublicShell>,
        request: Request,
        fault: Fault,
    ) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        let mut response = shell.handle(request).await;
        if path == "/api/v1/version" {
            *response.status_mut() = fault.status;
        }
        if !fault.keeps_policy {
            response
                .headers_mut()
                .remove(header::CONTENT_SECURITY_POLICY);
        }
        match path.as_str() {
            "/docs" => {
                let (mut parts, body) = response.into_parts();
                let mut page = axum::body::to_bytes(body, usize::MAX)
                    .await
                    .unwrap()
                    .to_vec();
                page.extend(format!("<script>{}</script>", fault.script).into_bytes());
                parts.headers.remove(header::CONTENT_LENGTH);
                http::Response::from_parts(parts, Body::from(page))
            }
            _ => response,
        }
    }

    #[tokio::test]
    async fn each_fault_is_seen() {
        let Some(mut browser) = Browser::start().await else {
            return;
        };
        let open = |script, complaint| Fault {
            script,
            keeps_policy: false,
            status: StatusCode::OK,
            complaint,
        };
        let faults = [
            open("console.error('spoiled')", "console: "),
            open(
                "new Image().src = 'http://127.0.0.2:9/x'",
                "asks another host: http://127.0.0.2:9/x",
            ),
            open(
                "fetch('http://localhost.invalid/y').catch(() => {})",
                "http://localhost.invalid/y",
            ),
            open(
                "new WebSocket('ws://127.0.0.2:9/z')",
                "asks another host: ws://127.0.0.2:9/z",
            ),
            Fault {
                status: StatusCode::SERVICE_UNAVAILABLE,
                ..open("", "get_version shows \"503")
            },
            // The policy stops a script that somebody got into the page, and the check hears of it.
            Fault {
                keeps_policy: true,
                ..open("document.title = 'spoiled'", "Content Security Policy")
            },
        ];
        for fault in faults {
            let listener = bind().await;
            let base_url = format!("http://{}", listener.local_addr().unwrap());
            let app =
                TestApp::with(&[&format!("--public-url={base_url}")], Default::default()).await;
            let shell = app.shell.clone();
            let router = Router::new().fallback(async move |mut request: Request| {
                // Compressed, the page could not be spoiled.
                request.headers_mut().insert(
                    header::ACCEPT_ENCODING,
                    HeaderValue::from_static("identity"),
                );
                spoiled(shell, request, fault).await
            });
            let _task = stand_in::serve_on(listener, router);
            match check_docs_page(&mut browser, &base_url, "/docs").await {
                Ok(()) => unreachable!("{:?} went unseen", fault.script),
                Err(seen) => assert!(seen.contains(fault.complaint), "{:?}: {seen}", fault.script),
            }
        }
    }
}
