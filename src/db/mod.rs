//! The database: where it is, how to reach it, what to do when it fails.

pub mod embedded;
