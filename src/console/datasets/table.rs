//! The records of a dataset: a table of one page, with filters and order in the URL.

use axum::response::Response;
use http::Uri;
use maud::{Markup, html};
use serde_json::Value;

use super::cell::{cells, is_right};
use super::head;
use crate::console::form::select;
use crate::console::markup::markdown;
use crate::console::models::snippets::literal;
use crate::console::parts::given;
use crate::console::view::{View, link, pairs, with};
use crate::console::words::Lang;
use crate::datasets::access::DatasetAccess;
use crate::datasets::column::{Column, ColumnType};
use crate::datasets::handlers::records::{Looked, asked, look};
use crate::datasets::model::Dataset;
use crate::datasets::query::selected;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult};
use crate::projects::access::{Role, Viewer};

/// Of a dataset with more columns, the first are shown until others are chosen.
const WIDE: usize = 30;
const OWN: [&str; 6] = ["limit", "cursor", "count", "sort", "select", "version"];

/// What the URL asks, without what a form has sent empty, and with the columns that are shown.
pub fn cleaned(uri: &Uri, dataset: Option<&Dataset>) -> ApiResult<Uri> {
    let mut all = pairs(uri);
    all.retain(|(_, value)| !value.is_empty());
    let is_chosen = all.iter().any(|(name, _)| name == "select");
    if let Some(dataset) = dataset
        && !is_chosen
        && dataset.columns.0.len() > WIDE
    {
        let first: Vec<&str> = dataset.columns.fields().take(WIDE).collect();
        all.push(("select".to_owned(), first.join(",")));
    }
    link(uri.path(), &all).parse().map_err(ApiError::internal)
}

pub async fn show(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    uri: Uri,
) -> ApiResult<Response> {
    let DatasetAccess { dataset, who, .. } = access;
    let uri = cleaned(&uri, Some(&dataset))?;
    let asked = asked(&uri)?;
    let looked = look(&app, who, dataset, &asked, &uri).await?;
    let places = selected(&looked.dataset.columns, asked.get("select"))?;
    let columns = &looked.dataset.columns.0;
    let columns: Vec<&Column> = places
        .iter()
        .filter_map(|place| columns.get(*place))
        .collect();
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let call = format!("/api/v1/datasets/{}/records{query}", looked.dataset.id);
    let page = view.page(&looked.dataset.name).await.api(call);
    let page = page.python(python(&looked.dataset, &uri));
    Ok(page.show(body(&view, &looked, &columns)))
}

/// All records that fit, as a frame.
fn python(dataset: &Dataset, uri: &Uri) -> String {
    let text = |text: &str| literal(&Value::from(text));
    let filters = filters(uri);
    let filters = filters.iter();
    let filters: Vec<String> = filters
        .map(|(name, value)| format!("{}: {}", text(name), text(value)))
        .collect();
    let mut asked = Vec::new();
    if !filters.is_empty() {
        asked.push(format!("{{{}}}", filters.join(", ")));
    }
    let (select, version) = (given(uri, "select"), given(uri, "version"));
    if !select.is_empty() {
        let fields: Value = select.split(',').collect();
        asked.push(format!("select={}", literal(&fields)));
    }
    if !version.is_empty() {
        asked.push(format!("version={version}"));
    }
    let (id, asked) = (text(&dataset.id.to_string()), asked.join(", "));
    format!("import chartroom\n\nframe = chartroom.dataset({id}).to_polars({asked})")
}

fn body(view: &View, looked: &Looked, columns: &[&Column]) -> Markup {
    let (lang, uri) = (view.lang, &view.frame.uri);
    let Looked {
        dataset,
        page,
        next,
        ..
    } = looked;
    let filters = filters(uri);
    html! {
        (head(view, dataset))
        (about(lang, dataset))
        @let version = given(uri, "version");
        @if !version.is_empty() {
            p.note {
                (lang.shown_version(&version))
                " "
                a href=(with(uri, &[("version", None), ("cursor", None)])) { (lang.show_newest()) }
            }
        }
        @if dataset.columns.0.is_empty() {
            p.note {
                (lang.no_records()) " "
                @if dataset.role >= Some(Role::Editor) {
                    a href={ "/datasets/" (dataset.id) "/import" } { (lang.import()) }
                }
            }
        } @else {
            (chips(view, &filters))
            (composer(view, dataset))
            @if page.records.is_empty() {
                p.note {
                    @if filters.is_empty() { (lang.no_records()) } @else { (lang.no_records_fit()) }
                }
            } @else {
                (table(view, columns, &page.records))
            }
            nav.pager aria-label=(lang.pages()) {
                @if !given(uri, "cursor").is_empty() {
                    a.button href=(with(uri, &[("cursor", None)])) { "⇤ " (lang.first_page()) }
                }
                @if let Some(next) = next {
                    a.button rel="next" href=(with(uri, &[("cursor", Some(next))])) {
                        (lang.next_page())
                        " →"
                    }
                }
                @if dataset.columns.0.len() > columns.len() {
                    span.hint { (lang.at_most_columns(columns.len(), dataset.columns.0.len())) }
                }
            }
            (exports(view, dataset))
        }
    }
}

/// What the dataset says of itself.
fn about(lang: Lang, dataset: &Dataset) -> Markup {
    let card = &dataset.card;
    let facts = [
        (lang.licence(), &card.licence),
        (lang.source(), &card.source),
        (lang.contact(), &card.contact),
    ];
    html! {
        @if let Some(text) = dataset.description.as_deref().filter(|text| !text.is_empty()) {
            (markdown(text))
        }
        ul.facts {
            @for (label, value) in facts {
                @if let Some(value) = value { li { (label) ": " (value) } }
            }
        }
    }
}

