//! What is different in a version from another.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::cell::text;
use super::head;
use crate::console::form::Asked;
use crate::console::parts::pager;
use crate::console::view::View;
use crate::datasets::access::DatasetAccess;
use crate::datasets::column::Column;
use crate::datasets::diff::{DiffSort, Difference, DifferentRecord};
use crate::datasets::handlers::diff::{DiffVersions, diff};
use crate::http::answer::page::PageParams;
use crate::identity::api::AppState;
use crate::kernel::error::ApiResult;
use crate::projects::access::Viewer;

pub async fn show(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    page: PageParams<DiffSort>,
    Asked(asked): Asked<DiffVersions>,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    let diff = diff(&app, &dataset, &asked).await?;
    let (summary, found) = app
        .db
        .read(async |connection| {
            let summary = diff.summary(connection).await?;
            Ok((summary, diff.page(connection, &page).await?))
        })
        .await?;
    let found = page.neighbours(found);
    let before = found.before.clone();
    let after = found.after.clone();
    let rows: Vec<DifferentRecord> = found
        .rows
        .into_iter()
        .map(|row| row.shown(&diff.columns))
        .collect();
    let lang = view.lang;
    let (from, to) = (summary.from, summary.to);
    let (path, call) = (
        format!("/datasets/{}", dataset.id),
        format!("/api/v1/datasets/{}/diff?from={from}&to={to}", dataset.id),
    );
    let columns: Vec<&Column> = dataset.columns.0.iter().collect();
    let neighbours = crate::http::answer::page::Neighbours {
        rows: Vec::<()>::new(),
        before,
        after,
        count: None,
    };
    let page = view
        .page(format!("{} - {}", lang.difference(), dataset.name))
        .await
        .api(&call);
    Ok(page.show(html! {
        (head(&view, &dataset))
        h2 { (lang.difference_of(from, to)) }
        form.inline method="get" action={ (path) "/difference" } {
            label { (lang.compare_base()) input type="number" name="from" min="0" value=(from); }
            label { (lang.version()) input type="number" name="to" min="1" value=(to); }
            button { (lang.compare()) }
        }
        ul.facts {
            li { (view.number(summary.added)) " " (lang.added()) }
            li { (view.number(summary.removed)) " " (lang.removed()) }
            li { (view.number(summary.changed)) " " (lang.changed()) }
            li { a href={ (call) "&format=csv" } download { "CSV" } }
        }
        @if !rows.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(lang.difference()) { table.pinned {
                thead {
                    tr {
                        th scope="col" { (lang.what()) }
                        @for column in &columns { th scope="col" { (column.name) } }
                    }
                }
                tbody { @for row in &rows { (line(&view, &columns, row)) } }
            } }
        }
        (pager(&view, &neighbours))
    }))
}

fn record(text: Option<&serde_json::value::RawValue>) -> Map<String, Value> {
    let text = text.map_or("", serde_json::value::RawValue::get);
    serde_json::from_str(text).unwrap_or_default()
}

fn line(view: &View, columns: &[&Column], row: &DifferentRecord) -> Markup {
    let lang = view.lang;
    let (before, after) = (record(row.before.as_deref()), record(row.after.as_deref()));
    let of =
        |record: &Map<String, Value>, field: &str| record.get(field).map(text).unwrap_or_default();
    let (word, class) = match row.change {
        Difference::Added => (lang.added(), "tag good"),
        Difference::Removed => (lang.removed(), "tag bad"),
        Difference::Changed => (lang.changed(), "tag warn"),
    };
    html! {
        tr {
            td { span class=(class) { (word) } }
            @for column in columns {
                @let field = &column.field;
                @if row.fields.contains(field) {
                    td.text { del { (of(&before, field)) } " " ins { (of(&after, field)) } }
                } @else if row.change == Difference::Removed {
                    td.text { (of(&before, field)) }
                } @else {
                    td.text { (of(&after, field)) }
                }
            }
        }
    }
}
