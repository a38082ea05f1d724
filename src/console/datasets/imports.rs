//! The imports of a dataset, and one of them, which is watched until it ends.

use axum::response::Response;
use maud::{Markup, html};

use super::head;
use super::import::file;
use crate::console::form::{Form, key};
use crate::console::parts::pager;
use crate::console::view::{Done, View, done};
use crate::console::words::Lang;
use crate::datasets::access::DatasetAccess;
use crate::datasets::column::{Column, ColumnType, Columns};
use crate::datasets::handlers::imports::cancel_import;
use crate::datasets::import::model::{self, Import, ImportSort, ImportState};
use crate::datasets::import::options::{MOST_TIMES, Said};
use crate::datasets::model::Dataset;
use crate::http::answer::conditional::Conditions;
use crate::http::answer::page::PageParams;
use crate::http::body::extract::ValidPath;
use crate::http::caller::Signed;
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::{DatasetId, ImportId};
use crate::projects::access::{Role, Viewer};

/// How often a page that waits looks again, in seconds.
const AGAIN: u32 = 2;

fn word(lang: Lang, state: ImportState) -> (&'static str, &'static str) {
    match state {
        ImportState::Receiving => (lang.state_receiving(), "tag"),
        ImportState::Loading => (lang.state_loading(), "tag"),
        ImportState::Ready => (lang.state_ready(), "tag good"),
        ImportState::Checked => (lang.state_checked(), "tag good"),
        ImportState::Refused => (lang.state_refused(), "tag bad"),
        ImportState::Failed => (lang.state_failed(), "tag bad"),
        ImportState::Cancelled => (lang.state_cancelled(), "tag warn"),
    }
}

