//! Every rendered object is one that Kubernetes, CloudNativePG, the Prometheus operator and the
//! Gateway API know, in each supported version, down to the last field. The schemas are the
//! projects' own; `scripts/chart-tools` fetches them.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::helm::{Case, Object, case, cases};
use crate::process::{TempDir, installed, or_skip};
use crate::rules::plan;

/// The folder that `scripts/chart-tools` filled.
const SCHEMAS: &str = "CHARTROOM_TEST_SCHEMAS";
const VERSIONS: [&str; 3] = ["1.30.14", "1.34.2", "1.36.0"];

struct Validator {
    program: PathBuf,
    /// One folder per version with a file per kind.
    schemas: TempDir,
}

impl Validator {
    fn get() -> Option<&'static Self> {
        static VALIDATOR: OnceLock<Option<Validator>> = OnceLock::new();
        VALIDATOR
            .get_or_init(|| {
                let program = or_skip("kubeconform", installed("kubeconform", &[]))?;
                let sources = or_skip("chart-schemas", env::var_os(SCHEMAS).map(PathBuf::from))?;
                let schemas = TempDir::new("schemas").unwrap();
                for version in VERSIONS {
                    let folder = schemas.0.join(format!("v{version}"));
                    fs::create_dir(&folder).unwrap();
                    builtin(&sources.join(format!("kubernetes-{version}.json")), &folder);
                    custom(&sources.join("crds"), &folder);
                }
                Some(Self { program, schemas })
            })
            .as_ref()
    }

    /// What is wrong with the objects as that version sees them.
    fn findings(&self, version: &str, objects: &[Object]) -> Vec<String> {
        let schemas = self
            .schemas
            .0
            .join("{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json");
        let mut child = Command::new(&self.program)
            .args([
                "-strict",
                "-output",
                "json",
                "-kubernetes-version",
                version,
                "-schema-location",
            ])
            .arg(schemas)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let text: Vec<String> = objects.iter().map(|o| o.0.to_string()).collect();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.join("\n---\n").as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Without -summary kubeconform lists the failures alone.
        report["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| {
                format!(
                    "{version}: {} {}: {}",
                    found["kind"], found["name"], found["msg"]
                )
            })
            .collect()
    }
}

/// What kubeconform calls the file of a kind: `deployment-apps-v1.json`, `service-v1.json`.
fn file_name(group: &str, version: &str, kind: &str) -> String {
    let kind = kind.to_lowercase();
    match group.split('.').next() {
        Some("") | None => format!("{kind}-{version}.json"),
        Some(group) => format!("{kind}-{group}-{version}.json"),
    }
}

/// The kinds of Kubernetes itself, from its OpenAPI document.
fn builtin(document: &Path, folder: &Path) {
    let text = fs::read_to_string(document)
        .unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let definitions = document["definitions"].take();
    for (name, definition) in definitions.as_object().unwrap() {
        for id in definition["x-kubernetes-group-version-kind"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let part = |key: &str| id[key].as_str().unwrap();
            let schema = json!({"$ref": format!("definitions.json#/definitions/{name}")});
            let file = folder.join(file_name(part("group"), part("version"), part("kind")));
            fs::write(file, schema.to_string()).unwrap();
        }
    }
    let mut definitions = json!({"definitions": definitions});
    strict(&mut definitions["definitions"], false);
    fs::write(folder.join("definitions.json"), definitions.to_string()).unwrap();
}

/// The kinds of operators, from their definitions.
fn custom(folder: &Path, into: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let definition: Value =
            serde_saphyr::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        let spec = &definition["spec"];
        for version in spec["versions"].as_array().unwrap() {
            let mut schema = version["schema"]["openAPIV3Schema"].clone();
            // The API server knows what metadata is, the definition does not say it.
            schema["properties"]["metadata"] = json!({"$ref": "definitions.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"});
            strict(&mut schema, false);
            let part = |value: &Value| value.as_str().unwrap().to_owned();
            let file = file_name(
                &part(&spec["group"]),
                &part(&version["name"]),
                &part(&spec["names"]["kind"]),
            );
            fs::write(into.join(file), schema.to_string()).unwrap();
        }
    }
}

