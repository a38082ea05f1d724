//! What a release wants: the chart renders it, and `chartroom provision` reads it.
//! docs/KUBERNETES.md describes it.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::owner::RELEASE;
use super::runners::Runners;
use super::secret::Role;
use crate::config::{Broken, Span};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Plan {
    /// `NAMESPACE/NAME`.
    pub release: String,
    pub namespace: String,
    /// How long all of it may take.
    #[serde(deserialize_with = "span")]
    pub timeout: Span,
    /// How long of that the operator and its webhook are waited for.
    #[serde(default = "a_minute", deserialize_with = "span")]
    pub operator_timeout: Span,
    /// Take over a Cluster and secrets that no release or another one owns.
    #[serde(default)]
    pub adopt: bool,
    #[serde(default)]
    pub allow_major_upgrade: bool,
    /// On everything that is made.
    pub metadata: Metadata,
    pub secrets: Secrets,
    pub cluster: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    #[serde(default)]
    pub labels: Map<String, Value>,
    pub annotations: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    pub keys: Option<KeysSecret>,
    /// Of the role that owns the database and migrates it.
    pub owner: Option<Role>,
    /// Of the role that the API runs as.
    pub runtime: Option<Role>,
    /// Of runners of models and of those who ask them.
    pub runners: Option<Runners>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysSecret {
    pub name: String,
}

fn a_minute() -> Span {
    Span(std::time::Duration::from_secs(60))
}

fn span<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
    String::deserialize(from)?
        .parse()
        .map_err(serde::de::Error::custom)
}

impl Plan {
    pub fn read(file: &Path) -> Result<Self, Broken> {
        let unusable = |problem: String| Broken::new("--plan", problem);
        let bytes = std::fs::read(file).map_err(|error| {
            unusable(format!("cannot read {}: {}", file.display(), error.kind()))
        })?;
        let plan: Self = serde_json::from_slice(&bytes)
            .map_err(|error| unusable(format!("{} is not a plan: {error}", file.display())))?;
        // Otherwise nothing would ever recognise what this release made as its own.
        if plan
            .metadata
            .annotations
            .get(RELEASE)
            .and_then(Value::as_str)
            != Some(&plan.release)
        {
            return Err(unusable(format!(
                "the annotation {RELEASE} is not the release {}",
                plan.release
            )));
        }
        Ok(plan)
    }
}
