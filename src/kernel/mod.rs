//! What everything is made of. It imports nothing of ours.

pub mod actor;
pub mod chance;
pub mod error;
pub mod generations;
pub mod origin;
pub mod principal;
pub mod request;
pub mod shutdown;
pub mod text;
pub mod types;
pub mod values;
pub mod workload;
