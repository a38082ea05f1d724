//! Changing one's password.

use axum::response::Response;
use http::StatusCode;
use maud::html;

use super::account::look;
use super::head;
use crate::console::form::{Fields, Form, Input, is_shown, object, parse};
use crate::console::view::{Done, View, done};
use crate::http::body::extract::ValidJson;
use crate::http::caller::PersonInSession;
use crate::http::shell::client::ClientAddress;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::users::handlers::password::change_password;

pub async fn show(who: PersonInSession, app: AppState, view: View) -> ApiResult<Response> {
    let account = look(&app, who.id).await?;
    Ok(page(&view, &account.user.email, None).await)
}

async fn page(view: &View, email: &str, error: Option<&ApiError>) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let page = view
        .page(lang.change_password())
        .await
        .width("middle")
        .status(status);
    page.show(html! {
        (head(view, lang.change_password()))
        (fields.summary())
        p { (lang.password_ends()) }
        form method="post" action="/me/password" {
            // For who keeps passwords in a browser: it stores the new one for this account.
            input type="text" name="username" value=(email) autocomplete="username" hidden;
            (fields.input(&Input {
                name: "current",
                label: lang.current_password(),
                kind: "password",
                complete: "current-password",
                needed: true,
                ..Input::default()
            }))
            (fields.input(&Input {
                name: "new",
                label: lang.new_password(),
                kind: "password",
                hint: lang.password_rule(),
                complete: "new-password",
                needed: true,
                ..Input::default()
            }))
            label.check hidden data-script {
                input type="checkbox" data-show="#new";
                (lang.show_password())
            }
            button.main { (lang.change_password()) }
        }
    })
}

pub async fn submit(
    who: PersonInSession,
    app: AppState,
    address: ClientAddress,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let body = object([("current", form.text("current")), ("new", form.text("new"))]);
    let email = look(&app, who.id).await?.user.email;
    let changed = async {
        let body = ValidJson(parse(&body)?);
        change_password(who, app, address, actor, body).await
    };
    match changed.await {
        Ok(_) => done(Done::Saved, "/me"),
        Err(error) if is_shown(&error) => Ok(page(&view, &email, Some(&error)).await),
        Err(error) => Err(error),
    }
}
