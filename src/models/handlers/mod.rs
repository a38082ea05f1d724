//! What is asked about models, a file for each matter.

pub mod aliases;
pub mod batch;
pub mod golden;
pub mod lineage;
pub mod log;
pub mod models;
pub mod upload;
pub mod verify;
pub mod versions;

use serde::Deserialize;

use super::model::Model;
use super::version::Version;
use crate::db::Db;
use crate::kernel::error::{ApiError, ApiResult};
use crate::kernel::types::ModelId;

/// A version in a path.
#[derive(Deserialize)]
pub struct VersionPath {
    pub name: String,
    pub version: i64,
}

/// The version of a model.
pub async fn version(db: &Db, model: ModelId, version: i64) -> ApiResult<Version> {
    let found = db
        .look_up(async |connection| Version::find(connection, model, version).await)
        .await?;
    found.ok_or(ApiError::not_found("version"))
}

fn place(model: &Model, version: i64) -> String {
    format!("/api/v1/models/{}/versions/{version}", model.name)
}
