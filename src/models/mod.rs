//! Models: ONNX files in projects as immutable versions, and the aliases by which they are asked.
//!
//! A model is its project's: viewers read and ask it, editors upload versions, owners move aliases.
//! The bytes of a version never change (`version.rs`), every move of an alias is kept (`alias.rs`),
//! and what a stranger's file is like is found out by a child that can be killed (`check.rs`). A
//! dataset is scored by a job that brings an import its rows (`scoring/`). A share of the answers
//! can be kept in a dataset (`log/`).

pub mod access;
pub mod alias;
pub mod check;
pub mod handlers;
pub mod lineage;
pub mod load;
pub mod log;
pub mod model;
pub mod oip;
pub mod overview;
pub mod scoring;
pub mod serving;
pub mod signature;
pub mod version;

use utoipa_axum::router::OpenApiRouter;

use crate::http::caller::routes;
use crate::identity::api::{AppState, Feature};

pub fn feature() -> Feature {
    Feature {
        routes: routes(),
        tags: &[
            (
                "models",
                "ONNX models in projects: versions, aliases with their history.",
            ),
            (
                "lineage",
                "Which version of a dataset or a model came from which.",
            ),
            (
                "inference",
                "Asking models, by the Open Inference Protocol.",
            ),
        ],
        ending: None,
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(
            handlers::models::list_models,
            handlers::models::create_model
        ))
        .routes(routes!(
            handlers::models::get_model,
            handlers::models::update_model,
            handlers::models::delete_model
        ))
        .routes(routes!(handlers::models::get_model_stats))
        .routes(routes!(handlers::batch::score_dataset))
        .routes(routes!(handlers::lineage::get_lineage))
        .routes(routes!(
            handlers::versions::list_model_versions,
            handlers::upload::create_model_version
        ))
        .routes(routes!(
            handlers::versions::get_model_version,
            handlers::versions::update_model_version,
            handlers::versions::delete_model_version
        ))
        .routes(routes!(handlers::versions::get_model_bytes))
        .routes(routes!(handlers::verify::verify_model_version))
        .routes(routes!(
            handlers::golden::get_model_golden,
            handlers::golden::set_model_golden,
            handlers::golden::delete_model_golden
        ))
        .routes(routes!(
            handlers::log::get_model_log,
            handlers::log::set_model_log,
            handlers::log::delete_model_log
        ))
        .routes(routes!(handlers::aliases::list_aliases))
        .routes(routes!(
            handlers::aliases::get_alias,
            handlers::aliases::move_alias,
            handlers::aliases::delete_alias
        ))
        .routes(routes!(handlers::aliases::move_alias_back))
        .routes(routes!(handlers::aliases::list_alias_moves))
        .routes(routes!(oip::get_inference_server))
        .routes(routes!(oip::get_inference_live))
        .routes(routes!(oip::get_inference_ready))
        .routes(routes!(oip::get_inference_model))
        .routes(routes!(oip::get_inference_model_ready))
        .routes(routes!(oip::infer_model))
        .routes(routes!(oip::get_inference_version))
        .routes(routes!(oip::get_inference_version_ready))
        .routes(routes!(oip::infer_model_version))
}
