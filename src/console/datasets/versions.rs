//! The versions of a dataset.

use axum::response::Response;
use maud::html;

use super::head;
use crate::console::parts::pager;
use crate::console::view::View;
use crate::datasets::access::DatasetAccess;
use crate::datasets::versions::{self, VersionSort};
use crate::http::answer::page::PageParams;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::projects::access::Viewer;

pub async fn show(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    page: PageParams<VersionSort>,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    let id = dataset.id;
    let found = app
        .db
        .read(async |connection| versions::page(connection, id, &page).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, path) = (view.lang, format!("/datasets/{id}"));
    let page = view
        .page(format!("{} - {}", lang.versions(), dataset.name))
        .await;
    Ok(page.api(format!("/api/v1/datasets/{id}/versions")).show(html! {
        (head(&view, &dataset))
        @if found.rows.is_empty() { p.note { (lang.no_records()) } } @else {
            div.scroll tabindex="0" role="region" aria-label=(lang.versions()) { table {
                thead { tr {
                    th.number scope="col" { (lang.version()) }
                    th scope="col" { (lang.when()) }
                    th scope="col" { (lang.what_changed()) }
                    th.number scope="col" { (lang.added()) }
                    th.number scope="col" { (lang.removed()) }
                    th.number scope="col" { (lang.changed()) }
                    th.number scope="col" { (lang.show_version()) }
                    th scope="col" { (lang.message()) }
                    th scope="col" { span.hidden-text { (lang.actions()) } }
                } }
                tbody { @for one in &found.rows { tr {
                    td.number { (one.version) @if one.pinned { " " span.tag { (lang.pinned()) } } }
                    td { (view.at(one.made_at())) }
                    td { (one.kind.as_str()) }
                    td.number { (view.number(one.added)) }
                    td.number { (view.number(one.removed)) }
                    td.number { (view.number(one.changed)) }
                    td.number { (view.number(one.row_count)) }
                    td.text { (one.message.as_deref().unwrap_or_default()) }
                    td { @if one.purged_at.is_some() { span.hint { (lang.version_gone()) } } @else {
                        span.row {
                            a data-row href={ (path) "?version=" (one.version) } {
                                (lang.show_version())
                            }
                            a href={ (path) "/difference?to=" (one.version) } {
                                (lang.difference())
                            }
                            a href={ (path) "/versions/" (one.version) "/lineage" } {
                                (lang.lineage())
                            }
                        }
                    } }
                } } }
            } }
        }
        (pager(&view, &found))
    }))
}
