//! Datasets: typed tables in projects, loaded from files, whose every change is a version.
//!
//! A dataset is its project's: viewers read, editors import and edit, owners delete. Its rows stand
//! in tables of their own (`table.rs`), and carry the changes that they came and went with, so that
//! each version can be read again (`versions.rs`).

pub mod access;
pub mod aggregate;
pub mod card;
pub mod changes;
pub mod chart;
pub mod column;
pub mod compare;
pub mod csv;
pub mod diff;
pub mod edit;
pub mod export;
pub mod files;
pub mod handlers;
pub mod import;
pub mod measure;
pub mod merge;
pub mod metadata;
pub mod model;
pub mod pattern;
pub mod pictures;
pub mod pins;
pub mod profile;
pub mod query;
pub mod records;
pub mod report;
pub mod retention;
pub mod rules;
pub mod scale;
pub mod sweep;
pub mod table;
pub mod texts;
pub mod typed;
pub mod value;
pub mod versions;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[(
            "datasets",
            "Typed tables in projects: imports, records, versions, comparisons.",
        )],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            handlers::datasets::list_datasets,
            handlers::datasets::create_dataset
        ))
        .routes(routes!(
            handlers::datasets::get_dataset,
            handlers::update::update_dataset,
            handlers::datasets::delete_dataset
        ))
        .routes(routes!(
            handlers::imports::list_imports,
            handlers::imports::create_import
        ))
        .routes(routes!(
            handlers::imports::get_import,
            handlers::imports::cancel_import
        ))
        .routes(routes!(handlers::imports::get_rejected_records))
        .routes(routes!(
            handlers::records::list_records,
            handlers::record::create_record
        ))
        .routes(routes!(
            handlers::record::get_record,
            handlers::record::update_record,
            handlers::record::delete_record
        ))
        .routes(routes!(handlers::aggregate::get_aggregate))
        .routes(routes!(handlers::aggregate::get_comparison))
        .routes(routes!(handlers::profile::get_profile))
        .routes(routes!(handlers::metadata::get_data_package))
        .routes(routes!(handlers::metadata::get_croissant))
        .routes(routes!(
            handlers::pins::list_pins,
            handlers::pins::create_pin
        ))
        .routes(routes!(handlers::pins::get_pin, handlers::pins::delete_pin))
        .routes(routes!(handlers::diff::list_differences))
        .routes(routes!(handlers::diff::get_diff_summary))
        .routes(routes!(handlers::versions::list_dataset_versions))
        .routes(routes!(handlers::versions::get_version_file))
}
