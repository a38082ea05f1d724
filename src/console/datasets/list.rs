//! The datasets that one may read.

use axum::response::Response;
use maud::{Markup, html};

use crate::console::form::{Asked, select};
use crate::console::markup::plain;
use crate::console::parts::{empty, given, pager};
use crate::console::view::View;
use crate::datasets::handlers::datasets::DatasetFilter;
use crate::datasets::model::{Dataset, DatasetSort};
use crate::http::answer::page::PageParams;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;

pub async fn show(
    who: Signed,
    app: AppState,
    view: View,
    page: PageParams<DatasetSort>,
    Asked(filter): Asked<DatasetFilter>,
) -> ApiResult<Response> {
    let wanted = filter.wanted(who.id);
    let found = app
        .db
        .read(async |connection| wanted.page(connection, &page).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, uri) = (view.lang, &view.frame.uri);
    let project = given(uri, "project_id");
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let new = match project.is_empty() {
        true => "/datasets/new".to_owned(),
        false => format!("/datasets/new?project_id={project}"),
    };
    Ok(view
        .page(lang.datasets())
        .api(format!("/api/v1/datasets{query}"))
        .show(html! {
            div.head {
                h1 { (lang.datasets()) }
                a.button.main href=(new) { (lang.new_dataset()) }
            }
            form.search method="get" action="/datasets" role="search" data-live="#found" {
                @if !project.is_empty() { input type="hidden" name="project_id" value=(project); }
                label.wide {
                    (lang.search_datasets())
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
            div #found {
                @if found.rows.is_empty() { (empty(&view, lang.no_datasets())) } @else {
                    ul.cards data-rows { @for dataset in &found.rows { (card(&view, dataset)) } }
                }
                (pager(&view, &found))
            }
        }))
}

/// A dataset in a list.
pub fn card(view: &View, dataset: &Dataset) -> Markup {
    let lang = view.lang;
    let about = dataset.description.as_deref().unwrap_or_default();
    let about = plain(about, 200);
    html! {
        li {
            div.between {
                a.title data-row href=(format!("/datasets/{}", dataset.id)) { (dataset.name) }
                span.row {
                    span.tag { (lang.records(view.number(dataset.rows))) }
                    @if dataset.version > 0 { span.tag { (lang.version_number(dataset.version)) } }
                    @for tag in &dataset.card.tags { span.tag { (tag) } }
                }
            }
            @if !about.is_empty() { p { (about) } }
        }
    }
}
