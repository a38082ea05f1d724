//! Pictures of what is computed of records: comparisons, groups, profiles.

use serde_json::{Map, Value};

use super::chart::{
    Bar, Category, Chart, Histogram, Lines, MOST_CATEGORIES, MOST_SERIES, Panel, Plot,
};
use super::column::{Column, ColumnType};
use super::compare::{Compared, Comparison, Period};
use super::measure::Measure;
use super::model::Dataset;
use super::profile::{ColumnProfile, Profile};
use super::query::invalid;
use super::scale::{Scale, number};
use crate::kernel::error::ApiResult;

/// What stands for a group whose field has no value.
const NO_VALUE: &str = "no value";

/// What a column is called, with its unit.
fn name(dataset: &Dataset, field: &str) -> String {
    match dataset.columns.find(field) {
        Some((Column { name, unit, .. }, _)) => match unit {
            Some(unit) => format!("{name} ({unit})"),
            None => name.clone(),
        },
        None => field.to_owned(),
    }
}

fn version(version: i64) -> String {
    format!("Version {version}")
}

/// A panel for each measure, with a bar for each group, beside what it was.
pub fn of_comparison(dataset: &Dataset, of: &Comparison, period: Option<Period<'_>>) -> Chart {
    let times = match period {
        Some(Period { at, base, .. }) => base.into_iter().chain([at]).collect(),
        None => Vec::new(),
    };
    let has_base = times.len() > 1;
    let panels = of.measures.iter().map(|measure| Panel {
        title: name(dataset, &measure.field),
        plot: Plot::Bars(compared(measure, has_base)),
    });
    let measures: Vec<String> = of
        .measures
        .iter()
        .map(|it| name(dataset, &it.field))
        .collect();
    let groups = of.measures.first().into_iter().flat_map(|it| &it.values);
    let groups: Vec<&str> = groups.map(|it| it.group.as_str()).collect();
    let at = match times.is_empty() {
        true => String::new(),
        false => format!(" at {}", times.join(" and ")),
    };
    Chart {
        title: dataset.name.clone(),
        about: format!(
            "Bars of {} for the groups {} of {}{at}.",
            measures.join(", "),
            groups.join(", "),
            name(dataset, &of.by)
        ),
        series: times.into_iter().map(str::to_owned).collect(),
        panels: panels.collect(),
        notes: vec![version(of.version())],
    }
}

fn compared(measure: &Compared, has_base: bool) -> Vec<Category> {
    let categories = measure.values.iter().map(|it| {
        let missing = |reason: &str| Bar {
            value: None,
            label: reason.replace('-', " "),
        };
        let mut now = match it.value {
            Some(value) => Bar::new(value),
            None => missing(it.reason.unwrap_or_default()),
        };
        if let Some(change) = it.percent_change {
            let sign = if change > 0.0 { "+" } else { "" };
            now.label = format!("{} ({sign}{} %)", now.label, number(change, 1));
        }
        let before = match it.base {
            Some(base) => Bar::new(base),
            None => missing(NO_VALUE),
        };
        Category {
            name: it.group.clone(),
            bars: match has_base {
                true => vec![before, now],
                false => vec![now],
            },
        }
    });
    categories.collect()
}

/// Groups that were asked for by these fields, and what was computed of each.
pub struct Groups<'a> {
    pub version: i64,
    /// The places of the columns.
    pub group_by: &'a [usize],
    pub measures: &'a [Measure],
    /// Each as JSON.
    pub groups: &'a [String],
    pub is_cut: bool,
}

