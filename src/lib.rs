//! Chartroom: a self-hosted, Kubernetes-native registry for data teams.
//!
//! The rooms of the house, from the ground up; a room imports only rooms that are named before it,
//! and of those only what `tests/it/laws/layers.rs` allows:
//!
//! - [`kernel`]: what everything is made of: errors and their codes, ids, texts, who acts, how the
//!   process stops
//! - [`schema`]: the tables as diesel knows them
//! - [`config`]: every setting, one clap struct per section, checked before anything starts
//! - [`telemetry`]: logs (a bounded buffer and a thread), the request line, spans for OTLP, metrics
//! - [`server`]: connections: the accept loop, timeouts, caps, framing, request heads
//! - [`db`]: the database: the pool's rules, TLS, transactions, pages, migrations, the readiness
//!   watch
//! - [`blobs`]: bytes that are kept in the database in parts, and read from any place on
//! - [`net`]: outbound HTTP: one client with a time limit and a bounded answer, for https too
//! - [`process`]: the child that reads what strangers send: its limits, its queue, its end
//! - [`client`]: what `chartroom` says to another Chartroom: credentials, calls, nouns, output
//! - [`state`]: what all parts of the process share
//! - [`http`]: the one middleware, what handlers take, what they answer, the API's document
//! - [`events`]: what can happen, and the trail of what did
//! - [`identity`]: who is asking: accounts, passwords, sessions, tokens, workloads, revocation, the
//!   limits of signing in
//! - [`jobs`]: what is done outside of requests, once: the queue, its runner, what comes every so
//!   often
//! - [`mail`]: mail: letters, the way to the mail server, what is known of addresses
//! - [`users`]: what people and administrators do with accounts
//! - [`projects`]: projects, members, invitations, roles, expiry
//! - [`audit`]: the trail as administrators read it
//! - [`activity`]: a person's own trail
//! - [`feed`]: what happens in projects, in pages and as streams
//! - [`notifications`]: what people are told, and what they want to be told
//! - [`kube`]: what is done in a cluster besides serving: the database, the keys
//! - [`posts`]: posts, votes, search
//! - [`datasets`]: typed tables in projects, loaded from files, whose every change is a version
//! - [`models`]: ONNX models in projects: versions that never change, and the aliases they are
//!   asked by
//! - [`console`]: pages for people, above all features: what the API does, to look at and to click
//! - [`app`]: the only room that sees all others: the command line, the features, `serve`, the ops
//!   listener, the smoke test
//!
//! `docs/ARCHITECTURE.md` says how these fit together and where a feature goes.

pub mod activity;
pub mod app;
pub mod audit;
pub mod blobs;
pub mod client;
pub mod config;
pub mod console;
pub mod datasets;
pub mod db;
pub mod events;
pub mod feed;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod kernel;
pub mod kube;
pub mod mail;
pub mod models;
pub mod net;
pub mod notifications;
pub mod posts;
pub mod process;
pub mod projects;
pub mod schema;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod users;
