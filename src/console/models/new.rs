//! A new model, which is empty until its first version is uploaded.

use axum::response::Response;
use http::StatusCode;
use maud::html;

use crate::console::form::{Asked, Fields, Form, Input, is_shown, key, object, select};
use crate::console::posts::write::{Inside, writable};
use crate::console::view::{View, went};
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::models::handlers::models::create_model;

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    Asked(inside): Asked<Inside>,
) -> ApiResult<Response> {
    let projects = writable(&app, who.id).await?;
    let project = inside.project();
    Ok(page(&view, &projects, &project, &Form::default(), None))
}

fn page(
    view: &View,
    projects: &[(String, String)],
    project: &str,
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let options: Vec<_> = projects
        .iter()
        .map(|(id, name)| (id.as_str(), name.as_str()))
        .collect();
    let page = view.page(lang.new_model()).width("middle").status(status);
    page.api("/api/v1/models").show(html! {
        p.crumbs { a href="/models" { (lang.models()) } }
        h1 { (lang.new_model()) }
        (fields.summary())
        @if options.is_empty() {
            p.note { (lang.no_projects()) " " a href="/projects/new" { (lang.new_project()) } }
        } @else {
            form method="post" action="/models/new" data-guard {
                (key())
                div.field {
                    label for="project_id" { (lang.in_project()) }
                    (select("project_id", project, &options))
                }
                (fields.input(&Input {
                    name: "name",
                    label: lang.name(),
                    value: &form.get("name"),
                    hint: lang.model_name_hint(),
                    needed: true,
                    ..Input::default()
                }))
                (fields.area(
                    "description",
                    lang.description(),
                    &form.get("description"),
                    lang.markdown(),
                    None,
                ))
                p.row {
                    button.main { (lang.create()) }
                    a.button href="/models" { (lang.cancel()) }
                }
            }
        }
    })
}

pub async fn submit(
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let me = who.id;
    let body = object([
        ("project_id", form.text("project_id")),
        ("name", form.text("name")),
        ("description", form.optional("description")),
    ]);
    let made = async { create_model(who, app.clone(), actor, form.once(&body)?).await };
    match made.await {
        Ok(answer) => {
            let path = answer.location().unwrap_or_default();
            let path = path.trim_start_matches("/api/v1");
            went(&format!("{path}/upload"))
        }
        Err(error) if is_shown(&error) => {
            let projects = writable(&app, me).await?;
            let project = form.get("project_id");
            Ok(page(&view, &projects, &project, &form, Some(&error)))
        }
        Err(error) => Err(error),
    }
}
