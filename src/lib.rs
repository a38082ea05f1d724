//! Chartroom: a self-hosted, Kubernetes-native registry for data teams.
//!
//! - [`cli`]: subcommands and exit codes; [`admin`]: those about keys and accounts; [`config`]: every setting
//! - [`serve`]: what `chartroom serve` starts and stops, in which order; [`state`]: what handlers share
//! - [`server`]: connections and their limits; [`shutdown`]: how the process stops
//! - [`http`]: the middleware, the routes, the documentation, the ops listener; [`error`]: problem documents
//! - [`db`]: connections, migrations, the private PostgreSQL; [`schema`]: the tables as diesel knows them
//! - [`users`], [`projects`], [`posts`]: the resources; [`audit`]: who did what
//! - [`kube`]: what is done in a Kubernetes cluster besides serving; [`smoke`]: the test of an installation
//! - [`telemetry`]: logs and traces; [`metrics`]: all metrics; [`text`]: characters that deceive
//!
//! `docs/ARCHITECTURE.md` says how these fit together and where a feature goes.

pub mod admin;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod error;
pub mod http;
pub mod kube;
pub mod metrics;
pub mod posts;
pub mod projects;
pub mod schema;
pub mod serve;
pub mod server;
pub mod shutdown;
pub mod smoke;
pub mod state;
pub mod telemetry;
pub mod text;
pub mod types;
pub mod users;
