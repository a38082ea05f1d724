//! Every pod the chart makes: pod security, selectors, settings, probes and volumes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, Helm, Object, case, cases, holds};

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|field| list(&pod["spec"][field]))
}

/// The profile `restricted` of the Pod Security Standards, and what goes beyond it here.
fn is_restricted(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        let spec = &pod["spec"];
        let mut need = |holds: bool, what: &str| {
            if !holds {
                findings.push(format!("{object}: {what}"));
            }
        };
        let context = &spec["securityContext"];
        need(context["runAsNonRoot"] == true, "runAsNonRoot");
        need(context["runAsUser"] != 0, "runs as root");
        need(
            context["seccompProfile"]["type"] == "RuntimeDefault",
            "seccompProfile",
        );
        need(
            spec["automountServiceAccountToken"] == false,
            "a token is mounted",
        );
        need(spec["enableServiceLinks"] == false, "variables of Services");
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            need(spec[field].is_null(), field);
        }
        for volume in list(&spec["volumes"]) {
            let kinds = [
                "configMap",
                "downwardAPI",
                "emptyDir",
                "projected",
                "secret",
            ];
            need(
                kinds.iter().any(|kind| !volume[*kind].is_null()),
                "kind of volume",
            );
        }
        for container in containers(pod) {
            let context = &container["securityContext"];
            need(context["allowPrivilegeEscalation"] == false, "may escalate");
            need(
                context["readOnlyRootFilesystem"] == true,
                "may write to its root",
            );
            need(
                context["capabilities"] == json!({"drop": ["ALL"]}),
                "keeps capabilities",
            );
            need(context["privileged"].is_null(), "privileged");
            for (amount, what) in [
                ("requests", "cpu"),
                ("requests", "memory"),
                ("limits", "memory"),
                ("requests", "ephemeral-storage"),
                ("limits", "ephemeral-storage"),
            ] {
                need(!container["resources"][amount][what].is_null(), "resources");
            }
            // There is no shell in the image, and the program drains by itself.
            need(container["lifecycle"].is_null(), "lifecycle hook");
            need(
                !container.to_string().contains("\"exec\""),
                "probe that runs a command",
            );
        }
    }
    findings
}

/// Changes the spec of every pod.
fn spec(change: impl Fn(&mut Value)) -> impl Fn(&mut Object) {
    move |object| {
        let pointer = match object.kind() {
            "Deployment" | "Job" => "/spec/template/spec",
            "Pod" => "/spec",
            _ => return,
        };
        change(object.0.pointer_mut(pointer).unwrap());
    }
}

#[test]
fn every_pod_is_restricted() {
    holds(
        is_restricted,
        "hook.yaml",
        &[
            (
                "root",
                &spec(|s| s["securityContext"]["runAsUser"] = json!(0)),
            ),
            ("host network", &spec(|s| s["hostNetwork"] = json!(true))),
            (
                "seccomp",
                &spec(|s| s["securityContext"]["seccompProfile"] = Value::Null),
            ),
            (
                "token",
                &spec(|s| s["automountServiceAccountToken"] = json!(true)),
            ),
            (
                "capability",
                &spec(|s| {
                    s["containers"][0]["securityContext"]["capabilities"]["add"] =
                        json!(["NET_ADMIN"])
                }),
            ),
            (
                "writable",
                &spec(|s| {
                    s["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = json!(false)
                }),
            ),
            (
                "host path",
                &spec(|s| s["volumes"] = json!([{"name": "x", "hostPath": {"path": "/"}}])),
            ),
            (
                "no limits",
                &spec(|s| s["containers"][0]["resources"] = json!({})),
            ),
        ],
    );
}

pub(crate) fn is_of_workers(object: &Object) -> bool {
    object.name().ends_with("-worker")
}

pub(crate) fn is_of_runners(object: &Object) -> bool {
    object.name().ends_with("-runner")
}

/// Which pods an object is about, by its name.
fn part(object: &Object) -> &'static str {
    match (is_of_workers(object), is_of_runners(object)) {
        (true, _) => "worker",
        (_, true) => "runner",
        _ => "api",
    }
}

pub(crate) fn matches(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|wanted| {
        !wanted.is_empty() && wanted.iter().all(|(name, value)| labels[name] == *value)
    })
}

