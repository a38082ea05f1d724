//! Chartroom: a self-hosted, Kubernetes-native registry for data teams.
//!
//! The rooms of the house, from the ground up; a room imports only those that are named before it,
//! and never its neighbour of the same line:
//!
//! - [`kernel`]: what everything is made of: errors, ids, texts, the caller, how the process stops
//! - [`schema`]: the tables as diesel knows them
//! - [`config`]: every setting
//! - [`telemetry`]: logs, traces, metrics
//! - [`server`]: connections and their limits; [`db`]: the database
//! - [`state`]: what all parts of the process share
//! - [`http`]: the middleware, bodies, answers, the API's document
//! - [`events`]: who did what
//! - [`identity`]: who is asking
//! - [`users`], [`projects`], [`audit`], [`kube`]: accounts, projects, the trail, the cluster
//! - [`posts`]: what is in a project
//! - [`app`]: the command line, and `serve`, which puts it all together
//!
//! `docs/ARCHITECTURE.md` says how these fit together and where a feature goes.

pub mod app;
pub mod audit;
pub mod config;
pub mod db;
pub mod events;
pub mod http;
pub mod identity;
pub mod kernel;
pub mod kube;
pub mod posts;
pub mod projects;
pub mod schema;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod users;
