//! Who looks at a page and how: the language, the colours, what was just done, and what the head of
//! every page shows.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::header::{LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use maud::{Markup, html};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::layout::{Page, Top};
use super::words::Lang;
use crate::db::Db;
use crate::http::shell::pages::{SAID, cookie};
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::principal::Principal;
use crate::kernel::types::PrincipalId;
use crate::notifications::model::unread;

/// The cookie of how somebody wants pages to look.
const DISPLAY: &str = "__Host-display";

/// How pages look to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// `None` is what the browser prefers.
    pub lang: Option<Lang>,
    pub theme: Option<&'static str>,
    pub no_keys: bool,
}

impl Display {
    pub const THEMES: [&str; 2] = ["light", "dark"];

    fn of(text: &str) -> Self {
        let mut parts = text.split('.');
        let mut next = || parts.next().unwrap_or_default();
        Self {
            lang: Lang::of_code(next()),
            theme: Self::theme_of(next()),
            no_keys: next() == "off",
        }
    }

    pub fn theme_of(word: &str) -> Option<&'static str> {
        Self::THEMES.into_iter().find(|known| *known == word)
    }

    pub fn cookie(self) -> ApiResult<HeaderValue> {
        let lang = self.lang.map_or("", Lang::code);
        let (theme, keys) = (
            self.theme.unwrap_or(""),
            if self.no_keys { "off" } else { "" },
        );
        set(DISPLAY, &format!("{lang}.{theme}.{keys}"), 31_536_000)
    }
}

fn set(name: &str, value: &str, seconds: u32) -> ApiResult<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(text).map_err(ApiError::internal)
}

/// What was done by the form that led here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Saved,
    Created,
    Deleted,
    Ended,
    Merged,
    SignedOut,
    Mailed,
}

impl Done {
    const ALL: [(&'static str, Self); 7] = [
        ("saved", Self::Saved),
        ("created", Self::Created),
        ("deleted", Self::Deleted),
        ("ended", Self::Ended),
        ("merged", Self::Merged),
        ("signed-out", Self::SignedOut),
        ("mailed", Self::Mailed),
    ];

    fn of(word: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map(|(_, done)| *done)
    }

    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, done)| *done == self);
        known.map_or("", |(word, _)| word)
    }

    pub fn said(self, lang: Lang) -> &'static str {
        match self {
            Self::Saved => lang.saved(),
            Self::Created => lang.was_created(),
            Self::Deleted => lang.deleted(),
            Self::Ended => lang.ended(),
            Self::Merged => lang.merged(),
            Self::SignedOut => lang.signed_out(),
            Self::Mailed => lang.mail_sent(),
        }
    }
}

/// What the head of the request says of who looks.
#[derive(Clone, Debug)]
pub struct Frame {
    pub lang: Lang,
    pub display: Display,
    pub uri: Uri,
    pub done: Option<Done>,
}

impl Frame {
    pub fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let display = cookie(headers, DISPLAY).map_or_else(Display::default, Display::of);
        Self {
            lang: display.lang.unwrap_or_else(|| Lang::preferred(headers)),
            display,
            uri: uri.clone(),
            done: cookie(headers, SAID).and_then(Done::of),
        }
    }
}

/// What a handler shows its page with.
pub struct View {
    pub frame: Frame,
    pub lang: Lang,
    pub who: Option<Principal>,
    pub public_url: String,
    /// Whether they are an administrator; `None` where nobody is signed in.
    is_admin: Option<bool>,
    unread: Option<Unread>,
}

/// The number of somebody's unread notifications, which is found while a page finds what it shows;
/// `None` where it cannot be found.
type Unread = Shared<BoxFuture<'static, Option<i64>>>;

fn find_unread(db: Arc<Db>, of: PrincipalId) -> Unread {
    let find = async move {
        db.look_up(async |connection| unread(connection, of).await)
            .await
    };
    let task = AbortOnDropHandle::new(tokio::spawn(find.in_current_span()));
    let found = async move {
        match task.await {
            Ok(Ok(unread)) => Some(unread),
            Ok(Err(error)) => {
                tracing::debug!(?error, "unread notifications cannot be counted");
                None
            }
            Err(_ended) => None,
        }
    };
    found.boxed().shared()
}

impl FromRequestParts<AppState> for View {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let frame = Frame::of(&parts.headers, &parts.uri);
        let who: Option<Principal> = parts.extensions.get().cloned();
        // Only what is read has a head; what a form does leads elsewhere.
        let is_read = parts.method.is_safe();
        let reader = who.iter().filter(|it| is_read && it.workload().is_none());
        let unread = reader.map(|who| find_unread(app.db.clone(), who.id)).next();
        Ok(Self {
            lang: frame.lang,
            frame,
            is_admin: who.as_ref().map(|who| who.is_admin),
            unread,
            who,
            public_url: app.public_url.clone(),
        })
    }
}

impl View {
    pub async fn page(&self, title: impl Into<String>) -> Page<'_> {
        let unread = match &self.unread {
            Some(unread) => unread.clone().await,
            None => None,
        };
        let top = match self.is_admin {
            Some(is_admin) => Top::Signed {
                is_admin,
                unread: unread.unwrap_or(0),
            },
            None => Top::Nobody,
        };
        Page::new(&self.frame, top, &self.public_url, title.into())
    }

    pub fn at(&self, time: DateTime<Utc>) -> Markup {
        at(self.lang, time)
    }

    pub fn number(&self, number: i64) -> String {
        number_of(self.lang, number)
    }
}

