//! Whether a database can be written to, read from the status that CloudNativePG keeps of its
//! Cluster. `Ready` is not asked: it stays true for a while after the specification has changed,
//! and is false where only a replica is missing.

use serde_json::Value;

use super::cluster::text;

#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// A writable primary, and the runtime role in place.
    Ready,
    /// What it waits for, in a line.
    Waiting(String),
    /// Waiting longer changes nothing.
    Over(String),
}

/// Phases that no patience gets out of (CloudNativePG 1.30, api/v1/cluster_types.go).
const TERMINAL: [&str; 5] = [
    "Invalid cluster definition",
    "Unable to create required cluster objects",
    "Cluster has incomplete or invalid image catalog",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
    "Cluster is unrecoverable and needs manual intervention",
];

pub fn of(cluster: &Value) -> Progress {
    let phase = text(cluster, "/status/phase").unwrap_or_default();
    let reason = text(cluster, "/status/phaseReason").filter(|reason| !reason.is_empty());
    let said = match reason {
        Some(reason) => format!("{phase}: {reason}"),
        None => phase.to_owned(),
    };
    if TERMINAL.contains(&phase) {
        return Progress::Over(said);
    }
    let primary = text(cluster, "/status/currentPrimary").filter(|name| !name.is_empty());
    let is_settled = primary.is_some() && primary == text(cluster, "/status/targetPrimary");
    let ready = cluster
        .pointer("/status/readyInstances")
        .and_then(Value::as_u64);
    let waits_for = if phase.is_empty() {
        "the operator has not looked at it yet".to_owned()
    } else if !is_settled || ready.unwrap_or(0) == 0 {
        said
    } else if let Some(role) = missing_role(cluster) {
        role
    } else {
        return Progress::Ready;
    };
    Progress::Waiting(waits_for)
}

fn missing_role(cluster: &Value) -> Option<String> {
    let roles = cluster
        .pointer("/spec/managed/roles")
        .and_then(Value::as_array)?;
    let reconciled = cluster
        .pointer("/status/managedRolesStatus/byStatus/reconciled")
        .and_then(Value::as_array);
    roles
        .iter()
        .filter_map(|role| text(role, "/name"))
        .find_map(|name| {
            if reconciled.is_some_and(|names| names.iter().any(|other| other == name)) {
                return None;
            }
            let problem = cluster
                .pointer("/status/managedRolesStatus/cannotReconcile")
                .and_then(|all| all.get(name))
                .map(|problem| format!(": {problem}"));
            Some(format!(
                "the role {name} is not in place yet{}",
                problem.unwrap_or_default()
            ))
        })
}
