//! What the columns of a dataset hold. A bar, and a frequent value, leads to its records.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::cell::text;
use super::head;
use crate::console::view::{View, link};
use crate::datasets::access::DatasetAccess;
use crate::datasets::column::ColumnType;
use crate::datasets::handlers::profile::profile;
use crate::datasets::model::Dataset;
use crate::datasets::profile::{Bin, ColumnProfile, Profile};
use crate::identity::api::AppState;
use crate::kernel::actor::Actor;
use crate::kernel::error::ApiResult;
use crate::projects::access::Viewer;

/// How often a page that waits looks again, in seconds.
const AGAIN: u32 = 3;
/// The picture of a histogram, in its own units.
const WIDTH: i64 = 600;
const HEIGHT: i64 = 120;

pub async fn show(
    access: DatasetAccess<Viewer>,
    app: AppState,
    actor: Actor,
    view: View,
) -> ApiResult<Response> {
    let dataset = access.dataset;
    let version = (dataset.version > 0).then_some(dataset.version);
    let profile = profile(&app, &actor, &dataset, version).await?;
    let lang = view.lang;
    let page = view
        .page(format!("{} - {}", lang.columns(), dataset.name))
        .await;
    let page = page.api(format!("/api/v1/datasets/{}/profile", dataset.id));
    let page = page.again_in(profile.is_none().then_some(AGAIN));
    Ok(page.show(html! {
        (head(&view, &dataset))
        @match &profile {
            None => p.note role="status" { (lang.profile_pending()) },
            Some(profile) => (columns(&view, &dataset, profile)),
        }
    }))
}

fn columns(view: &View, dataset: &Dataset, profile: &Profile) -> Markup {
    let lang = view.lang;
    html! {
        @if profile.columns.is_empty() { p.note { (lang.no_records()) } }
        @if let Some(sampled) = profile.sampled {
            p.note { (lang.profile_sampled(view.number(sampled))) }
        }
        div.columns {
            @for column in &profile.columns { (one(view, dataset, column)) }
        }
    }
}

fn one(view: &View, dataset: &Dataset, column: &ColumnProfile) -> Markup {
    let lang = view.lang;
    let known = dataset.columns.find(&column.field);
    let name = known.map_or(column.field.as_str(), |(known, _)| &known.name);
    let rounded = |number: f64| format!("{number:.2}");
    html! {
        section.column aria-label=(name) {
            h2 { (name) " " span.tag { (column.kind.as_str()) } }
            ul.facts {
                @if let Some(distinct) = &column.distinct {
                    @let count = view.number(distinct.count);
                    li {
                        @if distinct.exact {
                            (lang.distinct(count))
                        } @else { (lang.at_least_distinct(count)) }
                    }
                }
                @if column.nulls > 0 {
                    li {
                        a
                            href=(link(&path(dataset), &[pair(&format!("{}__isnull", column.field), "true")]))
                            {
                            (lang.missing(view.number(column.nulls)))
                        }
                    }
                }
            }
            @if !column.histogram.is_empty() { (histogram(view, dataset, column)) }
            dl {
                @if !column.min.is_null() {
                    dt { (lang.least()) }
                    dd { (text(&column.min)) }
                    dt { (lang.largest()) }
                    dd { (text(&column.max)) }
                }
                @if let Some(mean) = column.mean { dt { (lang.mean()) } dd { (rounded(mean)) } }
                @if let Some(deviation) = column.deviation {
                    dt { (lang.deviation()) }
                    dd { (rounded(deviation)) }
                }
            }
            @if !column.frequent.is_empty() && (column.histogram.is_empty() || column.frequent.len() <= 10) {
                (frequent(view, dataset, column))
            }
        }
    }
}

fn path(dataset: &Dataset) -> String {
    format!("/datasets/{}", dataset.id)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Each bar is a link to the records in it; the last one has its end too.
fn histogram(view: &View, dataset: &Dataset, column: &ColumnProfile) -> Markup {
    let lang = view.lang;
    let bins = &column.histogram;
    let count = i64::try_from(bins.len()).unwrap_or(1).max(1);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    let width = WIDTH / count;
    let target = |at: usize, bin: &Bin| {
        let end = if at + 1 == bins.len() { "lte" } else { "lt" };
        let from = pair(&format!("{}__gte", column.field), &text(&bin.from));
        let to = pair(&format!("{}__{end}", column.field), &text(&bin.to));
        link(&path(dataset), &[from, to])
    };
    html! {
        svg.bars viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="group"
            aria-label=(lang.how_spread()) {
            @for (at, bin) in bins.iter().enumerate() {
                @let x = i64::try_from(at).unwrap_or_default() * width;
                @let height = (bin.count * HEIGHT / most).max(i64::from(bin.count > 0));
                @let said = format!("{} – {}: {}", text(&bin.from), text(&bin.to), view.number(bin.count));
                a href=(target(at, bin)) aria-label=(said) {
                    rect.ground x=(x) y="0" width=(width) height=(HEIGHT) {}
                    rect x=(x) y=(HEIGHT - height) width=((width - 1).max(1)) height=(height) {
                        title { (said) }
                    }
                }
            }
        }
    }
}

fn frequent(view: &View, dataset: &Dataset, column: &ColumnProfile) -> Markup {
    let lang = view.lang;
    let most = column
        .frequent
        .iter()
        .map(|one| one.count)
        .max()
        .unwrap_or(1)
        .max(1);
    // A text that is cut is not the value.
    let can_filter = |value: &Value| {
        column.kind != ColumnType::Json
            && text(value).chars().count() < 200
            && !text(value).is_empty()
    };
    html! {
        h3 { (lang.frequent()) }
        ul.ranks {
            @for one in column.frequent.iter().take(10) {
                @let shown = text(&one.value);
                li {
                    span {
                        @if can_filter(&one.value) {
                            a href=(link(&path(dataset), &[pair(&column.field, &shown)])) {
                                (shown)
                            }
                        }
                        @else { (shown) }
                    }
                    span { (view.number(one.count)) }
                    meter min="0" max=(most) value=(one.count) aria-label=(shown) {}
                }
            }
        }
    }
}
