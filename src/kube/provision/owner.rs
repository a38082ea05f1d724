//! Whose an object is. What is provisioned outlives its release, so the name of the release is
//! written on it, and nobody else's is ever touched.

use serde_json::{Value, json};

use super::plan::Metadata;

/// Holds `NAMESPACE/NAME` of the release.
pub const RELEASE: &str = "chartroom.github.io/release";

/// Puts the plan's labels and annotations on an object.
pub fn mark(object: &mut Value, plan: &Metadata) {
    for (member, ours) in [("labels", &plan.labels), ("annotations", &plan.annotations)] {
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            return;
        };
        let present = metadata.entry(member).or_insert_with(|| json!({}));
        if let Some(present) = present.as_object_mut() {
            present.extend(ours.clone());
        }
    }
}

/// Who else the object belongs to.
pub fn stranger<'o>(object: &'o Value, release: &str) -> Option<&'o str> {
    let owner = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(RELEASE))
        .and_then(Value::as_str)
        .unwrap_or("nobody that says so");
    (owner != release).then_some(owner)
}
