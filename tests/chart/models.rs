//! Where models run: beside the API and the workers, with nothing but a socket, or in pods of their
//! own.

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, Helm, Object, case, chart, holds, parse};
use crate::pods::{is_of_runners, list};

const SOCKET: &str = "unix:/run/chartroom/models.sock";

fn runner(deployment: &Object) -> Option<&Value> {
    let init = list(deployment.at("/spec/template/spec/initContainers"));
    init.iter().find(|container| container["name"] == "models")
}

fn variable<'a>(deployment: &'a Object, name: &str) -> Option<&'a str> {
    let variables = list(deployment.at("/spec/template/spec/containers/0/env"));
    let found = variables.iter().find(|variable| variable["name"] == name)?;
    found["value"].as_str()
}

/// Each Deployment, because those who do jobs check versions, and the API asks them.
fn models_run_apart_and_hold_nothing(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    for deployment in case.of_kind("Deployment").filter(|it| !is_of_runners(it)) {
        let mut find = |what: &str| findings.push(format!("{deployment}: {what}"));
        let Some(container) = runner(deployment) else {
            let place = variable(deployment, "CHARTROOM_MODELS_RUNNER").unwrap_or_default();
            if place != "off" && !place.starts_with("tls://") {
                find("nothing runs models, and it is not said");
            }
            continue;
        };
        if variable(deployment, "CHARTROOM_MODELS_RUNNER") != Some(SOCKET)
            || container["args"] != json!(["serve", SOCKET])
        {
            find("the service asks elsewhere than the runner listens");
        }
        let mount = json!({"name": "models", "mountPath": "/run/chartroom"});
        if container["volumeMounts"] != json!([mount]) {
            find("the runner mounts more than its socket");
        }
        let main = list(deployment.at("/spec/template/spec/containers/0/volumeMounts"));
        if !main.contains(&mount) {
            find("the service has no socket");
        }
        for field in ["env", "envFrom", "ports"] {
            if !container[field].is_null() {
                find(&format!("the runner has {field}"));
            }
        }
        // So it starts before the service and ends after it.
        if container["restartPolicy"] != "Always" {
            find("the service waits for the end of the runner");
        }
        if !container["resources"]["limits"]["memory"].is_string() {
            find("the runner's memory has no limit");
        }
        let volumes = list(deployment.at("/spec/template/spec/volumes"));
        let volume = volumes.iter().find(|volume| volume["name"] == "models");
        if !volume.is_some_and(|volume| volume["emptyDir"]["sizeLimit"].is_string()) {
            find("the socket's folder has no limit");
        }
    }
    findings
}

fn of_runner(change: impl Fn(&mut Value)) -> impl Fn(&mut Object) {
    move |object| {
        let init = object.0.pointer_mut("/spec/template/spec/initContainers");
        let containers = init.and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter(|container| container["name"] == "models") {
            change(container);
        }
    }
}

#[test]
fn models_run_beside_the_service_without_a_secret_or_a_port() {
    holds(
        models_run_apart_and_hold_nothing,
        "worker.yaml",
        &[
            (
                "another socket",
                &of_runner(|it| it["args"] = json!(["serve", "unix:/tmp/models.sock"])),
            ),
            (
                "a secret",
                &of_runner(|it| {
                    let keys = json!({"name": "keys", "mountPath": "/keys"});
                    it["volumeMounts"].as_array_mut().unwrap().push(keys);
                }),
            ),
            (
                "a port",
                &of_runner(|it| it["ports"] = json!([{"containerPort": 9000}])),
            ),
            (
                "an init container that has to end",
                &of_runner(|it| {
                    it.as_object_mut().unwrap().remove("restartPolicy");
                }),
            ),
            ("a pod without it", &|object| {
                if object.kind() == "Deployment" && object.name() == FULLNAME {
                    let spec = object.0.pointer_mut("/spec/template/spec").unwrap();
                    spec.as_object_mut().unwrap().remove("initContainers");
                }
            }),
        ],
    );
}

