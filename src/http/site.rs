//! The documentation as the service serves it: the OpenAPI document, an interactive page whose
//! assets are in the binary, a page per error code.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Read as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use utoipa::openapi::OpenApi;

use crate::http::shell::encoding::{GZIP, accepts_gzip};
use crate::http::shell::pages::PageAsked;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// Paths outside the API that have a route.
pub const UNDOCUMENTED: &[&str] = &[
    "/",
    "/openapi.json",
    "/docs",
    "/docs/{*file}",
    "/errors",
    "/errors/{code}",
];

/// The name of the page among its files.
const INDEX: &str = "index.html";
/// Everything the page loads comes from here. Swagger UI sets styles of its own and draws with data
/// URLs.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
);
/// The files change only with the binary, and they are revalidated.
const FILE_CACHE: (HeaderName, HeaderValue) = (
    CACHE_CONTROL,
    HeaderValue::from_static("public, max-age=3600"),
);
const DOCUMENT_CACHE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));

/// The OpenAPI document, made when somebody first asks for it.
struct Document<M> {
    make: M,
    json: OnceCell<Bytes>,
}

impl<M: Fn() -> anyhow::Result<OpenApi> + Send + Sync + 'static> Document<M> {
    async fn json(self: Arc<Self>) -> ApiResult<Bytes> {
        let document = self.clone();
        let json = self.json.get_or_try_init(async || {
            // It takes longer than a thread that serves requests may be held up.
            let made = spawn_blocking(move || -> anyhow::Result<Vec<u8>> {
                Ok(serde_json::to_vec(&(document.make)()?)?)
            });
            anyhow::Ok(Bytes::from(made.await??))
        });
        json.await.cloned().map_err(ApiError::internal)
    }
}

/// `home` is where people begin, where there are pages for them.
pub fn router<S: Clone + Send + Sync + 'static>(
    document: impl Fn() -> anyhow::Result<OpenApi> + Send + Sync + 'static,
    home: Option<&'static str>,
) -> Router<S> {
    let document = Arc::new(Document {
        make: document,
        json: OnceCell::new(),
    });
    let page = Arc::new(
        utoipa_swagger_ui::Config::new(["/openapi.json"])
            .validator_url("none")
            .try_it_out_enabled(true)
            .persist_authorization(false),
    );
    let index = Bytes::from(page_of_api(home));
    let begin_at = index.clone();
    Router::new()
        .route(
            "/",
            get(async move |headers: HeaderMap| begin(home, &headers)),
        )
        .route(
            "/openapi.json",
            get(async move || -> ApiResult<Response> {
                let kind = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let json = document.clone().json().await?;
                Ok(([kind, DOCUMENT_CACHE], json).into_response())
            }),
        )
        .route("/docs", get(async move || page_answer(index.clone())))
        .route(
            "/docs/{*file}",
            get(
                async move |Path(name): Path<String>, headers: HeaderMap| match name.as_str() {
                    INDEX => page_answer(begin_at.clone()),
                    name => file(&page, name, &headers),
                },
            ),
        )
        .route(
            "/errors",
            get(async || ([DOCUMENT_CACHE], Html(page_of("Errors", &list_of_codes())))),
        )
        .route("/errors/{code}", get(error_page))
}

/// People begin at a page, programs at the documentation.
fn begin(home: Option<&'static str>, headers: &HeaderMap) -> Redirect {
    let home = home.filter(|_| PageAsked::takes_html(headers));
    Redirect::temporary(home.unwrap_or("/docs"))
}

/// Where Swagger UI draws. `/docs` and `/docs/` mean the same here, so what it loads must not
/// depend on which one it was.
fn page_of_api(home: Option<&'static str>) -> String {
    let home = home.map(|home| {
        format!(
            "<p style=\"margin: 0; padding: 1em 2em; font: 1em sans-serif\">\
             <a href=\"{home}\">Chartroom</a></p>\n"
        )
    });
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chartroom API</title>
<base href="/docs/">
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
<link rel="stylesheet" href="index.css">
</head>
<body>
{}<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="swagger-ui-standalone-preset.js"></script>
<script src="swagger-initializer.js"></script>
</body>
</html>
"#,
        home.unwrap_or_default()
    )
}

fn page_answer(page: Bytes) -> Response {
    let policy = (CONTENT_SECURITY_POLICY, PAGE_POLICY);
    ([policy, DOCUMENT_CACHE], Html(page)).into_response()
}

fn file(
    config: &Arc<utoipa_swagger_ui::Config<'static>>,
    name: &str,
    headers: &HeaderMap,
) -> Response {
    let broken = |error: &dyn Display| {
        ApiError::internal(anyhow::anyhow!("the documentation page: {error}")).into_response()
    };
    let file = match utoipa_swagger_ui::serve(name, config.clone()) {
        Ok(Some(file)) => file,
        Ok(None) => return ApiError::not_found("file").into_response(),
        Err(error) => return broken(&error),
    };
    let kind = HeaderValue::from_str(&file.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let head = [(CONTENT_TYPE, kind), FILE_CACHE];
    // The binary's own bytes: thousands of readers of a large file share one copy.
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    if !file.gzpipped {
        return (head, bytes).into_response();
    }
    if accepts_gzip(headers) {
        return (head, [(CONTENT_ENCODING, GZIP)], bytes).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(bytes.as_ref()).read_to_end(&mut plain) {
        Ok(_) => (head, plain).into_response(),
        Err(error) => broken(&error),
    }
}

async fn error_page(Path(code): Path<String>) -> Response {
    match Code::ALL.iter().find(|known| known.as_str() == code) {
        Some(known) => (
            [DOCUMENT_CACHE],
            Html(page_of(known.as_str(), &describe(*known))),
        )
            .into_response(),
        None => ApiError::not_found("error code").into_response(),
    }
}

fn describe(code: Code) -> String {
    let help = code.help().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<h2 id=\"{0}\"><a href=\"/errors/{0}\">{0}</a> ({1})</h2><p><b>{2}.</b> {help}</p>",
        code.as_str(),
        code.status().as_u16(),
        code.title()
    )
}

fn list_of_codes() -> String {
    Code::ALL.iter().map(|code| describe(*code)).collect()
}

fn page_of(title: &str, content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Chartroom</title></head><body><h1>{title}</h1>{content}<p><a href=\"/docs\">API documentation</a></p></body></html>"
    )
}
