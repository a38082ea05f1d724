//! Names that users, scripts and the next version of the chart rely on, and names that are too
//! long.

use serde_json::json;

use crate::helm::{Case, FULLNAME, Helm, case, chart, parse};
use crate::process::TempDir;
use crate::rules::plan;

/// A Deployment's selector and a database's name cannot change: an upgrade from an older chart
/// would fail, or find no data.
#[test]
fn what_an_upgrade_cannot_change_is_as_in_the_first_version() {
    let Some(case) = case("hook.yaml") else {
        return;
    };
    let api = json!({
        "app.kubernetes.io/name": "chartroom",
        "app.kubernetes.io/instance": "demo",
        "app.kubernetes.io/component": "api",
    });
    assert_eq!(
        case.one("Deployment", FULLNAME).at("/spec/selector"),
        &json!({"matchLabels": api})
    );
    assert_eq!(case.one("Service", FULLNAME).at("/spec/selector"), &api);
    if let Some(case) = crate::helm::case("worker.yaml") {
        let mut worker = api.clone();
        worker["app.kubernetes.io/component"] = json!("worker");
        let name = format!("{FULLNAME}-worker");
        assert_eq!(
            case.one("Deployment", &name).at("/spec/selector"),
            &json!({"matchLabels": worker})
        );
    }
    let ports = json!([
        {"name": "http", "port": 80, "targetPort": "http", "appProtocol": "http"},
        {"name": "metrics", "port": 9090, "targetPort": "metrics", "appProtocol": "http"},
    ]);
    assert_eq!(case.one("Service", FULLNAME).at("/spec/ports"), &ports);
    let env = case
        .one("Deployment", FULLNAME)
        .at("/spec/template/spec/containers/0/env");
    let audience = env
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["name"] == "CHARTROOM_AUDIENCE")
        .unwrap();
    assert_eq!(audience["value"], "demo-chartroom.ns.svc");
    let keys = case
        .one("Deployment", FULLNAME)
        .at("/spec/template/spec/volumes/0/secret/secretName");
    assert_eq!(keys, "demo-chartroom-keys");
}

#[test]
fn the_chart_and_the_program_have_one_version() {
    let text = std::fs::read_to_string(chart().join("Chart.yaml")).unwrap();
    let parsed: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(parsed["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(parsed["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_release_named_like_the_chart_is_not_named_twice() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let objects = parse(&helm.text("chartroom", &chart(), &[]).unwrap());
    let case = Case {
        file: "chartroom".to_owned(),
        objects,
    };
    case.one("Service", "chartroom");
    assert_eq!(plan(&case)["cluster"]["metadata"]["name"], "chartroom-pg");
}

#[test]
fn the_longest_name_fits_everywhere() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let long = "a".repeat(47);
    let objects = helm
        .template(&[
            "--set",
            &format!("fullnameOverride={long},worker.enabled=true"),
        ])
        .unwrap();
    for object in &objects {
        assert!(object.name().len() <= 63, "{object}");
    }
    let case = Case {
        file: "long".to_owned(),
        objects,
    };
    assert_eq!(
        plan(&case)["cluster"]["metadata"]["name"],
        format!("{long}-pg")
    );
    let said = helm
        .template(&["--set", &format!("fullnameOverride=a{long}")])
        .err()
        .unwrap();
    assert!(said.contains("fullnameOverride"), "{said}");
}

#[test]
fn a_parent_chart_may_bring_it_as_a_subchart() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let parent = TempDir::new("umbrella").unwrap();
    let write = |name: &str, text: &str| std::fs::write(parent.0.join(name), text).unwrap();
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n  - {name: chartroom, version: '*', condition: chartroom.enabled}\n",
    );
    write(
        "values.yaml",
        "global: {imageRegistry: registry.example.org, other: 1}\nchartroom: {enabled: true, replicas: 4}\n",
    );
    std::fs::create_dir(parent.0.join("charts")).unwrap();
    std::os::unix::fs::symlink(chart(), parent.0.join("charts/chartroom")).unwrap();
    let objects = parse(&helm.text("demo", &parent.0, &[]).unwrap());
    let case = Case {
        file: "parent".to_owned(),
        objects,
    };
    let deployment = case.one("Deployment", FULLNAME);
    assert_eq!(deployment.at("/spec/replicas"), 4);
    assert!(
        deployment
            .text("/spec/template/spec/containers/0/image")
            .starts_with("registry.example.org/")
    );
    let off = parse(
        &helm
            .text("demo", &parent.0, &["--set", "chartroom.enabled=false"])
            .unwrap(),
    );
    assert!(off.is_empty());
}
