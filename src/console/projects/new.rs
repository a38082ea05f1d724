//! A new project.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::console::form::{Fields, Form, Input, is_shown, key, object, time};
use crate::console::view::{Done, View, done};
use crate::http::caller::Person;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::projects::handlers::create::create_project;

pub async fn show(_: Person, view: View) -> Response {
    page(&view, &Form::default(), None).await
}

async fn page(view: &View, form: &Form, error: Option<&ApiError>) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let values = |name: &str| form.get(name);
    let page = view
        .page(lang.new_project())
        .await
        .width("middle")
        .status(status);
    page.api("/api/v1/projects").show(html! {
        p.crumbs { a href="/projects" { (lang.projects()) } }
        h1 { (lang.new_project()) }
        (fields.summary())
        form method="post" action="/projects/new" data-guard {
            (key())
            (inputs(&fields, &values))
            p.row { button.main { (lang.create()) } a.button href="/projects" { (lang.cancel()) } }
        }
    })
}

/// The fields of a project, for a new one and one that is changed.
pub fn inputs(fields: &Fields<'_>, value: &dyn Fn(&str) -> String) -> Markup {
    let lang = fields.lang;
    html! {
        (fields.input(&Input {
            name: "name",
            label: lang.name(),
            value: &value("name"),
            needed: true,
            ..Input::default()
        }))
        (fields.area(
            "description",
            lang.description(),
            &value("description"),
            lang.markdown(),
            None,
        ))
        (fields.choice(
            "visibility",
            lang.visibility(),
            &value("visibility"),
            &[("private", lang.private()), ("internal", lang.internal())],
        ))
        (fields.input(&Input {
            name: "expires_at",
            label: lang.expires_at(),
            value: &value("expires_at"),
            kind: "datetime-local",
            hint: lang.expires_hint(),
            ..Input::default()
        }))
        (fields.input(&Input {
            name: "reminders",
            label: lang.reminders(),
            value: &value("reminders"),
            hint: lang.reminders_hint(),
            ..Input::default()
        }))
    }
}

/// A field as the API takes it.
pub fn json(name: &str, text: &str) -> Value {
    match name {
        "description" => crate::console::form::optional(text),
        "expires_at" => time(text),
        "reminders" => {
            let all = text.split(',').map(str::trim).filter(|one| !one.is_empty());
            Value::Array(all.map(|one| Value::String(one.to_owned())).collect())
        }
        _ => Value::String(text.to_owned()),
    }
}

pub async fn submit(
    who: Person,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let names = [
        "name",
        "description",
        "visibility",
        "expires_at",
        "reminders",
    ];
    let body = object(names.map(|name| (name, json(name, &form.get(name)))));
    let made = async { create_project(who, app, actor, form.once(&body)?).await };
    match made.await {
        Ok(answer) => {
            let path = answer.location().unwrap_or_default();
            done(Done::Created, path.trim_start_matches("/api/v1"))
        }
        Err(error) if is_shown(&error) => Ok(page(&view, &form, Some(&error)).await),
        Err(error) => Err(error),
    }
}