pub async fn list(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    page: PageParams<ImportSort>,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    let id = dataset.id;
    let found = app
        .db
        .read(async |connection| model::page(connection, id, None, &page).await)
        .await?;
    let found = page.neighbours(found);
    let lang = view.lang;
    let page = view
        .page(format!("{} - {}", lang.imports(), dataset.name))
        .await;
    Ok(page
        .api(format!("/api/v1/datasets/{id}/imports"))
        .show(html! {
            (head(&view, &dataset))
            @if found.rows.is_empty() { p.note { (lang.no_records()) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(lang.imports()) { table {
                    thead { tr {
                        th scope="col" { (lang.when()) }
                        th scope="col" { (lang.state()) }
                        th.number scope="col" { (lang.rows_read()) }
                        th.number scope="col" { (lang.rows_written()) }
                        th.number scope="col" { (lang.rows_failed()) }
                        th scope="col" { (lang.message()) }
                    } }
                    tbody data-rows { @for one in &found.rows { tr {
                        @let (text, class) = word(lang, one.state);
                        td {
                            a data-row href={ "/datasets/" (id) "/imports/" (one.id) } {
                                (view.at(one.started_at))
                            }
                        }
                        td { span class=(class) { (text) } }
                        td.number { (view.number(one.rows_read)) }
                        td.number { (view.number(one.rows_written)) }
                        td.number { (view.number(one.rows_failed)) }
                        td.text { (one.message.as_deref().unwrap_or_default()) }
                    } } }
                } }
            }
            (pager(&view, &found))
        }))
}

pub async fn show(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    ValidPath(path): ValidPath<(DatasetId, ImportId)>,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    let (of, id) = path;
    let found = app
        .db
        .look_up(async |connection| Import::find(connection, of, id).await)
        .await?;
    let import = found.ok_or(ApiError::not_found("import"))?;
    let lang = view.lang;
    let page = view
        .page(format!("{} - {}", lang.import(), dataset.name))
        .await;
    let page = page.api(format!("/api/v1/datasets/{of}/imports/{id}"));
    let page = page.again_in((!import.state.is_end()).then_some(AGAIN));
    Ok(page.show(html! {
        (head(&view, &dataset))
        (body(&view, &import, &dataset))
    }))
}

fn body(view: &View, import: &Import, dataset: &Dataset) -> Markup {
    let lang = view.lang;
    let path = format!("/datasets/{}", import.dataset_id);
    let (text, class) = word(lang, import.state);
    let writes = dataset.role >= Some(Role::Editor);
    html! {
        h2 { (lang.import()) " " span class=(class) { (text) } }
        @if !import.state.is_end() { p.note role="status" { (lang.still_running()) progress {} } }
        @if let Some(problem) = &import.problem {
            div.note.bad role="alert" {
                p lang="en" { strong { (problem.0.code) } ": " (problem.0.detail) }
            }
        }
        @if let Some(version) = import.version {
            p.note.good { (lang.made_by_version(version)) " " a href=(path) { (lang.table()) } }
        }
        ul.facts {
            li { (lang.begun()) " " (view.at(import.started_at)) }
            @if let Some(end) = import.ended_at { li { (lang.ended_at()) " " (view.at(end)) } }
            li { (lang.bytes_read()) ": " (view.number(import.bytes)) }
            li { (lang.rows_read()) ": " (view.number(import.rows_read)) }
            @if import.state != ImportState::Checked {
                li { (lang.rows_written()) ": " (view.number(import.rows_written)) }
            }
            li { (lang.rows_failed()) ": " (view.number(import.rows_failed)) }
        }
        @if writes && !import.state.is_end() {
            form method="post" action={ (path) "/imports/" (import.id) "/stop" } {
                button.danger { (lang.stop_import()) }
            }
        }
        @if writes && import.rejected_rows > 0 {
            p {
                a.button href={ "/api/v1" (path) "/imports/" (import.id) "/rejected" }
                    download="rejected.csv" {
                    (lang.rejected_file())
                }
            }
        }
        @if let Some(columns) = &import.inferred {
            h3 { (lang.inferred_types()) }
            @let is_open = matches!(import.state, ImportState::Checked | ImportState::Refused);
            @if writes && is_open && dataset.columns.0.is_empty() {
                (again(view, import, columns))
            } @else { (types(lang, columns, false)) }
        }
        @if !import.errors.0.is_empty() { (errors(lang, import)) }
    }
}

/// What was not loaded is sent again as it was said, with the types that were chosen.
fn again(view: &View, import: &Import, columns: &Columns) -> Markup {
    let lang = view.lang;
    let path = format!("/datasets/{}/import", import.dataset_id);
    let said: Said = serde_json::from_value(import.options.clone()).unwrap_or_default();
    let said = said
        .0
        .iter()
        .filter(|(name, _)| name != "dry_run" && name != "type");
    html! {
        p.hint { (lang.types_hint()) }
        form method="post" enctype="multipart/form-data" action=(path)
            data-upload={ "/api/v1" (path) "s" } data-failed=(lang.state_failed()) {
            (key())
            @for (name, value) in said { input type="hidden" name=(name) value=(value); }
            (types(lang, columns, true))
            (file(lang))
        }
    }
}

fn types(lang: Lang, columns: &Columns, can_choose: bool) -> Markup {
    // So many can be said, and a colon ends the name.
    let may =
        |at: usize, column: &Column| can_choose && at < MOST_TIMES && !column.name.contains(':');
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.inferred_types()) { table {
            thead { tr { th scope="col" { (lang.column()) } th scope="col" { (lang.type_word()) } } }
            tbody { @for (at, column) in columns.0.iter().enumerate() { tr {
                td.text { (column.name) }
                td { @if may(at, column) {
                    select name="type" aria-label=(lang.type_of(&column.name)) {
                        @for kind in ColumnType::ALL {
                            option value={ (column.name) ":" (kind.as_str()) }
                                selected[*kind == column.kind] { (kind.as_str()) }
                        }
                    }
                } @else { (column.kind.as_str()) } }
            } } }
        } }
    }
}

fn errors(lang: Lang, import: &Import) -> Markup {
    html! {
        h3 { (lang.mistakes()) }
        div.scroll tabindex="0" role="region" aria-label=(lang.mistakes()) { table {
            thead { tr {
                th.number scope="col" { (lang.row()) }
                th scope="col" { (lang.column()) }
                th scope="col" { (lang.value()) }
                th scope="col" { (lang.reason()) }
            } }
            tbody { @for error in import.errors.0.iter().take(200) { tr {
                td.number { (error.row) }
                td.text { (error.column.as_deref().unwrap_or_default()) }
                td.text { (error.value.as_deref().unwrap_or_default()) }
                td lang="en" { (error.code) }
            } } }
        } }
    }
}

pub async fn stop(
    who: Signed,
    app: AppState,
    actor: Actor,
    ValidPath((dataset, import)): ValidPath<(DatasetId, ImportId)>,
    _: Form,
) -> ApiResult<Response> {
    let path = ValidPath((dataset, import));
    cancel_import(who, app, actor, path, Conditions::default()).await?;
    done(
        Done::Ended,
        &format!("/datasets/{dataset}/imports/{import}"),
    )
}