/// A panel for each measure: lines over numbers and times, bars for everything else.
pub fn of_groups(dataset: &Dataset, of: &Groups<'_>) -> ApiResult<Chart> {
    if of.group_by.len() > 2 {
        return Err(invalid("group_by", "a picture has at most two fields"));
    }
    let mut notes = vec![version(of.version)];
    if of.is_cut {
        notes.push("There are more groups; these are of the first 1,000.".to_owned());
    }
    let rows: Vec<Map<String, Value>> = of
        .groups
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok())
        .collect();
    let columns: Vec<&Column> = of
        .group_by
        .iter()
        .filter_map(|place| dataset.columns.0.get(*place))
        .collect();
    let (first, second) = (columns.first(), columns.get(1));
    let mut series = second.map_or_else(
        || vec![String::new()],
        |column| different(&rows, &column.field),
    );
    if series.len() > MOST_SERIES {
        notes.push(format!(
            "The first {MOST_SERIES} of {} series.",
            series.len()
        ));
        series.truncate(MOST_SERIES);
    }
    let scale = first.and_then(|column| Scale::of(column.kind));
    let mut categories = match (first, scale) {
        (None, _) => vec!["all records".to_owned()],
        (Some(_), Some(_)) => Vec::new(),
        (Some(column), None) => different(&rows, &column.field),
    };
    if categories.len() > MOST_CATEGORIES {
        let all = categories.len();
        notes.push(format!("The first {MOST_CATEGORIES} of {all} groups."));
        categories.truncate(MOST_CATEGORIES);
    }
    let mut panels = Vec::new();
    for measure in of.measures {
        if !measure.is_number() {
            return Err(invalid("measures", "a picture has numbers only"));
        }
        let height = |row: &Map<String, Value>| read(row.get(&measure.name)?);
        let of_series = |row: &Map<String, Value>, name: &str| {
            second.is_none_or(|column| label(row, &column.field) == name)
        };
        let plot = match (first, scale) {
            (Some(column), Some(scale)) => {
                let points = series.iter().map(|name| {
                    let rows = rows.iter().filter(|row| of_series(row, name));
                    let place = |row: &Map<String, Value>| scale.position(row.get(&column.field)?);
                    rows.filter_map(|row| place(row).zip(height(row))).collect()
                });
                Plot::Lines(Lines {
                    scale,
                    points: points.collect(),
                })
            }
            _ => {
                let bars = categories.iter().map(|category| Category {
                    name: category.clone(),
                    bars: series
                        .iter()
                        .map(|name| {
                            let found = rows.iter().find(|row| {
                                of_series(row, name)
                                    && first.is_none_or(|it| label(row, &it.field) == *category)
                            });
                            let missing = || Bar {
                                value: None,
                                label: NO_VALUE.to_owned(),
                            };
                            found.and_then(height).map_or_else(missing, Bar::new)
                        })
                        .collect(),
                });
                Plot::Bars(bars.collect())
            }
        };
        panels.push(Panel {
            title: measure.name.clone(),
            plot,
        });
    }
    let measures: Vec<&str> = of.measures.iter().map(|it| it.name.as_str()).collect();
    let by: Vec<String> = columns.iter().map(|it| name(dataset, &it.field)).collect();
    Ok(Chart {
        title: dataset.name.clone(),
        about: match by.is_empty() {
            true => format!("{} of all records.", measures.join(", ")),
            false => format!("{} by {}.", measures.join(", "), by.join(" and ")),
        },
        series: match second {
            Some(_) => series,
            None => Vec::new(),
        },
        panels,
        notes,
    })
}

/// The values of a field in the order in which they come.
fn different(rows: &[Map<String, Value>], field: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for row in rows {
        let label = label(row, field);
        if !found.contains(&label) {
            found.push(label);
        }
    }
    found
}

fn label(row: &Map<String, Value>, field: &str) -> String {
    row.get(field).map_or_else(String::new, text)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => NO_VALUE.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number, or the text of an exact one.
fn read(value: &Value) -> Option<f64> {
    let read = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    };
    read.filter(|number: &f64| number.is_finite())
}

/// How the values of a column are spread; where they have no scale, which are frequent.
pub fn of_profile(dataset: &Dataset, of: &Profile, column: &ColumnProfile) -> ApiResult<Chart> {
    if column.kind == ColumnType::Json {
        return Err(invalid("column", "columns of type json have no picture"));
    }
    let mut notes = vec![version(of.version)];
    let nulls = number_of(column.nulls);
    notes.extend((column.nulls > 0).then(|| format!("Records without a value: {nulls}")));
    notes.extend(
        of.sampled
            .map(|_| "Estimated from a part of the records.".to_owned()),
    );
    let (plot, about) = match Scale::of(column.kind).filter(|_| !column.histogram.is_empty()) {
        Some(scale) => {
            let parts = column.histogram.iter().filter_map(|bin| {
                let (from, to) = (scale.position(&bin.from)?, scale.position(&bin.to)?);
                Some((from, to, float(bin.count)))
            });
            let parts = parts.collect();
            (
                Plot::Histogram(Histogram { scale, parts }),
                "How many values lie where",
            )
        }
        None => {
            let categories = column.frequent.iter().map(|it| Category {
                name: text(&it.value),
                bars: vec![Bar::new(float(it.count))],
            });
            let shown = column.frequent.len();
            if let Some(distinct) = &column.distinct
                && usize::try_from(distinct.count).is_ok_and(|count| count > shown)
            {
                let more = if distinct.exact { "" } else { "more than " };
                let all = number_of(distinct.count);
                notes.push(format!("The {shown} most frequent of {more}{all} values."));
            }
            (Plot::Bars(categories.collect()), "How often values occur")
        }
    };
    let name = name(dataset, &column.field);
    Ok(Chart {
        title: dataset.name.clone(),
        about: format!("{about} in {name}."),
        series: Vec::new(),
        panels: vec![Panel { title: name, plot }],
        notes,
    })
}

fn float(count: i64) -> f64 {
    count.to_string().parse().unwrap_or_default()
}

fn number_of(count: i64) -> String {
    number(float(count), 0)
}
