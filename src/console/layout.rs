//! What every page is set in: the head with its ways, the foot with the page's own calls of the
//! API, and the headers that keep a page to this site.

use axum::response::{Html, IntoResponse as _, Response};
use chrono::Utc;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, REFRESH, SET_COOKIE, VARY,
};
use http::{HeaderName, HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::parts::copy;
use super::view::{Frame, heard, moment};
use crate::http::shell::pages::ShownPage;

const POLICY: (HeaderName, HeaderValue) = (
    CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types chartroom",
    ),
);
const OPENER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderValue::from_static("same-origin"),
);
const PERMISSIONS: (HeaderName, HeaderValue) = (
    HeaderName::from_static("permissions-policy"),
    HeaderValue::from_static(
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
);
/// Other sites do not learn which page a link was on.
const REFERRER: (HeaderName, HeaderValue) =
    (REFERRER_POLICY, HeaderValue::from_static("same-origin"));
const VARIES: (HeaderName, HeaderValue) = (
    VARY,
    HeaderValue::from_static("Authorization, Cookie, Accept, Accept-Encoding, Accept-Language"),
);

/// What the head shows.
#[derive(Clone, Copy, Debug)]
pub enum Top {
    /// Of somebody who is signed in.
    Signed {
        is_admin: bool,
        unread: i64,
    },
    Nobody,
    /// Of a page that is the same for all.
    Plain,
}

pub struct Page<'a> {
    frame: &'a Frame,
    top: Top,
    public_url: &'a str,
    title: String,
    width: &'static str,
    status: StatusCode,
    calls: Vec<String>,
    python: Option<String>,
    refresh: Option<u32>,
}

impl<'a> Page<'a> {
    pub fn new(frame: &'a Frame, top: Top, public_url: &'a str, title: String) -> Self {
        Self {
            frame,
            top,
            public_url,
            title,
            width: "",
            status: StatusCode::OK,
            calls: Vec::new(),
            python: None,
            refresh: None,
        }
    }

    /// A path of the API that has the same, or a part of it.
    #[must_use]
    pub fn api(mut self, path: impl Into<String>) -> Self {
        self.calls.push(path.into());
        self
    }

    /// The same with the library for Python.
    #[must_use]
    pub fn python(mut self, text: String) -> Self {
        self.python = Some(text);
        self
    }

    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// `narrow` for forms, `middle` for texts.
    #[must_use]
    pub fn width(mut self, width: &'static str) -> Self {
        self.width = width;
        self
    }

    /// Looked at again after so many seconds, without a script.
    #[must_use]
    pub fn again_in(mut self, seconds: Option<u32>) -> Self {
        self.refresh = seconds;
        self
    }

    pub fn show(self, body: Markup) -> Response {
        let text = self.html(&body).into_string();
        let mut response = (
            self.status,
            [POLICY, OPENER, PERMISSIONS, REFERRER, VARIES],
            Html(text),
        )
            .into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        if let Some(seconds) = self.refresh {
            headers.insert(REFRESH, HeaderValue::from(seconds));
        }
        if self.frame.done.is_some() && !matches!(self.top, Top::Plain) {
            headers.extend(heard().map(|heard| (SET_COOKIE, heard)));
        }
        response.extensions_mut().insert(ShownPage);
        response
    }