/// Whoever selects the pods of the API or of workers selects them all, and none of the other's, of
/// a hook or of the test.
fn selectors_match_one_deployment(case: &Case) -> Vec<String> {
    let mut selectors = Vec::new();
    for object in &case.objects {
        let pointer = match object.kind() {
            "Service" => "/spec/selector",
            "Deployment" | "PodDisruptionBudget" => "/spec/selector/matchLabels",
            "PodMonitor" if is_of_workers(object) => "/spec/selector/matchLabels",
            "NetworkPolicy" if object.name().ends_with("chartroom") || part(object) != "api" => {
                "/spec/podSelector/matchLabels"
            }
            _ => continue,
        };
        selectors.push((object, object.at(pointer)));
    }
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        for (who, selector) in &selectors {
            let is_meant = object.kind() == "Deployment" && part(who) == part(object);
            if matches(selector, &pod["metadata"]["labels"]) != is_meant {
                findings.push(format!("{who} and the pods of {object}"));
            }
        }
    }
    for monitor in case.of_kind("ServiceMonitor") {
        let services: Vec<_> = case
            .of_kind("Service")
            .filter(|service| {
                matches(
                    monitor.at("/spec/selector/matchLabels"),
                    service.at("/metadata/labels"),
                )
            })
            .collect();
        if services.len() != 1
            || part(services[0]) != part(monitor)
            || monitor.at("/spec/namespaceSelector/matchNames") != &json!(["ns"])
        {
            findings.push(format!("{monitor} finds {} Services", services.len()));
        }
    }
    findings
}

#[test]
fn no_selector_of_the_api_matches_a_pod_of_a_hook_or_a_worker() {
    holds(
        selectors_match_one_deployment,
        "worker.yaml",
        &[
            ("workers labelled like the API", &|o| {
                if o.kind() == "Deployment" && is_of_workers(o) {
                    let labels = &mut o.0["spec"]["template"]["metadata"]["labels"];
                    labels["app.kubernetes.io/component"] = json!("api");
                }
            }),
            ("a monitor of all pods", &|o| {
                if o.kind() == "PodMonitor" {
                    o.0["spec"]["selector"]["matchLabels"] =
                        json!({"app.kubernetes.io/name": "chartroom"});
                }
            }),
            ("a Service without the component", &|o| {
                if o.kind() == "Service" {
                    o.0["spec"]["selector"] = json!({"app.kubernetes.io/instance": "demo"});
                }
            }),
            ("a Job labelled like the API", &|o| {
                if o.kind() == "Job" {
                    let labels = &mut o.0["spec"]["template"]["metadata"]["labels"];
                    labels["app.kubernetes.io/name"] = json!("chartroom");
                    labels["app.kubernetes.io/component"] = json!("api");
                }
            }),
            ("a monitor of another namespace", &|o| {
                if o.kind() == "ServiceMonitor" {
                    o.0["spec"]["namespaceSelector"] = json!({});
                }
            }),
        ],
    );
}

/// What runs models reads no others.
const RUNNER_SETTINGS: [&str; 2] = ["CHARTROOM_RUNNER_TLS", "CHARTROOM_RUNNER_METRICS"];

/// The program refuses a `CHARTROOM_*` variable that is none of its settings, so a typo here would
/// be a crash loop.
fn variables_are_settings(case: &Case) -> Vec<String> {
    let command = chartroom::app::cli::command();
    let settings: BTreeSet<String> = command
        .get_arguments()
        .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
        .collect();
    assert!(settings.len() > 30);
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        for container in containers(pod) {
            let mut seen = BTreeSet::new();
            for variable in list(&container["env"]) {
                let name = variable["name"].as_str().unwrap();
                if !seen.insert(name) {
                    findings.push(format!("{object}: {name} twice"));
                }
                let is_known = match is_of_runners(object) {
                    true => RUNNER_SETTINGS.contains(&name),
                    false => settings.contains(name),
                };
                if name.starts_with("CHARTROOM_") && !is_known {
                    findings.push(format!("{object}: {name} is no setting"));
                }
            }
        }
    }
    findings
}

#[test]
fn every_variable_is_a_setting_of_the_program() {
    holds(
        variables_are_settings,
        "hook.yaml",
        &[
            (
                "a typo",
                &spec(|s| {
                    if let Some(variable) = s.pointer_mut("/containers/0/env/0/name") {
                        *variable = json!("CHARTROOM_LISTN");
                    }
                }),
            ),
            (
                "a variable twice",
                &spec(|s| {
                    if let Some(env) = s["containers"][0]["env"].as_array_mut() {
                        env.push(env[0].clone());
                    }
                }),
            ),
        ],
    );
}

/// A file that is mounted by `subPath` never changes, and the Secret of a CA holds its private key.
fn secrets_are_mounted_to_be_read_again(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        let volumes: Vec<&str> = list(&pod["spec"]["volumes"])
            .iter()
            .filter_map(|v| v["name"].as_str())
            .collect();
        for mount in containers(pod).flat_map(|container| list(&container["volumeMounts"])) {
            // Files wait there until they are read, or a socket is there, and nothing but that.
            let is_room = mount["name"] == "spool" || mount["name"] == "models";
            if !mount["subPath"].is_null() || (mount["readOnly"] != true && !is_room) {
                findings.push(format!("{object}: {mount}"));
            }
            if !volumes.contains(&mount["name"].as_str().unwrap()) {
                findings.push(format!("{object}: no volume {}", mount["name"]));
            }
        }
        for volume in list(&pod["spec"]["volumes"]) {
            if volume["name"] == "spool" && !volume["emptyDir"]["sizeLimit"].is_string() {
                findings.push(format!("{object}: the spool has no limit"));
            }
            if volume["name"] == "runner-tls"
                && list(&volume["secret"]["items"])
                    .iter()
                    .map(|item| &item["path"])
                    .ne(["ca.crt", "tls.crt", "tls.key"])
            {
                findings.push(format!("{object}: more than one side's certificate"));
            }
            if volume["name"] == "database-ca"
                && volume["secret"]["items"] != json!([{"key": "ca.crt", "path": "ca.crt"}])
            {
                findings.push(format!(
                    "{object}: more of the CA's Secret than its certificate"
                ));
            }
        }
        for password in containers(pod).flat_map(|container| list(&container["env"])) {
            let name = password["name"].as_str().unwrap();
            if name.contains("PASSWORD") && !name.ends_with("_FILE") {
                findings.push(format!("{object}: {name} in the environment"));
            }
        }
    }
    findings
}

