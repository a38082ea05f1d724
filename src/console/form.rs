//! Forms: what was typed, as the JSON that the API takes, so that both are judged by the same
//! rules; and fields that show what was typed and what is wrong with it.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::IF_MATCH;
use http::{HeaderMap, HeaderValue, Method, Uri};
use maud::{Markup, html};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::words::Lang;
use crate::http::answer::conditional::Conditions;
use crate::http::answer::idempotency::{MayRead, Once, OnceJson};
use crate::http::body::extract::{self, ValidForm};
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// What a form has sent; nothing where it is shown for the first time.
#[derive(Default)]
pub struct Form {
    pairs: Vec<(String, String)>,
    sent: Option<Sent>,
}

/// How it was sent.
struct Sent {
    method: Method,
    uri: Uri,
    may_read: MayRead,
}

impl FromRequest<AppState> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let ValidForm(pairs) =
            ValidForm::<Vec<(String, String)>>::from_request(request, app).await?;
        let sent = Sent {
            method,
            uri,
            may_read: app.may_read,
        };
        Ok(Self {
            pairs,
            sent: Some(sent),
        })
    }
}

impl Form {
    /// As it was typed; browsers end lines with two characters.
    pub fn get(&self, name: &str) -> String {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map_or_else(String::new, |(_, value)| value.replace("\r\n", "\n"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// Whether this button sent it.
    pub fn does(&self, what: &str) -> bool {
        self.get("do") == what
    }

    pub fn text(&self, name: &str) -> Value {
        Value::String(self.get(name))
    }

    /// Nothing typed is no value.
    pub fn optional(&self, name: &str) -> Value {
        optional(&self.get(name))
    }

    /// Of the version that the form was made from.
    pub fn conditions(&self) -> ApiResult<Conditions> {
        conditions(&self.get("etag"))
    }

    /// What the API takes, with the key that makes a form that is sent twice one request.
    pub fn once<T: DeserializeOwned + ToSchema>(&self, body: &Value) -> ApiResult<OnceJson<T>> {
        self.once_as("", body)
    }

    /// The same for a form that does several things, of which each has a name.
    pub fn once_as<T: DeserializeOwned + ToSchema>(
        &self,
        step: &str,
        body: &Value,
    ) -> ApiResult<OnceJson<T>> {
        let bytes = serde_json::to_vec(body).map_err(ApiError::internal)?;
        Ok(OnceJson {
            once: self.once_of(step, &bytes)?,
            body: extract::parse(&bytes)?,
        })
    }

    /// The same of what is known by its bytes.
    pub fn once_of(&self, step: &str, body: &[u8]) -> ApiResult<Once> {
        let mut headers = HeaderMap::new();
        let key = self.get("key");
        if !key.is_empty() {
            let key = HeaderValue::try_from(format!("{key}{step}")).or(Err(ApiError::new(
                Code::BadRequest,
                "the form is not as this page made it: open it again",
            )))?;
            headers.insert("idempotency-key", key);
        }
        let sent = self.sent.as_ref();
        let Sent {
            method,
            uri,
            may_read,
        } = sent.ok_or_else(|| ApiError::internal(anyhow::anyhow!("no form was sent")))?;
        Once::of(&headers, method, uri, body, *may_read)
    }
}

pub fn optional(text: &str) -> Value {
    match text.trim().is_empty() {
        true => Value::Null,
        false => Value::String(text.to_owned()),
    }
}

/// A time as browsers send it, in UTC.
pub fn time(text: &str) -> Value {
    match (text.trim(), text.trim().len()) {
        ("", _) => Value::Null,
        (text, 16) => Value::String(format!("{text}:00Z")),
        (text, 19) => Value::String(format!("{text}Z")),
        (text, _) => Value::String(text.to_owned()),
    }
}

pub fn conditions(etag: &str) -> ApiResult<Conditions> {
    let mut headers = HeaderMap::new();
    if !etag.is_empty() {
        let etag = HeaderValue::try_from(etag).or(Err(ApiError::new(
            Code::BadRequest,
            "the form is not as this page made it: open it again",
        )))?;
        headers.insert(IF_MATCH, etag);
    }
    Conditions::of(&headers)
}

/// An object of these members.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

pub fn parse<T: DeserializeOwned + ToSchema>(body: &Value) -> ApiResult<T> {
    let bytes = serde_json::to_vec(body).map_err(ApiError::internal)?;
    extract::parse(&bytes)
}

/// The hidden field that makes a form that is sent twice one request.
pub fn key() -> Markup {
    html! { input type="hidden" name="key" value=(Uuid::new_v4()); }
}

/// Errors that a form shows with its fields; all others have pages of their own.
pub fn is_shown(error: &ApiError) -> bool {
    matches!(
        error.code,
        Code::ValidationFailed
            | Code::Conflict
            | Code::InvalidGrant
            | Code::TooManyRequests
            | Code::LastOwner
            | Code::LastAdmin
            | Code::LastWayIn
            | Code::ProjectExpired
            | Code::InvalidParameter
            | Code::RulesBroken
            | Code::AliasInUse
            | Code::VersionNotReady
            | Code::GoldenFailed
    )
}

/// The fields of a form: what is in them, and what is wrong with it.
pub struct Fields<'a> {
    pub lang: Lang,
    pub error: Option<&'a ApiError>,
}

/// A field of one line.
pub struct Input<'a> {
    pub name: &'a str,
    pub label: &'a str,
    pub value: &'a str,
    pub kind: &'a str,
    pub hint: &'a str,
    pub complete: &'a str,
    pub needed: bool,
}

impl Default for Input<'_> {
    fn default() -> Self {
        Self {
            name: "",
            label: "",
            value: "",
            kind: "text",
            hint: "",
            complete: "off",
            needed: false,
        }
    }
}

