//! What holds for every route: problem documents, headers, limits.

mod answers;
mod bodies;
pub(crate) mod encodings;
mod headers;
mod hosts;
mod json;
mod overload;
mod queries;
pub(crate) mod routes;
mod trouble;
