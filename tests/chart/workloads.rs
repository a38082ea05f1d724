//! Workload identity: what the pods mount and may do in each mode, and that it is no more than the
//! mode needs.

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, Helm, Object, case, holds};
use crate::pods::list;

fn mode(pod: &Value) -> &str {
    let env = list(&pod["spec"]["containers"][0]["env"]);
    let variable = env
        .iter()
        .find(|variable| variable["name"] == "CHARTROOM_SERVICE_ACCOUNTS_MODE");
    variable.unwrap()["value"].as_str().unwrap()
}

/// A right in the whole cluster is one right, of the API's pods alone, and only where it is used.
fn rights_in_the_cluster_are_one(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    let deployment = case.of_kind("Deployment").next().unwrap();
    let pod = deployment.pod().unwrap();
    let count = usize::from(mode(pod) == "tokenReview");
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        if case.of_kind(kind).count() != count {
            findings.push(format!("{}: {kind}", mode(pod)));
        }
    }
    for role in case.of_kind("ClusterRole") {
        let right = json!([{ "apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"] }]);
        if role.at("/rules") != &right || !role.name().contains(":ns:") {
            findings.push(format!("{role}: {}", role.at("/rules")));
        }
    }
    for binding in case.of_kind("ClusterRoleBinding") {
        let account = json!([{ "kind": "ServiceAccount", "name": pod["spec"]["serviceAccountName"], "namespace": "ns" }]);
        let role = case.of_kind("ClusterRole").next().unwrap();
        if binding.at("/subjects") != &account || binding.text("/roleRef/name") != role.name() {
            findings.push(format!("{binding}: {}", binding.at("/subjects")));
        }
    }
    findings
}

/// The credential of the API's pods: a token that ends, for the API server, beside the CA, and only
/// where the API server is called.
fn the_api_holds_a_token_where_it_calls(case: &Case) -> Vec<String> {
    let deployment = case.of_kind("Deployment").next().unwrap();
    let pod = deployment.pod().unwrap();
    let volumes: Vec<&Value> = list(&pod["spec"]["volumes"])
        .iter()
        .filter(|volume| !volume["projected"].is_null())
        .collect();
    let mounts = list(&pod["spec"]["containers"][0]["volumeMounts"])
        .iter()
        .filter(|mount| mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount");
    let expected: &[Value] = if mode(pod) == "off" {
        &[]
    } else {
        &[json!([
            { "serviceAccountToken": { "path": "token", "expirationSeconds": 3600 } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
        ])]
    };
    let sources: Vec<&Value> = volumes.iter().map(|v| &v["projected"]["sources"]).collect();
    let mut findings = Vec::new();
    if sources != expected.iter().collect::<Vec<_>>() {
        findings.push(format!("{}: {sources:?}", mode(pod)));
    }
    if mounts.count() != expected.len() {
        findings.push(format!("{}: mounts", mode(pod)));
    }
    findings
}

fn deployment(change: impl Fn(&mut Value)) -> impl Fn(&mut Object) {
    move |object| {
        if object.kind() == "Deployment" {
            change(&mut object.0["spec"]["template"]["spec"]);
        }
    }
}

#[test]
fn the_pods_may_have_tokens_reviewed_and_nothing_else() {
    holds(
        rights_in_the_cluster_are_one,
        "hook.yaml",
        &[
            ("all verbs", &|o| {
                if o.kind() == "ClusterRole" {
                    o.0["rules"][0]["verbs"] = json!(["*"]);
                }
            }),
            ("another rule", &|o| {
                if o.kind() == "ClusterRole" {
                    let secrets =
                        json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] });
                    o.0["rules"].as_array_mut().unwrap().push(secrets);
                }
            }),
            ("everybody", &|o| {
                if o.kind() == "ClusterRoleBinding" {
                    o.0["subjects"] =
                        json!([{ "kind": "Group", "name": "system:serviceaccounts" }]);
                }
            }),
            ("an admin", &|o| {
                if o.kind() == "ClusterRoleBinding" {
                    o.0["roleRef"]["name"] = json!("cluster-admin");
                }
            }),
            ("a mode that needs none", &|o| {
                let text = o.0.to_string().replace("\"tokenReview\"", "\"jwks\"");
                o.0 = serde_json::from_str(&text).unwrap();
            }),
        ],
    );
}

#[test]
fn the_pods_hold_a_token_only_where_they_call_the_api_server() {
    holds(
        the_api_holds_a_token_where_it_calls,
        "hook.yaml",
        &[
            (
                "no volume",
                &deployment(|spec| {
                    let volumes = spec["volumes"].as_array_mut().unwrap();
                    volumes.retain(|volume| volume["projected"].is_null());
                }),
            ),
            (
                "a token for somebody else",
                &deployment(|spec| {
                    for volume in spec["volumes"].as_array_mut().unwrap() {
                        if let Some(source) = volume.pointer_mut("/projected/sources/0") {
                            source["serviceAccountToken"]["audience"] = json!("vault");
                        }
                    }
                }),
            ),
            (
                "nothing to use it for",
                &deployment(|spec| {
                    let text = spec.to_string().replace("\"tokenReview\"", "\"off\"");
                    *spec = serde_json::from_str(&text).unwrap();
                }),
            ),
        ],
    );
}

fn settings(case: &Case, name: &str) -> Vec<(String, String)> {
    let deployment = case.one("Deployment", name);
    list(deployment.at("/spec/template/spec/containers/0/env"))
        .iter()
        .filter_map(|variable| {
            let name = variable["name"]
                .as_str()?
                .strip_prefix("CHARTROOM_SERVICE_ACCOUNTS_")?;
            Some((name.to_owned(), variable["value"].as_str()?.to_owned()))
        })
        .collect()
}

#[test]
fn values_become_the_settings_of_the_program() {
    let (Some(plain), Some(full), Some(small), Some(external)) = (
        case("hook.yaml"),
        case("hook-full.yaml"),
        case("hook-small.yaml"),
        case("external.yaml"),
    ) else {
        return;
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    };
    let audience = ("AUDIENCE", "demo-chartroom.ns.svc");
    assert_eq!(
        settings(plain, FULLNAME),
        pairs(&[("MODE", "tokenReview"), audience])
    );
    assert_eq!(
        settings(full, "demo-registry"),
        pairs(&[
            ("MODE", "tokenReview"),
            ("AUDIENCE", "registry.example.org"),
            ("NAMESPACES", "shop,crm"),
            ("ADMINS", "k8s:ops/setup,k8s:ops/other"),
        ])
    );
    assert_eq!(
        settings(small, FULLNAME),
        pairs(&[("MODE", "jwks"), audience]),
        "without a ClusterRole"
    );
    assert_eq!(settings(external, FULLNAME), pairs(&[("MODE", "off")]));
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    // As a text and as what YAML makes of it.
    for set in [
        "--set-string=serviceAccounts.mode=off",
        "--set-json=serviceAccounts.mode=false",
    ] {
        let objects = helm.template(&[set]).unwrap();
        let case = Case {
            file: set.to_owned(),
            objects,
        };
        assert_eq!(settings(&case, FULLNAME), pairs(&[("MODE", "off")]));
        assert_eq!(case.of_kind("ClusterRole").count(), 0);
    }
}
