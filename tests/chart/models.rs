//! Where models run: beside the API and the workers, with nothing but a socket.

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, Helm, Object, case, chart, holds, parse};
use crate::pods::list;

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
    for deployment in case.of_kind("Deployment") {
        let mut find = |what: &str| findings.push(format!("{deployment}: {what}"));
        let Some(container) = runner(deployment) else {
            if variable(deployment, "CHARTROOM_MODELS_RUNNER") != Some("off") {
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
