//! The datasets that one may read.

use axum::response::Response;
use maud::{Markup, html};

use super::kind;
use crate::console::form::Asked;
use crate::console::inside::list;
use crate::console::markup::plain;
use crate::console::parts::{empty, pager};
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
    let lang = view.lang;
    let shown = html! {
        @if found.rows.is_empty() { (empty(&view, lang.no_datasets())) } @else {
            ul.cards data-rows { @for dataset in &found.rows { (card(&view, dataset)) } }
        }
        (pager(&view, &found))
    };
    Ok(list(&view, &kind(lang), &shown).await)
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
