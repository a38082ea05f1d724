//! Changing one's email, and confirming it.

use axum::response::Response;
use http::StatusCode;
use maud::html;

use super::account::look;
use super::head;
use crate::console::form::{Fields, Form, Input, is_shown, object, parse};
use crate::console::merge::text_of;
use crate::console::view::{Done, View, done};
use crate::http::body::patch::MergePatch;
use crate::http::caller::{Person, PersonInSession};
use crate::http::shell::client::ClientAddress;
use crate::identity::account::User;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::mail::address::EmailState;
use crate::users::handlers::links::request_email_confirmation;
use crate::users::handlers::me::update_me;

pub async fn show(who: PersonInSession, app: AppState, view: View) -> ApiResult<Response> {
    let account = look(&app, who.id).await?;
    Ok(page(&app, &view, &account.user, &Form::default(), None).await)
}

async fn page(
    app: &AppState,
    view: &View,
    user: &User,
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let sends_mail = app.config.mail_server().is_some();
    let state = EmailState::of(user.email_verified_at, user.mail_paused_at);
    let page = view
        .page(lang.change_email())
        .await
        .width("middle")
        .status(status);
    page.show(html! {
        (head(view, lang.change_email()))
        p { (lang.email()) ": " strong { (user.email) } " " (state_of(view, state)) }
        @if sends_mail && state != EmailState::Ok {
            form method="post" action="/me/email" {
                button.small name="do" value="confirm" { (lang.confirm_email()) }
            }
        }
        (fields.summary())
        @if sends_mail { p { (lang.change_email_why()) } }
        form method="post" action="/me/email" {
            input type="hidden" name="etag" value=(text_of(user.version));
            (fields.input(&Input {
                name: "email",
                label: lang.new_email(),
                value: &form.get("email"),
                kind: "email",
                complete: "email",
                needed: true,
                ..Input::default()
            }))
            (fields.input(&Input {
                name: "current_password",
                label: lang.current_password(),
                kind: "password",
                complete: "current-password",
                needed: true,
                ..Input::default()
            }))
            p.row { button.main { (lang.change_email()) } a.button href="/me" { (lang.cancel()) } }
        }
    })
}

/// In a word.
pub fn state_of(view: &View, state: EmailState) -> maud::Markup {
    let lang = view.lang;
    html! {
        @match state {
            EmailState::Ok => span.tag.good { (lang.email_confirmed()) },
            EmailState::Unverified => span.tag { (lang.email_unconfirmed()) },
            EmailState::Paused => span.tag.bad { (lang.email_paused()) },
        }
    }
}

pub async fn submit(
    _: PersonInSession,
    person: Person,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let id = person.id;
    if form.does("confirm") {
        request_email_confirmation(person, app, actor).await?;
        return done(Done::Mailed, "/me/email");
    }
    let body = object([
        ("email", form.text("email")),
        ("current_password", form.text("current_password")),
    ]);
    let changed = async {
        let (holds, patch) = (form.conditions()?, MergePatch(parse(&body)?));
        update_me(person, app.clone(), address, actor, holds, patch).await
    };
    match changed.await {
        Ok(_) => done(Done::Saved, "/me/email"),
        Err(error) if is_shown(&error) => {
            let account = look(&app, id).await?;
            Ok(page(&app, &view, &account.user, &form, Some(&error)).await)
        }
        Err(error) => Err(error),
    }
}