impl Fields<'_> {
    /// What is wrong with one field, and all that is below it.
    fn wrong(&self, name: &str) -> Option<String> {
        let errors = self.error.map(|error| error.errors.as_slice())?;
        let pointer = format!("/{name}");
        let of_it = errors.iter().filter(|one| {
            let rest = one.pointer.strip_prefix(&pointer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let said: Vec<&str> = of_it.map(|one| one.detail.as_str()).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// What is wrong, at the top, with ways to the fields.
    pub fn summary(&self) -> Markup {
        let Some(error) = self.error else {
            return html! {};
        };
        html! {
            div.note.bad role="alert" tabindex="-1" data-focus {
                p { strong { (self.lang.mistakes()) } }
                @if error.errors.is_empty() {
                    p lang="en" { (error.detail) }
                } @else {
                    ul lang="en" {
                        @for one in &error.errors {
                            @let name = one.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
                            li { a href=(format!("#{name}")) { (name) } ": " (one.detail) }
                        }
                    }
                }
            }
        }
    }

    fn around(&self, name: &str, label: &str, hint: &str, field: &Markup) -> Markup {
        let wrong = self.wrong(name);
        html! {
            div.field {
                label for=(name) { (label) }
                @if !hint.is_empty() { small #{ (name) "-hint" } { (hint) } }
                (field)
                @if let Some(wrong) = wrong {
                    span.wrong #{ (name) "-wrong" } lang="en" { (wrong) }
                }
            }
        }
    }

    /// What describes a field to who does not see it.
    fn described(&self, name: &str, hint: &str) -> Option<String> {
        let hint = (!hint.is_empty()).then(|| format!("{name}-hint"));
        let wrong = self.wrong(name).map(|_| format!("{name}-wrong"));
        let all: Vec<String> = hint.into_iter().chain(wrong).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn invalid(&self, name: &str) -> Option<&'static str> {
        self.wrong(name).map(|_| "true")
    }

    pub fn input(&self, input: &Input<'_>) -> Markup {
        let Input {
            name,
            label,
            value,
            kind,
            hint,
            complete,
            needed,
        } = *input;
        // What was typed into it is not sent back.
        let value = (kind != "password").then_some(value);
        self.around(name, label, hint, &html! {
            input #(name) name=(name) type=(kind) value=[value] autocomplete=(complete) required[needed]
                aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name, hint)];
        })
    }

    /// `draft` is what the browser keeps the text under until it is saved.
    pub fn area(
        &self,
        name: &str,
        label: &str,
        value: &str,
        hint: &str,
        draft: Option<&str>,
    ) -> Markup {
        let class = draft.is_some().then_some("tall");
        self.around(name, label, hint, &html! {
            textarea #(name) name=(name) class=[class] data-draft=[draft]
                aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name, hint)] {
                // The first line end of the element is not part of its text.
                "\n" (value)
            }
        })
    }

    pub fn choice(
        &self,
        name: &str,
        label: &str,
        chosen: &str,
        options: &[(&str, &str)],
    ) -> Markup {
        self.around(name, label, "", &select(name, chosen, options))
    }
}

/// A choice of values, each with what it is called.
pub fn select(name: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        select #(name) name=(name) {
            @for (value, text) in options {
                option value=(value) selected[*value == chosen] { (text) }
            }
        }
    }
}

/// Parameters of a page, of which those that a form has sent empty are as if not given.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, ApiError> {
        let given = super::view::pairs(&parts.uri).into_iter();
        let given: Vec<_> = given.filter(|(_, value)| !value.is_empty()).collect();
        let text = serde_urlencoded::to_string(given).map_err(ApiError::internal)?;
        let asked = serde_urlencoded::from_str(&text);
        asked.map(Self).map_err(|error| {
            let detail: String = error.to_string();
            ApiError::new(Code::InvalidParameter, detail)
        })
    }
}
