//! Accounts that people make for themselves, and the first of all, which administers.

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use maud::html;
use secrecy::SecretString;

use super::form::{Asked, Fields, Form, Input, is_shown, object, parse};
use super::sign_in::{Next, next_path, signed_in};
use super::view::{View, link};
use crate::http::caller::Anyone;
use crate::http::shell::client::ClientAddress;
use crate::identity::account::Account;
use crate::identity::api::AppState;
use crate::identity::handlers::cookie::begin_session;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::users::handlers::register::{Register, Registered, register};

/// On the private PostgreSQL nobody else can make an administrator, and only who sits at this
/// machine comes by its own address.
pub async fn may_make_first(app: &AppState, address: ClientAddress) -> ApiResult<bool> {
    let config = &app.config;
    let is_here = config.http.listen.ip().is_loopback() && address.0.is_loopback();
    if !config.is_embedded() || !is_here {
        return Ok(false);
    }
    let none = async |connection: &mut _| Account::is_none_there(connection).await;
    Ok(app.db.read_primary(none).await?)
}

fn closed(app: &AppState, is_first: bool) -> ApiResult<()> {
    match is_first || app.config.registration().admits_anybody() {
        true => Ok(()),
        false => Err(ApiError::new(
            Code::Forbidden,
            "registration is closed here; ask an administrator for an account, or an owner of a project for an invitation",
        )),
    }
}

pub async fn show(
    _: Anyone,
    app: AppState,
    address: ClientAddress,
    view: View,
    Asked(next): Asked<Next>,
) -> ApiResult<Response> {
    let is_first = may_make_first(&app, address).await?;
    closed(&app, is_first)?;
    let next = next.path();
    Ok(page(&view, is_first, next, &Form::default(), None).await)
}

async fn page(
    view: &View,
    is_first: bool,
    next: &str,
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let title = match is_first {
        true => lang.first_account(),
        false => lang.make_account(),
    };
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let page = view.page(title).await.width("narrow").status(status);
    page.show(html! {
        h1 { (title) }
        @if is_first { p { (lang.first_account_why()) } }
        (fields.summary())
        form method="post" action="/register" {
            input type="hidden" name="next" value=(next);
            (fields.input(&Input {
                name: "email",
                label: lang.email(),
                value: &form.get("email"),
                kind: "email",
                complete: "email",
                needed: true,
                ..Input::default()
            }))
            (fields.input(&Input {
                name: "password",
                label: lang.password(),
                kind: "password",
                hint: lang.password_rule(),
                complete: "new-password",
                needed: true,
                ..Input::default()
            }))
            label.check hidden data-script {
                input type="checkbox" data-show="#password";
                (lang.show_password())
            }
            (fields.input(&Input {
                name: "username",
                label: lang.username(),
                value: &form.get("username"),
                hint: lang.optional(),
                complete: "username",
                ..Input::default()
            }))
            (fields.input(&Input {
                name: "name",
                label: lang.name(),
                value: &form.get("name"),
                hint: lang.optional(),
                complete: "name",
                ..Input::default()
            }))
            button.main { (title) }
        }
        @if !is_first {
            p {
                (lang.have_account())
                " "
                a href=(link("/sign-in", &[("next".to_owned(), next.to_owned())])) {
                    (lang.sign_in())
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
    let next = form.get("next");
    let next = next_path(Some(&next));
    let is_first = may_make_first(&app, address).await?;
    closed(&app, is_first)?;
    match made(&app, address, actor.clone(), is_first, &form).await {
        Ok(Registered::Made(_)) => {}
        Ok(Registered::Asked) => return Ok(asked(&view, &form.get("email")).await),
        Err(error) if is_shown(&error) => {
            return Ok(page(&view, is_first, next, &form, Some(&error)).await);
        }
        Err(error) => return Err(error),
    }
    let (login, password) = (form.get("email"), SecretString::from(form.get("password")));
    let cookie = begin_session(&app, &login, password, address, actor, &headers).await?;
    signed_in(cookie, next)
}

async fn made(
    app: &AppState,
    address: ClientAddress,
    actor: Actor,
    is_first: bool,
    form: &Form,
) -> ApiResult<Registered> {
    let body: Register = parse(&object([
        ("email", form.text("email")),
        ("password", form.text("password")),
        ("username", form.optional("username")),
        ("name", form.optional("name")),
    ]))?;
    register(app, body, address, actor, is_first).await
}

/// The same whether the address has an account or not.
async fn asked(view: &View, email: &str) -> Response {
    let lang = view.lang;
    view.page(lang.mail_sent())
        .await
        .width("narrow")
        .show(html! {
            h1 { (lang.mail_sent()) }
            p.note role="status" { (lang.registration_mailed(email)) }
            p { a href="/sign-in" { (lang.sign_in()) } }
        })
}
