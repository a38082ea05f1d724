//! Datasets: their records, what their columns hold, their versions, imports and comparisons.

pub mod ask;
pub mod cell;
pub mod compare;
pub mod difference;
pub mod import;
pub mod imports;
pub mod list;
pub mod new;
pub mod profile;
pub mod sample;
pub mod settings;
pub mod table;
pub mod versions;

use maud::{Markup, html};

use super::inside::Kind;
use super::parts::{crumbs, tabs};
use super::view::View;
use super::words::Lang;
use crate::datasets::model::Dataset;
use crate::projects::access::Role;

/// As what is inside a project.
fn kind(lang: Lang) -> Kind {
    Kind {
        path: "/datasets",
        all: lang.datasets(),
        new: lang.new_dataset(),
        search: lang.search_datasets(),
        why: lang.new_dataset_hint(),
        name_hint: "",
        next: "/import",
    }
}

/// What stands above every page of a dataset.
pub fn head(view: &View, dataset: &Dataset) -> Markup {
    let lang = view.lang;
    let path = format!("/datasets/{}", dataset.id);
    let mut all = vec![
        (path.clone(), lang.table()),
        (format!("{path}/profile"), lang.columns()),
        (format!("{path}/compare"), lang.compare()),
        (format!("{path}/versions"), lang.versions()),
        (format!("{path}/imports"), lang.imports()),
    ];
    if dataset.role >= Some(Role::Editor) {
        all.push((format!("{path}/import"), lang.import()));
        all.push((format!("{path}/settings"), lang.edit()));
    }
    html! {
        (crumbs(
            ("/datasets", lang.datasets()),
            Some((dataset.project_id, &dataset.project)),
        ))
        h1 { (dataset.name) }
        ul.facts {
            li { (lang.records(view.number(dataset.rows))) }
            @if dataset.version > 0 { li { (lang.version_number(dataset.version)) } }
            li { (lang.updated()) " " (view.at(dataset.updated_at)) }
            @for tag in &dataset.card.tags { li { span.tag { (tag) } } }
        }
        (tabs(view, lang.datasets(), &all))
    }
}
