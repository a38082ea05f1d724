//! Rules that protect data: what may be a hook, what a hook may touch, and what no template may
//! use.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::helm::{Case, Helm, Object, case, cases, chart, files, holds};

const EVENTS: &str = "pre-install,pre-upgrade";

/// Helm deletes a hook before it makes the next one, so nothing that holds data may be one.
fn hooks_hold_no_data(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    let mut weights = BTreeSet::new();
    for object in &case.objects {
        let Some(events) = object.annotation("helm.sh/hook") else {
            continue;
        };
        let policy = object.annotation("helm.sh/hook-delete-policy");
        if (object.kind(), events) == ("Pod", "test") {
            if policy != Some("before-hook-creation") {
                findings.push(format!("{object}: deleted by {policy:?}"));
            }
            continue;
        }
        if !["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Job"].contains(&object.kind()) {
            findings.push(format!("{object}: must not be a hook"));
        }
        if events != EVENTS {
            findings.push(format!("{object}: runs at {events}"));
        }
        if policy != Some("before-hook-creation,hook-succeeded") {
            findings.push(format!("{object}: deleted by {policy:?}"));
        }
        let weight = object.annotation("helm.sh/hook-weight").unwrap_or_default();
        if weight.parse::<i32>().is_err() || !weights.insert(weight.to_owned()) {
            findings.push(format!("{object}: shares its weight {weight:?}"));
        }
    }
    findings
}

fn annotate(object: &mut Object, name: &str, value: &str) {
    let metadata = object.0["metadata"].as_object_mut().unwrap();
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    annotations[name] = json!(value);
}

#[test]
fn no_hook_holds_data_and_every_hook_runs_on_install_and_upgrade() {
    let hook = |kind: &'static str, name: &'static str, value: &'static str| {
        move |object: &mut Object| {
            if object.kind() == kind {
                annotate(object, name, value);
            }
        }
    };
    holds(
        hooks_hold_no_data,
        "hook.yaml",
        &[
            (
                "a Service as a hook",
                &hook("Service", "helm.sh/hook", EVENTS),
            ),
            (
                "install alone",
                &hook("Role", "helm.sh/hook", "pre-install"),
            ),
            ("equal weights", &hook("Role", "helm.sh/hook-weight", "-30")),
            (
                "kept after success",
                &hook("Job", "helm.sh/hook-delete-policy", "before-hook-creation"),
            ),
        ],
    );
    holds(
        hooks_hold_no_data,
        "manifest.yaml",
        &[(
            "the Cluster as a hook",
            &hook("Cluster", "helm.sh/hook", EVENTS),
        )],
    );
}

/// A Secret in a manifest would be readable in the release, and made anew at each rendering.
#[test]
fn no_secret_is_rendered_and_the_cluster_outlives_the_release() {
    holds(
        |case| {
            let kept = |o: &Object| {
                o.annotation("helm.sh/resource-policy") == Some("keep")
                    && o.annotation("argocd.argoproj.io/sync-options")
                        .is_some_and(|options| options.contains("Prune=false"))
            };
            case.objects
                .iter()
                .filter(|o| match o.kind() {
                    "Secret" | "PersistentVolumeClaim" | "Pooler" => true,
                    "Cluster" => !kept(o),
                    _ => false,
                })
                .map(ToString::to_string)
                .collect()
        },
        "manifest.yaml",
        &[
            ("a Cluster that goes with the release", &|o| {
                if o.kind() == "Cluster" {
                    annotate(o, "helm.sh/resource-policy", "");
                }
            }),
            ("a Secret", &|o| {
                if o.kind() == "Service" {
                    o.0["kind"] = json!("Secret");
                }
            }),
        ],
    );
}

/// What the provision Job may do, by name (the API itself has its rights in `workloads`); `create`
/// with a name is what server-side apply asks for.
fn rights_are_named(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    let plan = plan(case);
    let allowed: Vec<Value> = [
        json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch", "create"],
            "resourceNames": plan["secrets"].as_object().map(|secrets| secrets.values().map(|s| s["name"].clone()).collect::<Vec<_>>())}),
        json!({"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["get", "patch", "create"],
            "resourceNames": [plan["cluster"]["metadata"]["name"]]}),
        json!({"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get"],
            "resourceNames": [format!("{}-1", plan["cluster"]["metadata"]["name"].as_str().unwrap_or_default())]}),
    ]
    .into();
    for role in case.of_kind("Role") {
        for rule in role.at("/rules").as_array().unwrap() {
            if !allowed.contains(rule) {
                findings.push(format!("{role}: {rule}"));
            }
        }
    }
    for binding in case.of_kind("RoleBinding") {
        let account = binding.text("/subjects/0/name");
        let who: Vec<_> = case
            .objects
            .iter()
            .filter(|o| {
                o.pod()
                    .is_some_and(|pod| pod["spec"]["serviceAccountName"] == account)
            })
            .map(Object::kind)
            .collect();
        if who != ["Job"] || binding.at("/subjects").as_array().unwrap().len() != 1 {
            findings.push(format!("{binding}: {account} runs {who:?}"));
        }
    }
    findings
}