#[test]
fn secrets_are_files_that_follow_a_rotation() {
    holds(
        secrets_are_mounted_to_be_read_again,
        "hook.yaml",
        &[
            (
                "subPath",
                &spec(|s| {
                    if let Some(mount) = s.pointer_mut("/containers/0/volumeMounts/0") {
                        mount["subPath"] = json!("password");
                    }
                }),
            ),
            (
                "the CA's key",
                &spec(|s| {
                    for volume in s["volumes"].as_array_mut().into_iter().flatten() {
                        if volume["name"] == "database-ca" {
                            volume["secret"].as_object_mut().unwrap().remove("items");
                        }
                    }
                }),
            ),
        ],
    );
}

#[test]
fn probes_and_drain_fit_the_program() {
    for (case, deployment) in cases()
        .iter()
        .flat_map(|case| case.of_kind("Deployment").map(move |o| (case, o)))
    {
        let pod = deployment.at("/spec/template/spec");
        let container = &pod["containers"][0];
        if is_of_runners(deployment) {
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let get = json!({"path": "/healthz", "port": "metrics"});
                assert_eq!(container[probe]["httpGet"], get, "{probe}");
            }
            // It gives those who ask ten seconds, and those whom it ends two.
            assert!(pod["terminationGracePeriodSeconds"].as_i64().unwrap() > 12);
            continue;
        }
        let command = match is_of_workers(deployment) {
            true => "worker",
            false => "serve",
        };
        assert_eq!(container["args"], json!([command]));
        for (probe, path) in [
            ("startupProbe", "/livez"),
            ("readinessProbe", "/readyz?gate=start"),
            ("livenessProbe", "/livez"),
        ] {
            assert_eq!(
                container[probe]["httpGet"],
                json!({"path": path, "port": "metrics"}),
                "{probe}"
            );
        }
        let seconds = |name: &str| -> i64 {
            let variable = list(&container["env"])
                .iter()
                .find(|v| v["name"] == name)
                .unwrap();
            variable["value"]
                .as_str()
                .unwrap()
                .trim_end_matches('s')
                .parse()
                .unwrap()
        };
        let ready = &container["readinessProbe"];
        let noticed =
            ready["periodSeconds"].as_i64().unwrap() * ready["failureThreshold"].as_i64().unwrap();
        assert!(noticed < seconds("CHARTROOM_DRAIN_DELAY"), "{}", case.file);
        let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
        assert!(
            grace >= seconds("CHARTROOM_STOP_DEADLINE") + 5 && grace >= 40,
            "{}",
            case.file
        );
    }
}

#[test]
fn the_autoscaler_owns_the_number_of_pods_and_a_budget_needs_two() {
    let (Some(scaled), Some(small), Some(plain)) = (
        case("autoscaling.yaml"),
        case("hook-small.yaml"),
        case("hook.yaml"),
    ) else {
        return;
    };
    assert!(
        scaled
            .one("Deployment", FULLNAME)
            .at("/spec/replicas")
            .is_null()
    );
    assert_eq!(
        scaled
            .one("HorizontalPodAutoscaler", FULLNAME)
            .at("/spec/minReplicas"),
        3
    );
    assert_eq!(scaled.of_kind("PodDisruptionBudget").count(), 1);
    assert_eq!(plain.one("Deployment", FULLNAME).at("/spec/replicas"), 2);
    assert_eq!(
        plain
            .one("PodDisruptionBudget", FULLNAME)
            .at("/spec/maxUnavailable"),
        1
    );
    assert_eq!(small.of_kind("PodDisruptionBudget").count(), 0);
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let budgets = |workers: &str| {
        let set = format!("replicas=1,worker.enabled=true,worker.replicas={workers}");
        let objects = helm.template(&["--set", &set]).unwrap();
        let budgets = objects.iter().filter(|o| o.kind() == "PodDisruptionBudget");
        budgets.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        budgets("2"),
        ["PodDisruptionBudget demo-chartroom-worker"],
        "each counts its own pods"
    );
    assert_eq!(budgets("1"), [""; 0]);
}
