//! Signing in and out.

use axum::response::Response;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use maud::html;
use secrecy::SecretString;
use serde::Deserialize;

use super::errors::waits;
use super::first::may_make_first;
use super::form::{Asked, Fields, Form, Input, is_shown};
use super::view::{Done, View, done, go, link};
use crate::http::caller::{Anyone, Signed};
use crate::http::shell::client::ClientAddress;
use crate::identity::api::AppState;
use crate::identity::handlers::cookie::{begin_session, end_session, same_origin_path};
use crate::identity::handlers::oidc::begin_path;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// Pages that were shown to whoever signs out are not to be found in this browser.
const FORGET: (HeaderName, HeaderValue) = (
    HeaderName::from_static("clear-site-data"),
    HeaderValue::from_static("\"cache\""),
);
const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));

#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

impl Next {
    pub fn path(&self) -> &str {
        next_path(self.next.as_deref())
    }
}

/// Only pages of this site: whoever made the link, it leads nowhere else.
pub fn next_path(next: Option<&str>) -> &str {
    let next = next.filter(|next| same_origin_path(next).is_some());
    next.unwrap_or("/home")
}

pub async fn show(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    view: View,
    Asked(next): Asked<Next>,
) -> ApiResult<Response> {
    if may_make_first(&app, address).await? {
        return go("/register");
    }
    Ok(page(&app, &view, next.path(), "", None).await)
}

async fn page(
    app: &AppState,
    view: &View,
    next: &str,
    login: &str,
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let is_wrong = error.is_some_and(|error| error.code == Code::InvalidGrant);
    let fields = Fields {
        lang,
        error: error.filter(|_| !is_wrong),
    };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let page = view
        .page(lang.sign_in())
        .await
        .width("narrow")
        .status(status);
    page.show(html! {
        h1 { (lang.sign_in()) }
        @if is_wrong {
            p.note.bad role="alert" tabindex="-1" data-focus { (lang.wrong_password()) }
        }
        (fields.summary())
        @if let Some(seconds) = error.and_then(waits) {
            p role="status" data-again=(seconds) {
                @if seconds > 90 { (lang.try_again_at(seconds.div_ceil(60))) }
                @else { (lang.try_again_in(seconds)) }
            }
        }
        form method="post" action="/sign-in" {
            input type="hidden" name="next" value=(next);
            (fields.input(&Input {
                name: "username",
                label: lang.email_or_username(),
                value: login,
                complete: "username",
                needed: true,
                ..Input::default()
            }))
            (fields.input(&Input {
                name: "password",
                label: lang.password(),
                kind: "password",
                complete: "current-password",
                needed: true,
                ..Input::default()
            }))
            label.check hidden data-script {
                input type="checkbox" data-show="#password";
                (lang.show_password())
            }
            button.main { (lang.sign_in()) }
        }
        @for provider in app.identity.providers.all() {
            @let way = begin_path(&provider.settings.id);
            p {
                a.button href=(link(&way, &[("next".to_owned(), next.to_owned())])) {
                    (lang.sign_in_with(&provider.settings.name))
                }
            }
        }
        @if app.config.registration().admits_anybody() {
            p {
                (lang.no_account_yet())
                " "
                a href=(link("/register", &[("next".to_owned(), next.to_owned())])) {
                    (lang.make_account())
                }
            }
        }
    })
}

pub async fn submit(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    view: View,
    headers: HeaderMap,
    form: Form,
) -> ApiResult<Response> {
    let (login, next) = (form.get("username"), form.get("next"));
    let next = next_path(Some(&next));
    let password = SecretString::from(form.get("password"));
    let begun = begin_session(&app, &login, password, address, actor, &headers).await;
    match begun {
        Ok(cookie) => signed_in(cookie, next),
        Err(error) if is_shown(&error) => Ok(page(&app, &view, next, &login, Some(&error)).await),
        Err(error) => Err(error),
    }
}

/// On to where somebody wanted to go.
pub fn signed_in(cookie: HeaderValue, next: &str) -> ApiResult<Response> {
    let mut response = go(next)?;
    let headers = response.headers_mut();
    headers.append(SET_COOKIE, cookie);
    headers.extend([NO_STORE]);
    Ok(response)
}

pub async fn out(who: Signed, app: AppState, actor: Actor) -> ApiResult<Response> {
    let ended = end_session(who, app, actor).await?;
    let mut response = done(Done::SignedOut, "/sign-in")?;
    let cleared = ended.headers().get(SET_COOKIE).cloned();
    let headers = response.headers_mut();
    headers.extend(cleared.map(|cookie| (SET_COOKIE, cookie)));
    headers.extend([FORGET, NO_STORE]);
    Ok(response)
}