pub(crate) fn plan(case: &Case) -> Value {
    case.of_kind("ConfigMap")
        .find_map(|map| map.at("/data/plan.json").as_str())
        .map_or(Value::Null, |plan| serde_json::from_str(plan).unwrap())
}

#[test]
fn the_provision_job_alone_has_rights_and_each_names_its_object() {
    let widen = |verb: &'static str| {
        move |o: &mut Object| {
            if o.kind() == "Role" {
                o.0["rules"][0]["verbs"] = json!(["get", "patch", "create", verb]);
            }
        }
    };
    holds(
        rights_are_named,
        "hook.yaml",
        &[
            ("delete", &widen("delete")),
            ("any Secret", &|o| {
                if o.kind() == "Role" {
                    o.0["rules"][0]
                        .as_object_mut()
                        .unwrap()
                        .remove("resourceNames");
                }
            }),
            ("the API's pods with the hook's rights", &|o| {
                if o.kind() == "Deployment" {
                    o.0["spec"]["template"]["spec"]["serviceAccountName"] =
                        json!("demo-chartroom-provision");
                }
            }),
        ],
    );
    let has_role = |file| case(file).map(|case| case.of_kind("Role").count());
    assert!(has_role("hook.yaml").is_none_or(|n| n == 1));
    assert!(
        has_role("external.yaml").is_none_or(|n| n == 1),
        "for the keys"
    );
    assert!(has_role("external-url.yaml").is_none_or(|n| n == 0));
    assert!(has_role("manifest.yaml").is_none_or(|n| n == 0));
}

/// Objects that the hook makes are nobody's to prune: no label by which a GitOps tool would count
/// them as the release's.
#[test]
fn what_the_hook_makes_is_not_labelled_as_the_releases_own() {
    for case in cases() {
        let plan = plan(case);
        if plan.is_null() {
            continue;
        }
        let labels = plan["metadata"]["labels"].as_object().unwrap();
        assert!(labels.contains_key("app.kubernetes.io/managed-by"));
        for label in ["app.kubernetes.io/instance", "helm.sh/chart"] {
            assert!(!labels.contains_key(label), "{}: {label}", case.file);
        }
        assert_eq!(
            plan["metadata"]["annotations"]["chartroom.github.io/release"],
            "ns/demo"
        );
    }
}

fn banned(template: &str) -> Vec<&'static str> {
    const BANNED: [&str; 12] = [
        "lookup",
        "randAlphaNum",
        "randAlpha",
        "randNumeric",
        "randAscii",
        "randBytes",
        "randInt",
        "uuidv4",
        "now",
        "genCA",
        "genPrivateKey",
        "htpasswd",
    ];
    let inside: Vec<&str> = template
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}").map(|(action, _)| action))
        .filter(|action| {
            !action
                .trim_start_matches('-')
                .trim_start()
                .starts_with("/*")
        })
        .collect();
    BANNED
        .into_iter()
        .filter(|word| {
            inside.iter().any(|action| {
                action
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .any(|found| found == *word)
            })
        })
        .collect()
}

/// The same values render the same objects, with and without a cluster at hand.
#[test]
fn no_template_uses_what_differs_between_two_renderings() {
    assert_eq!(
        banned("{{ randAlphaNum 8 }}{{- $x := (lookup \"v1\") }}"),
        ["lookup", "randAlphaNum"]
    );
    assert_eq!(banned("{{ now | date }} {{/* no lookup */}} now"), ["now"]);
    let mut seen = 0;
    let mut folders = vec![chart().join("templates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let found = banned(&fs::read_to_string(&path).unwrap());
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
    assert!(seen > 20);
    if let Some(helm) = Helm::find("helm") {
        assert!(helm.case("hook-full.yaml").objects == case("hook-full.yaml").unwrap().objects);
    }
}

#[test]
fn helm_3_renders_and_lints_what_helm_4_renders() {
    let Some(helm3) = Helm::find("helm3") else {
        return;
    };
    for file in files() {
        let Some(case) = case(&file) else { return };
        let other = helm3.case(&file);
        assert_eq!(helm3.lint(&file), Ok(()), "{file}");
        assert_eq!(other.objects.len(), case.objects.len(), "{file}");
        for (three, four) in other.objects.iter().zip(&case.objects) {
            assert!(three == four, "{file}: {three} differs");
        }
    }
}