    fn html(&self, body: &Markup) -> Markup {
        let Frame {
            lang,
            display,
            done,
            ..
        } = self.frame;
        let keys = display.no_keys.then_some("off");
        html! {
            (DOCTYPE)
            html lang=(lang.code()) data-theme=[display.theme] data-keys=[keys] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " - Chartroom" }
                    link rel="icon" href=(assets::icon()) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::style());
                    script src=(assets::script()) defer {}
                }
                body {
                    a.skip href="#main" { (lang.skip()) }
                    header.top { div {
                        a.brand href="/" { "Chartroom" }
                        (self.ways())
                    } }
                    main #main.(self.width) tabindex="-1" {
                        @if let (Some(done), false) = (done, matches!(self.top, Top::Plain)) {
                            p.note.good role="status" { (done.said(*lang)) }
                        }
                        (body)
                    }
                    footer.foot { div { (self.foot()) } }
                    @if matches!(self.top, Top::Signed { .. }) { (self.keys()) }
                }
            }
        }
    }

    /// Where one can go from everywhere.
    fn ways(&self) -> Markup {
        let lang = self.frame.lang;
        let here = self.frame.uri.path();
        let way = |path: &str, text: &str| {
            let is_here = here
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            html! { a href=(path) aria-current=[is_here.then_some("page")] { (text) } }
        };
        match self.top {
            Top::Plain => html! {},
            Top::Nobody => html! {
                nav.mine aria-label=(lang.you()) { (way("/sign-in", lang.sign_in())) }
            },
            Top::Signed { is_admin, unread } => html! {
                nav aria-label=(lang.main_menu()) {
                    (way("/home", lang.home()))
                    (way("/projects", lang.projects()))
                    (way("/datasets", lang.datasets()))
                    (way("/models", lang.models()))
                    (way("/posts", lang.posts()))
                    @if is_admin { (way("/admin", lang.administration())) }
                }
                nav.mine aria-label=(lang.you()) {
                    a href="/notifications" aria-current=[here.starts_with("/notifications").then_some("page")] {
                        (lang.notifications())
                        @if unread > 0 {
                            " " span.badge { @if unread > 99 { "99+" } @else { (unread) } }
                        }
                    }
                    (way("/me", lang.me()))
                    form method="post" action="/sign-out" { button.quiet { (lang.sign_out()) } }
                }
            },
        }
    }

    fn foot(&self) -> Markup {
        let lang = self.frame.lang;
        html! {
            @if !self.calls.is_empty() {
                @let calls = self.calls.iter().map(|path| curl(self.public_url, path));
                details {
                    summary { (lang.api_call()) }
                    pre tabindex="0" { code #call { (calls.collect::<Vec<_>>().join("\n")) } }
                    p.row { (copy(lang, "call")) span { (lang.api_help()) } }
                    @if let Some(python) = &self.python {
                        pre tabindex="0" { code #python { (python) } }
                        p.row { (copy(lang, "python")) span { "Python" } }
                    }
                }
            }
            p.links {
                a href="/docs" { (lang.api_docs()) }
                @if matches!(self.top, Top::Signed { .. }) {
                    span { kbd { "?" } " " (lang.keyboard()) }
                }
            }
            // A page that is the same for all does not say when and where it is.
            @if !matches!(self.top, Top::Plain) {
                p.printed {
                    (lang.printed_at(self.public_url))
                    (self.frame.uri)
                    ", "
                    (moment(lang, Utc::now()))
                    " UTC"
                }
            }
        }
    }

    fn keys(&self) -> Markup {
        let lang = self.frame.lang;
        html! {
            dialog #keys aria-labelledby="keys-title" {
                h2 #keys-title { (lang.keyboard()) }
                dl {
                    dt { kbd { "/" } } dd { (lang.key_search()) }
                    dt {
                        kbd { "g" }
                        " "
                        kbd { "p" }
                        " "
                        kbd { "o" }
                        " "
                        kbd { "d" }
                        " "
                        kbd { "m" }
                        " "
                        kbd { "h" }
                    }
                    dd { (lang.key_go()) }
                    dt { kbd { "j" } " " kbd { "k" } " " kbd { "Enter" } } dd { (lang.key_list()) }
                    dt { kbd { "?" } } dd { (lang.key_help()) }
                }
                button type="button" data-close { (lang.close()) }
            }
        }
    }
}

/// The same from a shell. A quote in the path is written as URLs write it.
fn curl(public_url: &str, path: &str) -> String {
    let path = path.replace('\'', "%27");
    format!("curl -H \"Authorization: Bearer $CHARTROOM_TOKEN\" '{public_url}{path}'")
}