/// Runners that hold a certificate and nothing else, that each who asks can find and prove itself
/// to, and that nobody else reaches.
fn runners_know_who_asks(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    let Some(runners) = case.of_kind("Deployment").find(|it| is_of_runners(it)) else {
        return findings;
    };
    let spec = runners.at("/spec/template/spec");
    let side = |deployment: &Object| {
        let volumes = list(deployment.at("/spec/template/spec/volumes"));
        let found = volumes.iter().find(|it| it["name"] == "runner-tls");
        found.map(|it| it["secret"].clone()).unwrap_or_default()
    };
    let shows = |deployment: &Object, name: &str| {
        list(&side(deployment)["items"])
            .iter()
            .any(|item| item["key"] == format!("{name}.crt"))
    };
    if list(&spec["volumes"]).len() != 1 || !shows(runners, "server") {
        findings.push(format!("runners hold {}", spec["volumes"]));
    }
    if !list(&spec["initContainers"]).is_empty() || list(&spec["containers"]).len() != 1 {
        findings.push("runners have more than one container".to_owned());
    }
    let name = runners.name();
    let service = case.one("Service", name);
    if service.at("/spec/clusterIP") != "None" {
        findings.push("the Service chooses instead of who asks".to_owned());
    }
    let place = format!("tls://{name}.{}.svc:9443", crate::helm::NAMESPACE);
    for deployment in case.of_kind("Deployment").filter(|it| !is_of_runners(it)) {
        if variable(deployment, "CHARTROOM_MODELS_RUNNER") != Some(&place) {
            findings.push(format!("{deployment} asks elsewhere"));
        }
        if !shows(deployment, "client")
            || side(deployment)["secretName"] != side(runners)["secretName"]
        {
            findings.push(format!("{deployment} shows {}", side(deployment)));
        }
    }
    let job = case.one(
        "ConfigMap",
        &format!("{}-provision", name.trim_end_matches("-runner")),
    );
    let plan: Value = serde_json::from_str(job.text("/data/plan.json")).unwrap();
    let made = &plan["secrets"]["runners"];
    if made["name"] != side(runners)["secretName"]
        || format!("tls://{}:9443", made["host"].as_str().unwrap()) != place
    {
        findings.push(format!("the hook makes {made}"));
    }
    let policy = case.one("NetworkPolicy", name);
    let from: Vec<&Value> = list(policy.at("/spec/ingress"))
        .iter()
        .filter(|rule| rule["ports"][0]["port"] == "models")
        .flat_map(|rule| list(&rule["from"]))
        .map(|peer| &peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"])
        .collect();
    if from != ["api", "worker"] || policy.at("/spec/egress") != &json!([]) {
        findings.push(format!(
            "runners speak with {from:?} and {}",
            policy.at("/spec/egress")
        ));
    }
    findings
}

#[test]
fn runners_apart_serve_those_of_the_release_and_nobody_else() {
    let change = |kind: &'static str, pointer: &'static str, value: Value| {
        move |object: &mut Object| {
            let named = object.name() == "demo-chartroom-runner" && object.kind() == kind;
            if let Some(found) = object.0.pointer_mut(pointer).filter(|_| named) {
                *found = value.clone();
            }
        }
    };
    holds(
        runners_know_who_asks,
        "runners.yaml",
        &[
            (
                "a Service with an address",
                &change("Service", "/spec/clusterIP", json!("10.0.0.1")),
            ),
            (
                "the other side's certificate",
                &change(
                    "Deployment",
                    "/spec/template/spec/volumes/0/secret/items/1/key",
                    json!("client.crt"),
                ),
            ),
            (
                "another Secret",
                &change(
                    "Deployment",
                    "/spec/template/spec/volumes/0/secret/secretName",
                    json!("another"),
                ),
            ),
            (
                "everybody",
                &change("NetworkPolicy", "/spec/ingress/0/from", json!([])),
            ),
            (
                "a way out",
                &change("NetworkPolicy", "/spec/egress", json!([{}])),
            ),
        ],
    );
    let (Some(helm), Some(apart)) = (Helm::find("helm"), case("runners.yaml")) else {
        return;
    };
    let runners = apart.one("Deployment", "demo-chartroom-runner");
    assert!(runners.at("/spec/replicas").is_null(), "the autoscaler's");
    let scaler = apart.one("HorizontalPodAutoscaler", "demo-chartroom-runner");
    assert_eq!(
        scaler.at("/spec/scaleTargetRef/name"),
        "demo-chartroom-runner"
    );
    assert_eq!(list(scaler.at("/spec/metrics")).len(), 2);
    assert!(apart.of_kind("PodDisruptionBudget").any(is_of_runners));
    let one = helm
        .template(&["--set=models.placement=deployment,models.replicas=1"])
        .unwrap();
    assert!(
        !one.iter()
            .any(|it| it.kind() == "PodDisruptionBudget" && is_of_runners(it))
    );

    let own = "--set=models.placement=deployment,models.tls.existingSecret=server-tls,models.tls.existingClientSecret=client-tls";
    let objects = helm.template(&[own]).unwrap();
    let secrets: Vec<&str> = objects
        .iter()
        .filter(|it| it.kind() == "Deployment")
        .map(|it| {
            let volumes = list(it.at("/spec/template/spec/volumes"));
            let found = volumes
                .iter()
                .find(|it| it["name"] == "runner-tls")
                .unwrap();
            assert_eq!(found["secret"]["items"][1]["key"], "tls.crt");
            found["secret"]["secretName"].as_str().unwrap()
        })
        .collect();
    assert_eq!(secrets, ["client-tls", "server-tls"]);
    let mut plans = objects.iter().filter(|it| it.kind() == "ConfigMap");
    assert!(plans.all(|it| !it.0.to_string().contains("runners")));
    for (set, why) in [
        (
            "models.placement=deployment,database.provisioner=manifest,auth.keys.existingSecret=keys",
            "names demo-chartroom-runner.ns.svc",
        ),
        (
            "models.placement=deployment,models.tls.existingSecret=one",
            "belong together",
        ),
        (
            "models.autoscaling.enabled=true",
            "needs models.placement=deployment",
        ),
        (
            "models.placement=deployment,models.autoscaling.enabled=true,models.autoscaling.min=9",
            "is above",
        ),
        (
            "models.placement=deployment,models.autoscaling.enabled=true,models.autoscaling.cpu=null",
            "something to measure",
        ),
    ] {
        let refused = helm.template(&["--set", set]).err().unwrap_or_default();
        assert!(refused.contains(why), "{set}: {refused}");
    }
    // The hook makes certificates where it makes nothing else, and no keys where there are some.
    let external = "--set=models.placement=deployment,database.mode=external,database.external.existingSecret=db,database.tls.mode=require,auth.keys.existingSecret=keys";
    let objects = helm.template(&[external]).unwrap();
    let job = objects
        .iter()
        .find(|it| it.kind() == "Job" && it.name().ends_with("provision"));
    let arguments = job.unwrap().at("/spec/template/spec/containers/0/args");
    assert_eq!(list(arguments).len(), 2, "not the keys alone: {arguments}");
}

#[test]
fn models_can_be_left_out_and_come_from_a_registry_of_ones_own() {
    let (Some(helm), Some(usual)) = (Helm::find("helm"), case("worker.yaml")) else {
        return;
    };
    let containers: Vec<bool> = usual
        .of_kind("Deployment")
        .map(|deployment| runner(deployment).is_some())
        .collect();
    assert_eq!(containers, [true, true]);
    // As YAML reads it without quotation marks, too.
    for off in ["models.placement=off", "models.placement=false"] {
        let rendered = helm.text(
            "demo",
            &chart(),
            &["--set", off, "--set", "worker.enabled=true"],
        );
        let objects = parse(&rendered.unwrap());
        let deployments: Vec<&Object> = objects
            .iter()
            .filter(|object| object.kind() == "Deployment")
            .collect();
        assert_eq!(deployments.len(), 2);
        for deployment in deployments {
            assert!(runner(deployment).is_none(), "{off}");
            assert_eq!(variable(deployment, "CHARTROOM_MODELS_RUNNER"), Some("off"));
            assert!(
                !deployment.0.to_string().contains("/run/chartroom"),
                "{off}"
            );
        }
    }
    let digest = format!("sha256:{}", "0".repeat(64));
    let set = format!("global.imageRegistry=mirror.test,models.image.digest={digest}");
    let rendered = helm.text("demo", &chart(), &["--set", &set]).unwrap();
    let objects = parse(&rendered);
    let api = objects
        .iter()
        .find(|object| object.kind() == "Deployment")
        .unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        runner(api).unwrap()["image"],
        format!("mirror.test/chartroom/chartroom-runner:{version}@{digest}")
    );
    let refused = helm.text("demo", &chart(), &["--set", "models.placement=beside"]);
    assert!(refused.unwrap_err().contains("placement"));
    let twice = helm.text(
        "demo",
        &chart(),
        &["--set", "settings.CHARTROOM_MODELS_RUNNER=off"],
    );
    assert!(twice.unwrap_err().contains("the chart sets it itself"));
}
