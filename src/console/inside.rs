//! What the pages of datasets and of models have alike: the list of all that one may read, and the
//! form for a new one, which is inside a project.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use super::form::{Fields, Form, Input, is_shown, key, object, select};
use super::parts::{crumbs, given};
use super::posts::write::{Inside, writable};
use super::view::{View, went};
use crate::http::answer::Answer;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::PrincipalId;

/// What they do not have alike.
pub struct Kind {
    /// Of the list, here and below `/api/v1`.
    pub path: &'static str,
    pub all: &'static str,
    pub new: &'static str,
    pub search: &'static str,
    /// What is said above the form.
    pub why: &'static str,
    pub name_hint: &'static str,
    /// Where somebody goes on who has made one.
    pub next: &'static str,
}

/// The list, around what was found.
pub async fn list(view: &View, kind: &Kind, found: &Markup) -> Response {
    let (lang, uri) = (view.lang, &view.frame.uri);
    let project = given(uri, "project_id");
    let query = uri.query();
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    let new = match project.is_empty() {
        true => format!("{}/new", kind.path),
        false => format!("{}/new?project_id={project}", kind.path),
    };
    let page = view.page(kind.all).await;
    page.api(format!("/api/v1{}{query}", kind.path))
        .show(html! {
            div.head {
                h1 { (kind.all) }
                a.button.main href=(new) { (kind.new) }
            }
            form.search method="get" action=(kind.path) role="search" data-live="#found" {
                @if !project.is_empty() { input type="hidden" name="project_id" value=(project); }
                label.wide {
                    (kind.search)
                    input type="search" name="name__contains" value=(given(uri, "name__contains"));
                }
                label {
                    (lang.sort_by())
                    (select(
                        "sort",
                        &given(uri, "sort"),
                        &[("-created_at", lang.newest_first()), ("name", lang.by_name())],
                    ))
                }
                button { (lang.search()) }
            }
            div #found { (found) }
        })
}

/// The form, for the first time.
pub async fn show_new(
    app: &AppState,
    view: &View,
    kind: &Kind,
    me: PrincipalId,
    inside: &Inside,
) -> ApiResult<Response> {
    let projects = writable(app, me).await?;
    let project = inside.project();
    Ok(page(view, kind, &projects, &project, &Form::default(), None).await)
}

async fn page(
    view: &View,
    kind: &Kind,
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
    let page = view.page(kind.new).await.width("middle").status(status);
    page.api(format!("/api/v1{}", kind.path)).show(html! {
        (crumbs((kind.path, kind.all), None))
        h1 { (kind.new) }
        (fields.summary())
        @if options.is_empty() {
            p.note { (lang.no_projects()) " " a href="/projects/new" { (lang.new_project()) } }
        } @else {
            @if !kind.why.is_empty() { p { (kind.why) } }
            form method="post" action={ (kind.path) "/new" } data-guard {
                (key())
                div.field {
                    label for="project_id" { (lang.in_project()) }
                    (select("project_id", project, &options))
                }
                (fields.input(&Input {
                    name: "name",
                    label: lang.name(),
                    value: &form.get("name"),
                    hint: kind.name_hint,
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
                    a.button href=(kind.path) { (lang.cancel()) }
                }
            }
        }
    })
}

/// What the form has sent, as the API takes it.
pub fn body(form: &Form) -> Value {
    object([
        ("project_id", form.text("project_id")),
        ("name", form.text("name")),
        ("description", form.optional("description")),
    ])
}

/// On to the new thing, or back to the form with what is wrong.
pub async fn answer(
    app: &AppState,
    view: &View,
    kind: &Kind,
    me: PrincipalId,
    form: &Form,
    made: ApiResult<Answer>,
) -> ApiResult<Response> {
    match made {
        Ok(answer) => {
            let path = answer.location().unwrap_or_default();
            let path = path.trim_start_matches("/api/v1");
            went(&format!("{path}{}", kind.next))
        }
        Err(error) if is_shown(&error) => {
            let projects = writable(app, me).await?;
            let project = form.get("project_id");
            Ok(page(view, kind, &projects, &project, form, Some(&error)).await)
        }
        Err(error) => Err(error),
    }
}
