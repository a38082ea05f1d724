//! Requests that last as long as bytes move: uploads and downloads, and how they end.

mod beside;
mod ends;
mod limits;
pub(crate) mod memory;
pub(crate) mod routes;
mod stage;
