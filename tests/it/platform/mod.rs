//! What holds for every route: problem documents, headers, limits.

mod bodies;
mod encodings;
mod headers;
mod json;
mod overload;
mod queries;
mod routes;
mod trouble;
