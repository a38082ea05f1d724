//! A new post, with what it will look like.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::console::form::{Asked, Fields, Form, Input, is_shown, key, object, optional, select};
use crate::console::markup::markdown;
use crate::console::parts::{filter, first};
use crate::console::view::{Done, View, done};
use crate::console::words::Lang;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{PrincipalId, ProjectId};
use crate::posts::handlers::create::create_post;
use crate::projects::access::Role;
use crate::projects::list::{self, ProjectFilter};

/// Projects that a post can be written in; more are found from the page of the project.
const MOST: usize = 100;

/// What the page is asked for: the project to write in.
#[derive(Deserialize)]
pub struct Inside {
    project_id: Option<ProjectId>,
}

impl Inside {
    pub fn project(&self) -> String {
        self.project_id
            .map_or_else(String::new, |id| id.to_string())
    }
}

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    Asked(inside): Asked<Inside>,
) -> ApiResult<Response> {
    let projects = writable(&app, who.id).await?;
    Ok(page(&view, &projects, &inside.project(), &Form::default(), None).await)
}

/// The newest projects that somebody writes in, each with its id.
pub async fn writable(app: &AppState, me: PrincipalId) -> ApiResult<Vec<(String, String)>> {
    let active: ProjectFilter = filter(&[("status", "active")])?;
    let found = app
        .db
        .read(async |connection| list::page(connection, me, &first(MOST), &active).await)
        .await?;
    let mine = found.parts(MOST).0.into_iter();
    let written = mine.filter(|(_, role)| *role >= Role::Editor);
    Ok(written
        .map(|(project, _)| (project.id.to_string(), project.name))
        .collect())
}

async fn page(
    view: &View,
    projects: &[(String, String)],
    project: &str,
    form: &Form,
    error: Option<&ApiError>,
) -> Response {
    let lang = view.lang;
    let fields = Fields { lang, error };
    let status = error.map_or(StatusCode::OK, |error| error.code.status());
    let page = view
        .page(lang.new_post())
        .await
        .width("middle")
        .status(status);
    let mut options = vec![("", lang.in_none())];
    options.extend(
        projects
            .iter()
            .map(|(id, name)| (id.as_str(), name.as_str())),
    );
    page.api("/api/v1/posts").show(html! {
        p.crumbs { a href="/posts" { (lang.posts()) } }
        h1 { (lang.new_post()) }
        (fields.summary())
        form method="post" action="/posts/new" data-guard {
            (key())
            div.field {
                label for="project_id" { (lang.in_project()) }
                (select("project_id", project, &options))
            }
            (inputs(&fields, &|name| form.get(name), Some(&format!("new:{project}"))))
            label.check {
                input type="checkbox" name="published" value="on"
                    checked[!form.has("title") || form.has("published")];
                (lang.publish())
            }
            (buttons(lang, lang.save(), "/posts"))
        }
        (seen(lang, form))
    })
}

/// The title and the text.
pub fn inputs(fields: &Fields<'_>, value: &dyn Fn(&str) -> String, draft: Option<&str>) -> Markup {
    let lang = fields.lang;
    html! {
        (fields.input(&Input {
            name: "title",
            label: lang.title(),
            value: &value("title"),
            needed: true,
            ..Input::default()
        }))
        (fields.area(
            "content",
            lang.content(),
            &value("content"),
            lang.markdown(),
            draft.or(Some("edit")),
        ))
    }
}

pub fn buttons(lang: Lang, save: &str, back: &str) -> Markup {
    html! {
        p.row {
            button.main { (save) }
            button name="do" value="preview" data-keeps { (lang.preview()) }
            a.button href=(back) { (lang.cancel()) }
        }
    }
}

/// What the text will look like, where it was asked for.
pub fn seen(lang: Lang, form: &Form) -> Markup {
    html! {
        @if form.does("preview") {
            section.note aria-labelledby="preview" tabindex="-1" data-focus {
                h2 #preview { (lang.preview()) }
                h1 { (form.get("title")) }
                (markdown(&form.get("content")))
            }
        }
    }
}

pub async fn submit(
    who: Signed,
    app: AppState,
    actor: Actor,
    view: View,
    form: Form,
) -> ApiResult<Response> {
    let (me, project) = (who.id, form.get("project_id"));
    if form.does("preview") {
        return Ok(page(&view, &writable(&app, me).await?, &project, &form, None).await);
    }
    let body = object([
        ("title", form.text("title")),
        ("content", form.text("content")),
        ("published", Value::Bool(form.has("published"))),
        ("project_id", optional(&project)),
    ]);
    let made = async { create_post(who, app.clone(), actor, form.once(&body)?).await };
    match made.await {
        Ok(answer) => {
            let path = answer.location().unwrap_or_default();
            done(Done::Created, path.trim_start_matches("/api/v1"))
        }
        Err(error) if is_shown(&error) => {
            let projects = writable(&app, me).await?;
            Ok(page(&view, &projects, &project, &form, Some(&error)).await)
        }
        Err(error) => Err(error),
    }
}
