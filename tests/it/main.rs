//! All integration tests, one binary: the embedded server starts once for all of them.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

mod admin;
mod auth;
mod chaos;
mod cli;
mod client;
mod config;
mod console;
mod database;
mod datasets;
mod docs_page;
mod embedded;
mod faults;
mod feed;
mod files;
mod jobs;
mod kube;
mod laws;
mod limits;
mod machinery;
mod mail;
mod matrix;
mod migrations;
mod models;
mod notifications;
mod observability;
mod openapi;
mod platform;
mod posts;
mod process;
mod projects;
mod readme;
mod server;
mod smoke;
mod streams;
mod tls;
mod workloads;
