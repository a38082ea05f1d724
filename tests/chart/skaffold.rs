//! skaffold.yaml: what each of its profiles asks of the chart is what the chart takes, and deploys
//! what it says.

use serde_json::Value;

use crate::helm::{Helm, Object, chart, parse};

/// JSON patches as skaffold applies them: of the operations only those that the file uses.
fn patched(mut config: Value, profile: &Value) -> Value {
    for patch in profile["patches"].as_array().into_iter().flatten() {
        let path = patch["path"].as_str().unwrap();
        let (parent, last) = path.rsplit_once('/').unwrap();
        let target = config
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{}: {path} is nowhere", profile["name"]));
        match (patch["op"].as_str().unwrap(), target) {
            ("remove", Value::Object(object)) => {
                object.remove(last).unwrap();
            }
            ("replace" | "add", Value::Object(object)) => {
                object.insert(last.to_owned(), patch["value"].clone());
            }
            ("replace", Value::Array(list)) => {
                list[last.parse::<usize>().unwrap()] = patch["value"].clone();
            }
            (op, _) => panic!("{op} of {path}"),
        }
    }
    config
}

/// As `skaffold render` would: Helm with the files and values of the release.
fn rendered(helm: &Helm, config: &Value) -> Vec<Object> {
    let release = &config["deploy"]["helm"]["releases"][0];
    let folder = chart().join("../..");
    let mut arguments = Vec::new();
    for file in release["valuesFiles"].as_array().unwrap() {
        arguments.push("--values".to_owned());
        arguments.push(
            folder
                .join(file.as_str().unwrap())
                .to_string_lossy()
                .into_owned(),
        );
    }
    let templates = release["setValueTemplates"].as_object().unwrap();
    let built = templates.iter().map(|(name, template)| {
        let name = name.as_str();
        let (artifact, field) = match name.strip_prefix("models.image.") {
            Some(field) => (1, field),
            None => (0, name.strip_prefix("image.").unwrap()),
        };
        let image = config["build"]["artifacts"][artifact]["image"]
            .as_str()
            .unwrap();
        let ending = format!("_{}}}}}", image.replace('-', "_"));
        assert!(template.as_str().unwrap().ends_with(&ending), "{template}");
        let value = match field {
            "registry" => "registry.test:5000".to_owned(),
            "repository" => format!("my-{image}"),
            "tag" => "v7".to_owned(),
            // That of a local cluster is empty.
            "digest" => String::new(),
            _ => panic!("{name}"),
        };
        (name, value)
    });
    let plain = release["setValues"].as_object().into_iter().flatten();
    let plain = plain.map(|(name, value)| (name.as_str(), value.to_string().replace('"', "")));
    for (name, value) in built.chain(plain) {
        arguments.push("--set".to_owned());
        arguments.push(format!("{name}={value}"));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let name = release["name"].as_str().unwrap();
    parse(
        &helm
            .text(
                name,
                &folder.join(release["chartPath"].as_str().unwrap()),
                &arguments,
            )
            .unwrap(),
    )
}

#[test]
fn every_profile_deploys_what_it_says() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let text = std::fs::read_to_string(chart().join("../../skaffold.yaml")).unwrap();
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    let mut seen = Vec::new();
    for profile in config["profiles"].as_array().unwrap() {
        let name = profile["name"].as_str().unwrap();
        let config = patched(config.clone(), profile);
        let objects = rendered(&helm, &config);
        let has = |kind: &str, name: &str| {
            let wanted = |object: &&Object| object.kind() == kind && object.name() == name;
            objects.iter().find(wanted)
        };
        let api = has("Deployment", "chartroom").unwrap();
        for (container, image) in [
            ("containers/0", "my-chartroom:v7"),
            ("initContainers/0", "my-chartroom-runner:v7"),
        ] {
            // Where the pods migrate, they do it first.
            let named =
                |container: &str| api.text(&format!("/spec/template/spec/{container}/name"));
            let container = match container == "initContainers/0" && named(container) == "migrate" {
                true => "initContainers/1",
                false => container,
            };
            assert_eq!(
                api.text(&format!("/spec/template/spec/{container}/image")),
                format!("registry.test:5000/{image}")
            );
        }
        let deploy = &config["deploy"]["helm"];
        let before = deploy["hooks"]["before"][0]["host"]["command"].as_array();
        let made_by_hook = has("Job", "chartroom-provision").is_some();
        // Somebody makes the keys, and it is one.
        assert_eq!(before.is_none(), made_by_hook, "{name}");
        if let Some(command) = before {
            let volumes = api.at("/spec/template/spec/volumes").to_string();
            assert!(volumes.contains(&format!("{}", command[2])), "{volumes}");
            assert_eq!(command[1], deploy["releases"][0]["namespace"]);
        }
        let cluster = has("Cluster", "chartroom-pg").is_some();
        let replicas = api.at("/spec/replicas").as_u64().unwrap();
        seen.push(format!(
            "{name}: {replicas} pods, hook {made_by_hook}, cluster {cluster}"
        ));
    }
    assert_eq!(
        seen,
        [
            "dev: 1 pods, hook false, cluster true",
            "fast: 1 pods, hook false, cluster true",
            "hooks: 1 pods, hook true, cluster false",
            "ha: 3 pods, hook true, cluster false",
            "external: 2 pods, hook true, cluster false",
            "ci: 1 pods, hook true, cluster false",
        ]
    );
    assert!(has_scripts(&config));
}

/// What the file calls is there.
fn has_scripts(config: &Value) -> bool {
    let before = &config["deploy"]["helm"]["hooks"]["before"][0]["host"]["command"][0];
    let here = |file: &str| chart().join("../..").join(file).exists();
    let fast = config["profiles"][1]["patches"].as_array().unwrap();
    let built = fast.iter().all(|patch| {
        let custom = &patch["value"]["custom"];
        let build = custom["buildCommand"].as_str().unwrap();
        let dependencies = custom["dependencies"]["paths"].as_array().unwrap();
        let mut files = dependencies.iter().map(|path| path.as_str().unwrap());
        here(build.split(' ').next().unwrap()) && files.all(here)
    });
    fast.len() == 2 && built && here(before.as_str().unwrap())
}