/// The answer to a form that has done something: the page to go on with.
pub fn done(done: Done, path: &str) -> ApiResult<Response> {
    let mut response = go(path)?;
    let said = set(SAID, done.word(), 30)?;
    response.headers_mut().append(SET_COOKIE, said);
    Ok(response)
}

/// The same where the page shows by itself what was done.
pub fn went(path: &str) -> ApiResult<Response> {
    let mut response = go(path)?;
    response.headers_mut().append(SET_COOKIE, set(SAID, "", 5)?);
    Ok(response)
}

pub fn go(path: &str) -> ApiResult<Response> {
    let path = HeaderValue::try_from(path).map_err(ApiError::internal)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response())
}

/// Takes back what was said, once a page has said it.
pub fn heard() -> Option<HeaderValue> {
    set(SAID, "", 0).ok()
}

pub fn day(lang: Lang, time: DateTime<Utc>) -> String {
    let format = match lang {
        Lang::En => "%Y-%m-%d",
        Lang::De => "%d.%m.%Y",
    };
    time.format(format).to_string()
}

pub fn moment(lang: Lang, time: DateTime<Utc>) -> String {
    format!("{} {}", day(lang, time), time.format("%H:%M"))
}

pub fn at(lang: Lang, time: DateTime<Utc>) -> Markup {
    let exact = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    html! { time datetime=(exact) title=(format!("{exact} UTC")) { (moment(lang, time)) } }
}

/// With what separates thousands.
pub fn number_of(lang: Lang, number: i64) -> String {
    let text = grouped(lang, &number.unsigned_abs().to_string());
    if number < 0 { format!("-{text}") } else { text }
}

/// The same of a number with at most two digits behind the point.
pub fn decimal_of(lang: Lang, number: f64) -> String {
    let text = format!("{:.2}", number.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let point = match lang {
        Lang::En => '.',
        Lang::De => ',',
    };
    let said = match text.split_once('.') {
        Some((whole, rest)) => format!("{}{point}{rest}", grouped(lang, whole)),
        None => grouped(lang, text),
    };
    let is_negative = number < 0.0 && text != "0";
    if is_negative {
        format!("-{said}")
    } else {
        said
    }
}

fn grouped(lang: Lang, digits: &str) -> String {
    let separator = match lang {
        Lang::En => ',',
        Lang::De => '.',
    };
    // What is no number, such as an infinity, has no thousands.
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if is_number && at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// The parameters of a URL.
pub fn pairs(uri: &Uri) -> Vec<(String, String)> {
    serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default()
}

/// A path with these parameters.
pub fn link(path: &str, pairs: &[(String, String)]) -> String {
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{query}"),
    }
}

/// The same page with some parameters given or, as `None`, taken away.
pub fn with(uri: &Uri, changes: &[(&str, Option<&str>)]) -> String {
    let mut all = pairs(uri);
    all.retain(|(name, value)| {
        !value.is_empty() && !changes.iter().any(|(changed, _)| changed == name)
    });
    let given = changes
        .iter()
        .filter_map(|(name, value)| value.map(|value| ((*name).to_owned(), value.to_owned())));
    all.extend(given);
    link(uri.path(), &all)
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    #[test]
    fn a_display_is_what_its_cookie_says() {
        for display in [
            Display::default(),
            Display {
                lang: Some(Lang::De),
                theme: Some("dark"),
                no_keys: true,
            },
        ] {
            let text = display.cookie().unwrap();
            let text = text.to_str().unwrap().split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(COOKIE, text.parse().unwrap())]);
            let frame = Frame::of(&headers, &Uri::from_static("/home"));
            assert_eq!(frame.display, display);
        }
        assert_eq!(Display::of("fr.<script>.x"), Display::default());
    }

    #[test]
    fn numbers_have_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-12_345_678, "-12,345,678"),
        ] {
            assert_eq!(number_of(Lang::En, number), text);
        }
        assert_eq!(number_of(Lang::De, 1_000), "1.000");
    }

    #[test]
    fn numbers_have_the_point_of_the_language() {
        for (number, english, german) in [
            (0.0, "0", "0"),
            (45_361.0, "45,361", "45.361"),
            (14.491, "14.49", "14,49"),
            (-1_234.5, "-1,234.5", "-1.234,5"),
            (-0.001, "0", "0"),
            (f64::INFINITY, "inf", "inf"),
        ] {
            let both = [Lang::En, Lang::De].map(|lang| decimal_of(lang, number));
            assert_eq!(both, [english, german]);
        }
    }

    #[test]
    fn a_page_is_asked_for_with_other_parameters() {
        let uri = Uri::from_static("/posts?q=a%20b&sort=-votes&cursor=x&empty=");
        assert_eq!(
            with(&uri, &[("cursor", None), ("q", Some("c&d"))]),
            "/posts?sort=-votes&q=c%26d"
        );
        assert_eq!(with(&Uri::from_static("/posts"), &[]), "/posts");
    }
}
