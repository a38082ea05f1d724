//! Scoring: each record of a version of a dataset is asked of a version of a model, and the answers
//! are loaded into a dataset, by one import whose rows a job brings (`job.rs`).

pub mod job;
pub mod plan;
mod stages;
pub mod values;
