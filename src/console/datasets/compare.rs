//! Groups beside each other: the sentence, the picture, and the table with the numbers.

use axum::response::Response;
use http::{StatusCode, Uri};
use maud::{Markup, html};

use super::head;
use super::table::cleaned;
use crate::console::form::{Fields, select};
use crate::console::parts::given;
use crate::console::view::{View, decimal_of, link, pairs};
use crate::console::words::Lang;
use crate::datasets::access::DatasetAccess;
use crate::datasets::column::Column;
use crate::datasets::compare::{Compared, Comparison, GroupValue, makes_groups};
use crate::datasets::handlers::aggregate::{compare_asked, compare_groups};
use crate::datasets::model::Dataset;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};
use crate::projects::access::Viewer;

const OWN: [&str; 7] = ["by", "groups", "measures", "period", "at", "base", "agg"];

pub async fn show(
    access: DatasetAccess<Viewer>,
    app: AppState,
    view: View,
    uri: Uri,
) -> ApiResult<Response> {
    let uri = cleaned(&uri, None)?;
    let dataset = access.dataset.clone();
    let is_asked = !given(&uri, "groups").is_empty();
    let found = match is_asked {
        false => Ok(None),
        true => {
            let asked = compare_asked(&uri)?;
            compare_groups(&app, access, &asked).await.map(Some)
        }
    };
    let (found, error) = match found {
        Ok(found) => (found.map(|(_, comparison)| comparison), None),
        // What cannot be compared so can be asked otherwise.
        Err(error)
            if matches!(
                error.code,
                Code::InvalidParameter | Code::AmbiguousCell | Code::UnknownParameter
            ) =>
        {
            (None, Some(error))
        }
        Err(error) => return Err(error),
    };
    let lang = view.lang;
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let call = format!("/api/v1/datasets/{}/compare{query}", dataset.id);
    let status = error
        .as_ref()
        .map_or(StatusCode::OK, |error: &ApiError| error.code.status());
    let page = view
        .page(format!("{} - {}", lang.compare(), dataset.name))
        .await;
    let fields = Fields {
        lang,
        error: error.as_ref(),
    };
    Ok(page.status(status).api(&call).show(html! {
        (head(&view, &dataset))
        (fields.summary())
        @if let Some(found) = &found { (answer(&view, &uri, &call, found)) }
        (form(&view, &dataset, &uri))
    }))
}

/// A number as people read it: no digits that say nothing.
fn answer(view: &View, uri: &Uri, call: &str, found: &Comparison) -> Markup {
    let lang = view.lang;
    html! {
        @for measure in &found.measures {
            @for one in &measure.values { p { strong { (sentence(view, uri, measure, one)) } } }
        }
        @for measure in &found.measures {
            h2 { (measure.field) }
            div.scroll tabindex="0" role="region" aria-label=(measure.field) { table {
                thead { tr {
                    th scope="col" { (lang.group()) }
                    th.number scope="col" { (lang.value()) }
                    @if !given(uri, "base").is_empty() {
                        th.number scope="col" { (given(uri, "base")) }
                        th.number scope="col" { (lang.percent_change()) }
                    }
                } }
                tbody { @for one in &measure.values { tr {
                    th scope="row" { (one.group) }
                    (figure(lang, one.value, one.reason))
                    @if !given(uri, "base").is_empty() {
                        (figure(lang, one.base, None))
                        (figure(lang, one.percent_change, one.reason))
                    }
                } } }
            } }
            @if let Some(difference) = measure.difference {
                p { (lang.difference_first_two()) ": " strong { (decimal_of(lang, difference)) } }
            }
        }
        // What the picture shows is in the tables.
        p { img.chart src={ (call) "&format=svg" } alt=(lang.compare()) loading="lazy"; }
        p.row { a.button.small href={ (call) "&format=svg" } download="comparison.svg" { "SVG" } }
    }
}

fn figure(lang: Lang, value: Option<f64>, reason: Option<&str>) -> Markup {
    match value {
        Some(value) => html! { td.number { (decimal_of(lang, value)) } },
        None => html! { td.null title=[reason] { (lang.no_value()) } },
    }
}

fn sentence(view: &View, uri: &Uri, measure: &Compared, one: &GroupValue) -> String {
    let lang = view.lang;
    let (group, field) = (&one.group, &measure.field);
    let Some(value) = one.value else {
        return format!("{group}: {}", lang.no_value());
    };
    let (at, base) = (given(uri, "at"), given(uri, "base"));
    let number = |value| decimal_of(lang, value);
    match one.percent_change {
        Some(percent) if percent < 0.0 => {
            lang.less_than(group, number(value), field, number(-percent), at, base)
        }
        Some(percent) => lang.more_than(group, number(value), field, number(percent), at, base),
        None => lang.just_value(group, number(value), field),
    }
}

fn form(view: &View, dataset: &Dataset, uri: &Uri) -> Markup {
    let lang = view.lang;
    let columns = &dataset.columns.0;
    let named = |is: &dyn Fn(&Column) -> bool| -> Vec<(&str, &str)> {
        let found = columns.iter().filter(|column| is(column));
        found
            .map(|column| (column.field.as_str(), column.name.as_str()))
            .collect()
    };
    let by = named(&|column| makes_groups(column.kind));
    let measures = named(&|column| column.kind.is_number());
    let mut period = vec![("", lang.none())];
    period.extend(named(&|column| column.kind.compared_as().is_some()));
    let agg = ["sum", "avg", "min", "max", "median", "count", "distinct"].map(|word| (word, word));
    let agg = [&[("", lang.agg_none())], agg.as_slice()].concat();
    let mut kept = pairs(uri);
    kept.retain(|(name, value)| !OWN.contains(&name.as_str()) && !value.is_empty());
    html! {
        h2 { (lang.compare()) }
        form.inline method="get" action={ "/datasets/" (dataset.id) "/compare" } {
            @for (name, value) in &kept { input type="hidden" name=(name) value=(value); }
            label { (lang.compare_by()) (select("by", &given(uri, "by"), &by)) }
            label { (lang.compare_groups()) input name="groups" value=(given(uri, "groups")) required; }
            label { (lang.compare_measure()) (select("measures", &given(uri, "measures"), &measures)) }
            label { (lang.compare_period()) (select("period", &given(uri, "period"), &period)) }
            label { (lang.compare_at()) input name="at" value=(given(uri, "at")); }
            label { (lang.compare_base()) input name="base" value=(given(uri, "base")); }
            label { (lang.compare_agg()) (select("agg", &given(uri, "agg"), &agg)) }
            button.main { (lang.compare()) }
        }
        @if !kept.is_empty() {
            p.hint { (lang.filters()) ": " @for (name, value) in &kept { code { (name) "=" (value) } " " }
                a href=(link(&format!("/datasets/{}/compare", dataset.id), &[])) { (lang.remove()) } }
        }
    }
}
