//! The three ways to a database: who makes it, who connects as whom, and which objects there are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, Helm, Object, case};
use crate::rules::plan;
use crate::snapshot;

/// The variables of a container that name the database, and where their files come from.
fn connection(pod: &Value, container: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let Some(name) = name.strip_prefix("CHARTROOM_DATABASE_") else {
            continue;
        };
        let value = variable["value"].as_str().map_or_else(
            || {
                let key = &variable["valueFrom"]["secretKeyRef"];
                format!(
                    "{}/{}",
                    key["name"].as_str().unwrap(),
                    key["key"].as_str().unwrap()
                )
            },
            |value| match value.strip_prefix("/etc/chartroom/") {
                Some(path) => mounted(pod, container, path),
                None => value.to_owned(),
            },
        );
        found.insert(name.to_lowercase(), value);
    }
    found
}

/// `<secret>/<key>` of a file under /etc/chartroom.
fn mounted(pod: &Value, container: &Value, path: &str) -> String {
    let (folder, file) = path.split_once('/').unwrap();
    let mount = format!("/etc/chartroom/{folder}");
    let mounts = container["volumeMounts"].as_array().unwrap();
    let volume = &mounts
        .iter()
        .find(|m| m["mountPath"] == mount.as_str())
        .unwrap()["name"];
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    let secret = &volumes.iter().find(|v| v["name"] == *volume).unwrap()["secret"];
    let item = secret["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["path"] == file)
        .unwrap();
    format!(
        "{}/{}",
        secret["secretName"].as_str().unwrap(),
        item["key"].as_str().unwrap()
    )
}

fn api(case: &Case) -> BTreeMap<String, String> {
    let pod = case.one("Deployment", FULLNAME).pod().unwrap();
    connection(pod, &pod["spec"]["containers"][0])
}

fn migrate(case: &Case) -> BTreeMap<String, String> {
    let job = case
        .of_kind("Job")
        .find(|job| job.name().ends_with("-migrate"));
    let (pod, container) = match job {
        Some(job) => (
            job.pod().unwrap(),
            &job.pod().unwrap()["spec"]["containers"][0],
        ),
        None => {
            let pod = case.one("Deployment", FULLNAME).pod().unwrap();
            (pod, &pod["spec"]["initContainers"][0])
        }
    };
    connection(pod, container)
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn kinds(case: &Case) -> Vec<String> {
    case.objects.iter().map(ToString::to_string).collect()
}

#[test]
fn by_hook_the_api_runs_as_a_role_that_the_hook_makes() {
    let Some(case) = case("hook.yaml") else {
        return;
    };
    let shared = [
        ("host", "demo-chartroom-pg-rw"),
        ("port", "5432"),
        ("name", "chartroom"),
        ("sslmode", "verify-full"),
        ("ca_file", "demo-chartroom-pg-ca/ca.crt"),
    ];
    let as_role = |user, file| {
        let mut all = shared.to_vec();
        all.extend([("user", user), ("password_file", file)]);
        fields(&all)
    };
    assert_eq!(
        api(case),
        as_role("chartroom_app", "demo-chartroom-db-app/password")
    );
    assert_eq!(
        migrate(case),
        as_role("chartroom", "demo-chartroom-db/password")
    );
    let plan = plan(case);
    let names = |of: &str| plan["secrets"][of]["name"].as_str().unwrap().to_owned();
    assert_eq!(
        [names("owner"), names("runtime"), names("keys")],
        [
            "demo-chartroom-db",
            "demo-chartroom-db-app",
            "demo-chartroom-keys"
        ]
    );
    assert_eq!(plan["secrets"]["owner"]["username"], "chartroom");
    assert_eq!(plan["cluster"]["metadata"]["name"], "demo-chartroom-pg");
    let spec = &plan["cluster"]["spec"];
    assert_eq!(
        spec["bootstrap"]["initdb"]["secret"]["name"],
        "demo-chartroom-db"
    );
    assert_eq!(
        spec["managed"]["roles"],
        json!([{"name": "chartroom_app", "ensure": "present", "login": true, "passwordSecret": {"name": "demo-chartroom-db-app"}}])
    );
    assert_eq!(
        spec["postgresql"]["synchronous"],
        json!({"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": true})
    );
    assert_eq!(case.of_kind("Cluster").count(), 0);
}

#[test]
fn jobs_end_before_helm_gives_up_and_stop_on_what_cannot_get_better() {
    let Some(case) = case("hook.yaml") else {
        return;
    };
    for (job, deadline, arguments) in [
        (
            "provision",
            240,
            json!(["provision", "--plan=/etc/chartroom/provision/plan.json"]),
        ),
        (
            "migrate",
            285,
            json!([
                "migrate",
                "up",
                "--wait=40s",
                "--runtime-role=chartroom_app"
            ]),
        ),
    ] {
        let object = case.one("Job", &format!("{FULLNAME}-{job}"));
        assert_eq!(object.at("/spec/activeDeadlineSeconds"), deadline);
        assert_eq!(object.at("/spec/template/spec/restartPolicy"), "Never");
        assert!(object.at("/spec/ttlSecondsAfterFinished").is_null());
        assert_eq!(
            object.annotation("helm.sh/hook-output-log-policy"),
            Some("hook-failed")
        );
        let rule = object.at("/spec/podFailurePolicy/rules/0");
        assert_eq!(
            (&rule["action"], &rule["onExitCodes"]["values"]),
            (&json!("FailJob"), &json!([2, 65, 75, 78]))
        );
        assert_eq!(rule["onExitCodes"]["containerName"], job);
        assert_eq!(
            object.at("/spec/template/spec/containers/0/args"),
            &arguments
        );
        let holds_token = object
            .at("/spec/template/spec/volumes")
            .to_string()
            .contains("serviceAccountToken");
        assert_eq!(holds_token, job == "provision");
    }
    assert_eq!(plan(case)["timeout"], "210s");
}

#[test]
fn the_provision_job_needs_nothing_that_comes_after_it() {
    for file in ["hook.yaml", "hook-full.yaml", "external.yaml"] {
        let Some(case) = case(file) else { return };
        let job = case
            .of_kind("Job")
            .find(|job| job.name().ends_with("-provision"))
            .unwrap();
        let pod = job.pod().unwrap();
        assert_eq!(
            pod["spec"]["containers"][0]["env"],
            Value::Null,
            "no Secret of the database"
        );
        for volume in pod["spec"]["volumes"].as_array().unwrap() {
            assert!(volume["secret"].is_null());
        }
    }
}

#[test]
fn by_manifest_there_is_no_hook_and_the_pods_migrate() {
    let (Some(case), Some(small)) = (case("manifest.yaml"), case("manifest-small.yaml")) else {
        return;
    };
    for case in [case, small] {
        let hooks: Vec<_> = case
            .objects
            .iter()
            .filter(|o| {
                o.annotation("helm.sh/hook")
                    .is_some_and(|events| events != "test")
            })
            .map(ToString::to_string)
            .collect();
        assert!(hooks.is_empty(), "{hooks:?}");
    }
    let owner = api(small);
    assert_eq!(owner, migrate(small));
    assert_eq!(owner["password_file"], "demo-chartroom-pg-app/password");
    assert_eq!(owner["user"], "chartroom");
    assert_eq!(api(case)["password_file"], "chartroom-app-role/password");
    assert_eq!(api(case)["user"], "chartroom_app");
    assert_eq!(migrate(case)["user"], "chartroom");
    let cluster = case.one("Cluster", "demo-chartroom-pg");
    assert_eq!(
        cluster.text("/spec/managed/roles/0/passwordSecret/name"),
        "chartroom-app-role"
    );
    assert!(
        cluster.at("/spec/bootstrap/initdb/secret").is_null(),
        "the operator makes it"
    );
    assert_eq!(
        cluster.annotation("argocd.argoproj.io/sync-wave"),
        Some("-5")
    );
    assert_eq!(
        small
            .one("Cluster", "demo-chartroom-pg")
            .at("/spec/enablePDB"),
        false
    );
}

#[test]
fn an_external_database_is_read_field_by_field_or_from_a_url() {
    let (Some(secret), Some(url), Some(by_value)) = (
        case("external.yaml"),
        case("external-url.yaml"),
        case("external-fields.yaml"),
    ) else {
        return;
    };
    let mut expected = fields(&[
        ("host", "other-app/host"),
        ("port", "other-app/port"),
        ("name", "other-app/dbname"),
        ("user", "other-app/username"),
        ("password_file", "other-app/password"),
        ("sslmode", "verify-full"),
        ("ca_file", "other-ca/ca.crt"),
    ]);
    assert_eq!(migrate(secret), expected);
    expected.insert("read_host".to_owned(), "other-ro".to_owned());
    assert_eq!(api(secret), expected);
    let keys = secret.one("Job", "demo-chartroom-provision");
    assert_eq!(
        keys.at("/spec/template/spec/containers/0/args/2"),
        "--only=keys"
    );
    assert_eq!(
        plan(secret)["secrets"],
        json!({"keys": {"name": "demo-chartroom-keys"}})
    );

    assert_eq!(api(url), fields(&[("url_file", "database-app/uri")]));
    assert_eq!(migrate(url), fields(&[("url_file", "database/uri")]));
    assert_eq!(url.of_kind("Job").count(), 1, "{:?}", kinds(url));

    assert_eq!(
        api(by_value),
        fields(&[
            ("host", "db.example.org"),
            ("port", "6432"),
            ("name", "database/name"),
            ("user", "database/user"),
            ("password_file", "database/pass"),
            ("sslmode", "require"),
        ])
    );
    assert!(
        !kinds(by_value).iter().any(|o| o.ends_with("-migrate")),
        "{:?}",
        kinds(by_value)
    );
}

#[test]
fn the_clusters_spec_is_the_same_by_hook_and_by_manifest() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let set = "database.cnpg.instances=3,database.cnpg.walStorage.size=1Gi,database.cnpg.parameters.max_connections=\"50\"";
    let hook = helm.template(&["--set", set]).unwrap();
    let hook = Case {
        file: "hook".to_owned(),
        objects: hook,
    };
    let manifest = format!(
        "{set},database.provisioner=manifest,auth.keys.existingSecret=k,database.runtimeSecret=demo-chartroom-db-app"
    );
    let manifest = Case {
        file: "manifest".to_owned(),
        objects: helm.template(&["--set", &manifest]).unwrap(),
    };
    let mut by_hook = plan(&hook)["cluster"]["spec"].clone();
    let secret = by_hook["bootstrap"]["initdb"]
        .as_object_mut()
        .unwrap()
        .remove("secret");
    assert_eq!(secret.unwrap()["name"], "demo-chartroom-db");
    assert_eq!(
        &by_hook,
        manifest.one("Cluster", "demo-chartroom-pg").at("/spec")
    );
}

#[test]
fn standbys_and_overrides_are_used_where_values_say_so() {
    let Some(case) = case("hook-full.yaml") else {
        return;
    };
    let deployment = case.of_kind("Deployment").next().unwrap();
    assert_eq!(deployment.name(), "demo-registry");
    let pod = deployment.pod().unwrap();
    let found = connection(pod, &pod["spec"]["containers"][0]);
    assert_eq!(
        (found["host"].as_str(), found["read_host"].as_str()),
        ("data-rw", "data-ro")
    );
    let spec = &plan(case)["cluster"]["spec"];
    assert_eq!(
        spec["managed"]["services"]["disabledDefaultServices"],
        json!(["r"])
    );
    assert_eq!(
        spec["managed"]["roles"][0]["name"], "chartroom_app",
        "an override is merged"
    );
    assert_eq!(
        spec["walStorage"],
        json!({"size": "5Gi", "storageClass": "fast"})
    );
    let image = format!(
        "registry.example.org/mirror/chartroom:0.1.0@sha256:{}",
        "0123456789abcdef".repeat(4)
    );
    for object in case.objects.iter().filter(|o| o.pod().is_some()) {
        assert_eq!(
            object.pod().unwrap()["spec"]["containers"][0]["image"],
            image.as_str(),
            "{object}"
        );
        assert_eq!(
            object.pod().unwrap()["spec"]["imagePullSecrets"],
            json!([{"name": "shared"}, {"name": "own"}]),
            "{object}"
        );
    }
}

/// What a change of a template does to each mode, to be read in its diff.
#[test]
fn each_mode_renders_as_committed() {
    for file in ["hook", "manifest", "external", "worker"] {
        let Some(case) = case(&format!("{file}.yaml")) else {
            return;
        };
        let objects: Vec<&Value> = case
            .objects
            .iter()
            .filter(|o| {
                !["PrometheusRule"].contains(&o.kind()) && !o.name().ends_with("-dashboard")
            })
            .map(|Object(value)| value)
            .collect();
        let text = serde_json::to_string_pretty(&objects).unwrap() + "\n";
        snapshot::file(
            &PathBuf::from(format!("tests/chart/snapshots/{file}.json")),
            &text,
        );
    }
}
