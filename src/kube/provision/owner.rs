//! Whose an object is. What is provisioned outlives its release, so the name of the release is written on it, and nobody else's
//! is ever touched.

use serde_json::{Map, Value, json};

/// Holds `NAMESPACE/NAME` of the release.
pub const RELEASE: &str = "chartroom.dev/release";

/// The annotations of everything that is provisioned. No label says which release it is: by such a label Argo CD takes an object
/// for part of the application, and prunes it.
pub fn annotations(release: &str) -> Value {
    json!({
        RELEASE: release,
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    })
}

pub fn annotate(object: &mut Value, release: &str) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let present = metadata.entry("annotations").or_insert_with(|| json!({}));
    if !present.is_object() {
        *present = Value::Object(Map::new());
    }
    if let (Some(present), Value::Object(ours)) = (present.as_object_mut(), annotations(release)) {
        present.extend(ours);
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