/// The conditions on fields that the URL has.
fn filters(uri: &Uri) -> Vec<(String, String)> {
    let mut all = pairs(uri);
    all.retain(|(name, value)| !OWN.contains(&name.as_str()) && !value.is_empty());
    all
}

/// What an operator is called, in the words of people.
pub fn operators(lang: Lang) -> [(&'static str, &'static str); 11] {
    [
        ("", lang.op_is()),
        ("ne", lang.op_ne()),
        ("lt", lang.op_lt()),
        ("lte", lang.op_lte()),
        ("gt", lang.op_gt()),
        ("gte", lang.op_gte()),
        ("contains", lang.op_contains()),
        ("startswith", lang.op_startswith()),
        ("in", lang.op_in()),
        ("isnull", lang.op_isnull()),
        ("covers", lang.op_covers()),
    ]
}

fn chips(view: &View, filters: &[(String, String)]) -> Markup {
    let (lang, uri) = (view.lang, &view.frame.uri);
    html! {
        @if !filters.is_empty() {
            ul.chips aria-label=(lang.filters()) {
                @for (name, value) in filters {
                    @let (field, operator) = name.split_once("__").unwrap_or((name, ""));
                    @let known = operators(lang).into_iter().find(|(word, _)| *word == operator);
                    li.tag {
                        (field) " " (known.map_or(operator, |(_, text)| text)) " " strong { (value) } " "
                        a href=(with(uri, &[(name, None), ("cursor", None)]))
                            aria-label={ (lang.remove()) ": " (name) } {
                            "✕"
                        }
                    }
                }
            }
        }
    }
}

/// Adds a filter, or chooses columns, by pages of its own: both work without a script.
fn composer(view: &View, dataset: &Dataset) -> Markup {
    let (lang, uri) = (view.lang, &view.frame.uri);
    let action = format!("/datasets/{}/ask", dataset.id);
    let fields: Vec<(&str, &str)> = dataset
        .columns
        .0
        .iter()
        .map(|it| (it.field.as_str(), it.name.as_str()))
        .collect();
    let chosen = given(uri, "select");
    let is_chosen = |field: &str| chosen.is_empty() || chosen.split(',').any(|one| one == field);
    let kept = uri.query().unwrap_or_default();
    html! {
        div.row {
            details.more {
                summary { (lang.add_filter()) }
                form.inline method="get" action=(action) {
                    input type="hidden" name="kept" value=(kept);
                    label { (lang.column()) (select("field", "", &fields)) }
                    label { (lang.filters()) (select("op", "", &operators(lang))) }
                    label { (lang.value()) input type="search" name="value"; }
                    button { (lang.add()) }
                }
            }
            details.more {
                summary { (lang.choose_columns()) }
                form method="get" action=(action) {
                    input type="hidden" name="kept" value=(kept);
                    div.columns {
                        @for (field, name) in &fields {
                            label.check {
                                input type="checkbox" name="column" value=(field)
                                    checked[is_chosen(field)];
                                (name)
                            }
                        }
                    }
                    button { (lang.change()) }
                }
            }
        }
    }
}

fn table(view: &View, columns: &[&Column], records: &[String]) -> Markup {
    let (lang, uri) = (view.lang, &view.frame.uri);
    let sort = given(uri, "sort");
    html! {
        div.scroll tabindex="0" role="region" aria-label=(lang.table()) {
            table.pinned {
                thead { tr { @for column in columns { (column_head(lang, uri, column, &sort)) } } }
                tbody { @for record in records { tr { (cells(lang, columns, record)) } } }
            }
        }
    }
}

/// The head of a column, which sorts by it; a second time the other way round.
fn column_head(lang: Lang, uri: &Uri, column: &Column, sort: &str) -> Markup {
    let field = &column.field;
    let (is_up, down) = (sort == field, format!("-{field}"));
    let next = if is_up { &down } else { field };
    let order = match (is_up, sort == down) {
        (true, _) => Some("ascending"),
        (_, true) => Some("descending"),
        _ => None,
    };
    let mark = match order {
        Some("ascending") => " ▲",
        Some(_) => " ▼",
        None => "",
    };
    let unit = column
        .unit
        .as_deref()
        .map_or_else(String::new, |unit| format!(", {unit}"));
    let class = is_right(column).then_some("number");
    html! {
        th scope="col" class=[class] aria-sort=[order] title=[column.description.as_deref()] {
            @if column.kind == ColumnType::Json { (column.name) } @else {
                a href=(with(uri, &[("sort", Some(next)), ("cursor", None)]))
                    title=(lang.sorted_by_hint()) {
                    (column.name)
                    (mark)
                }
            }
            small { (column.kind.as_str()) (unit) }
        }
    }
}

/// Files of all records that fit, whatever page is shown.
fn exports(view: &View, dataset: &Dataset) -> Markup {
    let (lang, uri) = (view.lang, &view.frame.uri);
    let mut all = pairs(uri);
    all.retain(|(name, value)| {
        !["limit", "cursor", "count", "sort"].contains(&name.as_str()) && !value.is_empty()
    });
    let path = format!("/api/v1/datasets/{}/records", dataset.id);
    let file = |format: &str| {
        let mut all = all.clone();
        all.push(("format".to_owned(), format.to_owned()));
        link(&path, &all)
    };
    html! {
        p.row {
            span { (lang.export_all()) ":" }
            @for (format, text) in [("csv", "CSV"), ("ndjson", "NDJSON"), ("parquet", "Parquet"), ("arrow", "Arrow")] {
                a.button.small href=(file(format)) download=(format!("{}.{format}", dataset.name)) {
                    (text)
                }
            }
        }
    }
}
