//! Chartroom: a self-hosted, Kubernetes-native registry for data teams.

pub mod db;
pub mod http;
pub mod server;
pub mod shutdown;
