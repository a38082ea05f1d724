//! The page at `/docs` in a real browser: it works, it is quiet, and it asks nobody but the service itself.

use crate::support::webdriver::Browser;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(20);
const OPERATION: &str = r#"[id^="operations-"][id$="-get_version"]"#;

/// All that is wrong with the page, one complaint per line.
pub(crate) async fn check_docs_page(browser: &mut Browser, base_url: &str) -> Result<(), String> {
    browser.forget().await?;
    let mut complaints = Vec::new();
    if let Err(complaint) = try_it_out(browser, base_url).await {
        complaints.push(complaint);
    }
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
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}

/// Schemes that never leave the browser.
fn is_local(url: &str) -> bool {
    ["data:", "blob:", "about:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

async fn try_it_out(browser: &Browser, base_url: &str) -> Result<(), String> {
    browser.navigate(&format!("{base_url}/docs")).await?;
    browser.wait_for(OPERATION, WITHIN).await?;
    browser
        .click_on(&format!("{OPERATION} .opblock-summary-control"), WITHIN)
        .await?;
    browser
        .click_on(&format!("{OPERATION} .try-out__btn"), WITHIN)
        .await?;
    browser
        .click_on(&format!("{OPERATION} .execute"), WITHIN)
        .await?;
    let shown = format!("{OPERATION} .live-responses-table .response .response-col_status");
    let shown = browser.wait_for(&shown, WITHIN).await?;
    let status = browser.text(&shown).await?;
    if status.trim().starts_with("200") {
        Ok(())
    } else {
        Err(format!("get_version shows {status:?}"))
    }
}

mod stand_in {
    //! A service with a docs page, to prove the check, and ways to spoil that page.

    use super::check_docs_page;
    use crate::support::{stand_in, webdriver::Browser};
    use axum::{
        Json, Router,
        extract::Path,
        http::{StatusCode, header::CONTENT_TYPE},
        response::{IntoResponse, Redirect, Response},
        routing::get,
    };
    use serde_json::json;
    use std::sync::Arc;
    use tokio_util::task::AbortOnDropHandle;
    use utoipa_swagger_ui::Config;

    /// The script runs in the docs page; `status` is what `get_version` answers.
    async fn serve(script: &'static str, status: StatusCode) -> (String, AbortOnDropHandle<()>) {
        let config = Arc::new(Config::from("/openapi.json").validator_url("none"));
        let openapi = json!({
            "openapi": "3.1.0",
            "info": {"title": "stand-in", "version": "1"},
            "paths": {"/api/v1/version": {"get": {
                "operationId": "get_version",
                "tags": ["service"],
                "responses": {"200": {"description": "The version"}},
            }}},
        });
        let page = async move |path: String| -> Response {
            let Ok(Some(file)) = utoipa_swagger_ui::serve(&path, config) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            let mut bytes = file.bytes.into_owned();
            if path.is_empty() {
                bytes.extend(format!("<script>{script}</script>").into_bytes());
            }
            ([(CONTENT_TYPE, file.content_type)], bytes).into_response()
        };
        let index = page.clone();
        let router = Router::new()
            .route("/docs", get(async || Redirect::permanent("/docs/")))
            .route("/docs/", get(async move || index(String::new()).await))
            .route(
                "/docs/{*path}",
                get(async move |Path(path): Path<String>| page(path).await),
            )
            .route("/openapi.json", get(async move || Json(openapi)))
            .route(
                "/api/v1/version",
                get(async move || (status, Json(json!({"version": "1"})))),
            );
        let (addr, task) = stand_in::serve(router).await;
        (format!("http://{addr}"), task)
    }

    #[tokio::test]
    async fn passes_a_good_page() {
        let Some(mut browser) = Browser::start().await else {
            return;
        };
        let (base_url, _task) = serve("", StatusCode::OK).await;
        check_docs_page(&mut browser, &base_url).await.unwrap();
    }

    #[tokio::test]
    async fn sees_each_fault() {
        let Some(mut browser) = Browser::start().await else {
            return;
        };
        let faults = [
            ("console.error('spoiled')", StatusCode::OK, "console: "),
            (
                "new Image().src = 'http://127.0.0.2:9/x'",
                StatusCode::OK,
                "asks another host: http://127.0.0.2:9/x",
            ),
            (
                "fetch('http://localhost.invalid/y').catch(() => {})",
                StatusCode::OK,
                "http://localhost.invalid/y",
            ),
            (
                "new WebSocket('ws://127.0.0.2:9/z')",
                StatusCode::OK,
                "asks another host: ws://127.0.0.2:9/z",
            ),
            (
                "",
                StatusCode::SERVICE_UNAVAILABLE,
                "get_version shows \"503",
            ),
        ];
        for (script, status, complaint) in faults {
            let (base_url, _task) = serve(script, status).await;
            match check_docs_page(&mut browser, &base_url).await {
                Ok(()) => unreachable!("{script:?} and {status} went unseen"),
                Err(seen) => assert!(seen.contains(complaint), "{script:?} and {status}: {seen}"),
            }
        }
        // A browser that has seen them all judges the next page by itself alone.
        let (base_url, _task) = serve("", StatusCode::OK).await;
        check_docs_page(&mut browser, &base_url).await.unwrap();
    }
}
