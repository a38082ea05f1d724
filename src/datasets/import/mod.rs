//! Imports: a file becomes records of a dataset, all of them or none.

mod apart;
pub mod decode;
pub mod infer;
pub mod layout;
pub mod model;
pub mod ndjson;
pub mod options;
pub mod read;
pub mod rejects;
pub mod rows;
pub mod run;
pub mod source;
pub mod stop;
mod target;
