//! The audit trail.

use axum::response::Response;
use maud::html;

use super::head;
use crate::audit::handlers::AuditFilter;
use crate::console::form::Asked;
use crate::console::parts::{empty, given, pager};
use crate::console::view::{View, with};
use crate::events::model::{EventSort, TrailEntry};
use crate::http::answer::page::PageParams;
use crate::http::caller::Administrator;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;

pub async fn show(
    _: Administrator,
    app: AppState,
    view: View,
    page: PageParams<EventSort>,
    Asked(filter): Asked<AuditFilter>,
) -> ApiResult<Response> {
    let wanted = filter.wanted()?;
    let found = app
        .db
        .read(async |connection| TrailEntry::page(connection, &page, &wanted).await)
        .await?;
    let found = page.neighbours(found);
    let (lang, uri) = (view.lang, &view.frame.uri);
    // What is clicked on becomes the filter.
    let narrow = |name: &str, value: &str| {
        with(
            uri,
            &[(name, Some(value)), ("cursor", None), ("before", None)],
        )
    };
    Ok(view
        .page(lang.audit())
        .await
        .api("/api/v1/audit")
        .show(html! {
            (head(&view, lang.audit()))
            form.search method="get" action="/admin/audit" role="search" {
                label {
                    (lang.action())
                    input type="search" name="action" value=(given(uri, "action"));
                }
                label { (lang.who()) input type="search" name="actor" value=(given(uri, "actor")); }
                label {
                    (lang.target())
                    input type="search" name="target" value=(given(uri, "target"));
                }
                button { (lang.search()) }
            }
            @if found.rows.is_empty() { (empty(&view, lang.none())) } @else {
                div.scroll tabindex="0" role="region" aria-label=(lang.audit()) { table {
                    thead { tr {
                        th scope="col" { (lang.when()) }
                        th scope="col" { (lang.action()) }
                        th scope="col" { (lang.who()) }
                        th scope="col" { (lang.target()) }
                        th scope="col" { (lang.address()) }
                        th scope="col" { (lang.details()) }
                    } }
                    tbody { @for one in &found.rows { tr {
                        td { (view.at(one.at)) }
                        td { a href=(narrow("action", &one.action)) { (one.action) } }
                        td {
                            @if let Some(actor) = one.actor_id {
                                a href=(narrow("actor", &actor.to_string())) {
                                    code { (short(&actor.to_string())) }
                                }
                            }
                        }
                        td {
                            @if let Some(target) = one.target_id {
                                a href=(narrow("target", &target.to_string())) {
                                    code { (short(&target.to_string())) }
                                }
                            }
                        }
                        td { (one.address.as_deref().unwrap_or_default()) }
                        td.text {
                            code { (one.detail) }
                            @if let Some(id) = &one.request_id {
                                span.hint { (lang.request_id()) ": " (id) }
                            }
                        }
                    } } }
                } }
            }
            (pager(&view, &found))
        }))
}

/// The end of an id, by which two can be told apart.
fn short(id: &str) -> &str {
    id.get(24..).unwrap_or(id)
}