/// OpenAPI as JSON Schema that knows every field: what has properties has no others. `named` is
/// inside `properties`, where a key is a field's name and no keyword.
fn strict(schema: &mut Value, named: bool) {
    match schema {
        Value::Object(map) => {
            if !named {
                close(map);
            }
            for (key, inner) in map.iter_mut() {
                let names = !named && ["properties", "definitions"].contains(&key.as_str());
                strict(inner, names);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| strict(inner, false)),
        _ => {}
    }
}

fn close(map: &mut Map<String, Value>) {
    let either = map
        .get("format")
        .is_some_and(|format| format == "int-or-string")
        || map
            .get("x-kubernetes-int-or-string")
            .is_some_and(|either| *either == true);
    if either {
        map.insert("type".to_owned(), json!(["integer", "string"]));
        map.remove("format");
        map.remove("anyOf");
    }
    let open = map
        .get("x-kubernetes-preserve-unknown-fields")
        .is_some_and(|open| *open == true);
    if map.get("properties").is_some_and(Value::is_object) && !open {
        map.entry("additionalProperties").or_insert(json!(false));
    }
}

/// With the Cluster that the hook makes.
fn everything(case: &Case) -> Vec<Object> {
    let mut objects = case.objects.clone();
    let cluster = plan(case)["cluster"].clone();
    if !cluster.is_null() {
        objects.push(Object(cluster));
    }
    objects
}

#[test]
fn every_object_is_valid_in_every_supported_version() {
    let Some(validator) = Validator::get() else {
        return;
    };
    let objects: Vec<Object> = cases().iter().flat_map(everything).collect();
    for version in VERSIONS {
        assert_eq!(validator.findings(version, &objects), Vec::<String>::new());
    }
}

/// The control of the test above: one thing is wrong with each of these objects.
#[test]
fn an_object_with_one_wrong_field_is_noticed() {
    let Some(validator) = Validator::get() else {
        return;
    };
    let Some(case) = case("hook.yaml") else {
        return;
    };
    let objects = everything(case);
    let broken: Vec<Object> = [
        (
            "Deployment",
            "/spec/template/spec/containers/0",
            "evn",
            json!([]),
        ),
        ("Deployment", "/spec", "replicas", json!("2")),
        ("Service", "/spec/ports/0", "targetPort", json!({})),
        ("Job", "/metadata", "label", json!({})),
        (
            "PrometheusRule",
            "/spec/groups/0/rules/0",
            "expr",
            json!(true),
        ),
        (
            "ServiceMonitor",
            "/spec/endpoints/0",
            "intervall",
            json!("30s"),
        ),
        ("PodMonitor", "/spec/selector", "matchLabel", json!({})),
        ("Cluster", "/spec", "instances", json!("3")),
        (
            "Cluster",
            "/spec/postgresql/synchronous",
            "method",
            json!("all"),
        ),
        ("Cluster", "/spec", "deletionPolicy", json!("retain")),
        ("Role", "", "kind", json!("Rolle")),
    ]
    .into_iter()
    .map(|(kind, pointer, field, value)| {
        let mut object = objects.iter().find(|o| o.kind() == kind).unwrap().clone();
        object.0.pointer_mut(pointer).unwrap()[field] = value;
        object
    })
    .collect();
    let findings = validator.findings(VERSIONS[1], &broken);
    assert_eq!(findings.len(), broken.len(), "{findings:#?}");
}

/// Each kind of object that the chart can render is in one of the cases, so that the test above has
/// seen it.
#[test]
fn the_values_files_render_every_kind() {
    if case("hook.yaml").is_none() {
        return;
    }
    let mut kinds: Vec<&str> = cases()
        .iter()
        .flat_map(|case| &case.objects)
        .map(Object::kind)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(
        kinds.join(" "),
        "Cluster ClusterRole ClusterRoleBinding ConfigMap Deployment HTTPRoute HorizontalPodAutoscaler Ingress Job NetworkPolicy Pod PodDisruptionBudget \
         PodMonitor PrometheusRule Role RoleBinding Service ServiceAccount ServiceMonitor"
    );
}
