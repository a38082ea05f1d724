//! One's projects.

use axum::response::Response;
use maud::{Markup, html};

use crate::console::form::{Asked, select};
use crate::console::markup::plain;
use crate::console::parts::{empty, given, pager, role, visibility};
use crate::console::view::{View, day};
use crate::http::answer::page::PageParams;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::projects::access::Role;
use crate::projects::list::{self, ProjectFilter, ProjectSort};
use crate::projects::model::Project;

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    page: PageParams<ProjectSort>,
    Asked(filter): Asked<ProjectFilter>,
) -> ApiResult<Response> {
    let id = who.id;
    let found = app
        .db
        .read(async |connection| list::page(connection, id, &page, &filter).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, uri) = (view.lang, &view.frame.uri);
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    Ok(view.page(lang.projects()).await.api(format!("/api/v1/projects{query}")).show(html! {
        div.head {
            h1 { (lang.projects()) }
            a.button.main href="/projects/new" { (lang.new_project()) }
        }
        form.search method="get" action="/projects" role="search" data-live="#found" {
            label.wide {
                (lang.search_projects())
                input type="search" name="q" value=(given(uri, "q"));
            }
            label {
                (lang.status())
                (select(
                    "status",
                    &given(uri, "status"),
                    &[("", lang.any()), ("active", lang.active()), ("expired", lang.expired())],
                ))
            }
            label {
                (lang.your_role())
                (select(
                    "role",
                    &given(uri, "role"),
                    &[("", lang.any()), ("viewer", lang.role_viewer()), ("editor", lang.role_editor()), ("owner", lang.role_owner())],
                ))
            }
            label {
                (lang.sort_by())
                (select(
                    "sort",
                    &given(uri, "sort"),
                    &[("-created_at", lang.newest_first()), ("-updated_at", lang.last_changed()), ("name", lang.by_name())],
                ))
            }
            button { (lang.search()) }
        }
        div #found {
            @if found.rows.is_empty() {
                (empty(&view, lang.no_projects()))
            } @else {
                ul.cards data-rows {
                    @for (project, role) in &found.rows { (card(&view, project, *role)) }
                }
            }
            (pager(&view, &found))
        }
    }))
}

/// A project in a list.
pub fn card(view: &View, project: &Project, as_role: Role) -> Markup {
    let lang = view.lang;
    let is_over = project
        .expires_at
        .is_some_and(|end| end <= chrono::Utc::now());
    let about = project.description.as_deref().unwrap_or_default();
    let about = plain(about, 200);
    html! {
        li {
            div.between {
                a.title data-row href=(format!("/projects/{}", project.id)) { (project.name) }
                span.row {
                    span.tag { (visibility(lang, project.visibility)) }
                    span.tag { (role(lang, Some(as_role))) }
                    @if let Some(end) = project.expires_at {
                        @if is_over { span.tag.bad { (lang.expired_on(day(lang, end))) } }
                        @else { span.tag { (lang.expires_on(day(lang, end))) } }
                    }
                }
            }
            @if !about.is_empty() { p { (about) } }
        }
    }
}
