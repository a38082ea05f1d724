//! The only room that sees all others: the command line, and what `chartroom serve` is put together
//! from.

pub mod admin;
pub mod cli;
mod core;
pub mod embedded;
pub mod features;
mod healthcheck;
pub mod ops;
pub mod serve;
pub mod smoke;
mod sweep;
pub mod tasks;
mod worker;
