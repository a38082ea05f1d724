//! One's profile, and how pages look.

use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{head, identities};
use crate::console::form::{Fields, Form, Input, is_shown, optional, parse};
use crate::console::merge::text_of;
use crate::console::view::{Display, Done, View, done};
use crate::console::words::Lang;
use crate::http::body::patch::MergePatch;
use crate::http::caller::Person;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::Account;
use crate::identity::api::AppState;
use crate::identity::oidc::linked::{self, Identity};
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;
use crate::users::handlers::me::update_me;

pub(super) async fn look(app: &AppState, id: PrincipalId) -> ApiResult<Account> {
    let found = app
        .db
        .read_primary(async |connection| Account::find(connection, id).await)
        .await?;
    found.ok_or(ApiError::not_found("user"))
}

pub async fn show(who: Person, app: AppState, view: View) -> ApiResult<Response> {
    let shown = Shown::of(&app, who.id).await?;
    Ok(page(&app, &view, &shown, None, None).await)
}

struct Shown {
    account: Account,
    identities: Vec<Identity>,
}

impl Shown {
    async fn of(app: &AppState, id: PrincipalId) -> ApiResult<Self> {
        let account = look(app, id).await?;
        let identities = app
            .db
            .read_primary(async |connection| linked::identities(connection, id).await)
            .await?;
        Ok(Self {
            account,
            identities,
        })
    }
}

async fn page(
    app: &AppState,
    view: &View,
    shown: &Shown,
    form: Option<&Form>,
    error: Option<&ApiError>,
) -> Response {
    let account = &shown.account;
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let user = &account.user;
    let value = |name: &str, kept: Option<&str>| match form {
        Some(form) => form.get(name),
        None => kept.unwrap_or_default().to_owned(),
    };
    let page = view
        .page(lang.profile())
        .await
        .width("middle")
        .status(status);
    page.api("/api/v1/me").show(html! {
        (head(view, lang.me()))
        (fields.summary())
        form method="post" action="/me" data-guard {
            input type="hidden" name="etag" value=(text_of(user.version));
            p {
                (lang.email()) ": " strong { (user.email) } " "
                a.button.small href="/me/email" { (lang.change()) }
            }
            (fields.input(&Input {
                name: "username",
                label: lang.username(),
                value: &value("username", user.username.as_deref()),
                complete: "username",
                ..Input::default()
            }))
            (fields.input(&Input {
                name: "name",
                label: lang.name(),
                value: &value("name", user.name.as_deref()),
                complete: "name",
                ..Input::default()
            }))
            button.main { (lang.save()) }
        }
        (identities::section(app, view, &shown.identities))
        (display(view))
    })
}

/// The page again, with what was refused on it.
pub(super) async fn refused(
    app: &AppState,
    view: &View,
    id: PrincipalId,
    error: ApiError,
) -> ApiResult<Response> {
    if !is_shown(&error) {
        return Err(error);
    }
    let shown = Shown::of(app, id).await?;
    Ok(page(app, view, &shown, None, Some(&error)).await)
}

/// How pages look in this browser.
fn display(view: &View) -> Markup {
    let lang = view.lang;
    let Display {
        lang: chosen,
        theme,
        no_keys,
    } = view.frame.display;
    html! {
        h2 { (lang.display()) }
        form method="post" action="/me/display" {
            div.field {
                label for="language" { (lang.language()) }
                select #language name="language" {
                    option value="" { (lang.of_browser()) }
                    @for (one, code, name) in Lang::ALL {
                        option value=(code) lang=(code) selected[chosen == Some(one)] { (name) }
                    }
                }
            }
            div.field {
                label for="theme" { (lang.colours()) }
                select #theme name="theme" {
                    option value="" { (lang.of_system()) }
                    option value="light" selected[theme == Some("light")] { (lang.light()) }
                    option value="dark" selected[theme == Some("dark")] { (lang.dark()) }
                }
            }
            label.check {
                input type="checkbox" name="keys" value="on" checked[!no_keys];
                (lang.shortcuts())
            }
            button { (lang.save()) }
        }
    }
}

pub async fn submit(
    who: Person,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let id = who.id;
    let patch: Map<String, Value> = ["username", "name"]
        .into_iter()
        .map(|name| (name.to_owned(), optional(&form.get(name))))
        .collect();
    let saved = async {
        let (holds, patch) = (form.conditions()?, parse(&Value::Object(patch))?);
        update_me(who, app.clone(), address, actor, holds, MergePatch(patch)).await
    };
    match saved.await {
        Ok(_) => done(Done::Saved, "/me"),
        Err(error) if is_shown(&error) => Ok(page(
            &app,
            &view,
            &Shown::of(&app, id).await?,
            Some(&form),
            Some(&error),
        )
        .await),
        Err(error) => Err(error),
    }
}

pub async fn show_as(_: Person, form: Form) -> ApiResult<Response> {
    let display = Display {
        lang: Lang::of_code(&form.get("language")),
        theme: Display::theme_of(&form.get("theme")),
        no_keys: !form.has("keys"),
    };
    let mut response = done(Done::Saved, "/me")?;
    let cookie = display.cookie()?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
