//! What Chartroom does in a Kubernetes cluster besides serving: [`provision`] makes the secrets and
//! the database that a release needs.

pub mod api;
pub mod provision;
