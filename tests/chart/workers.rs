//! Workers: pods that do the jobs and may do nothing but reach the database, and an API that leaves
//! the jobs to them.

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, Helm, Object, case, holds};
use crate::pods::{is_of_workers, list};

fn workers(case: &Case) -> Option<&Object> {
    case.of_kind("Deployment").find(|o| is_of_workers(o))
}

fn api(case: &Case) -> &Object {
    let found = case.of_kind("Deployment").find(|o| !is_of_workers(o));
    found.unwrap()
}

fn container(deployment: &Object) -> &Value {
    deployment.at("/spec/template/spec/containers/0")
}

fn variable<'a>(deployment: &'a Object, name: &str) -> Option<&'a str> {
    let mut env = list(&container(deployment)["env"]).iter();
    env.find(|variable| variable["name"] == name)?["value"].as_str()
}

/// Someone does the jobs, and not both.
fn jobs_have_one_place(case: &Case) -> Vec<String> {
    let expected = workers(case).map(|_| "off");
    let found = variable(api(case), "CHARTROOM_JOBS");
    match found == expected {
        true => Vec::new(),
        false => vec![format!("{found:?}")],
    }
}

/// Secrets of the database and of the mail server alone, of the database those of the role that
/// cannot change the schema where there is one; no token, and an account that nobody gives a right.
fn workers_hold_the_database_alone(case: &Case) -> Vec<String> {
    let Some(deployment) = workers(case) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let spec = deployment.at("/spec/template/spec");
    for volume in list(&spec["volumes"]) {
        let name = volume["name"].as_str().unwrap();
        let is_known = match name {
            "database" | "database-ca" | "smtp" | "smtp-ca" => volume["secret"].is_object(),
            // A socket.
            "models" => volume["emptyDir"].is_object(),
            // Their own side's certificate, as `models` judges.
            "runner-tls" => volume["secret"]["items"].is_array(),
            // What the installer adds.
            _ => volume["configMap"].is_object(),
        };
        if !is_known {
            findings.push(format!("holds {name}"));
        }
    }
    let password = |deployment: &Object| {
        let volumes = list(deployment.at("/spec/template/spec/volumes"));
        let found = volumes.iter().find(|volume| volume["name"] == "database");
        found.unwrap()["secret"].clone()
    };
    if password(deployment) != password(api(case)) {
        findings.push(format!("connects with {}", password(deployment)));
    }
    let init = list(&spec["initContainers"]);
    if init.iter().any(|container| container["name"] != "models") {
        findings.push("an init container".to_owned());
    }
    if container(deployment)["ports"] != json!([{"name": "metrics", "containerPort": 9090}]) {
        findings.push(format!("listens on {}", container(deployment)["ports"]));
    }
    let account = &spec["serviceAccountName"];
    if account == api(case).at("/spec/template/spec/serviceAccountName") {
        findings.push(format!("runs as the API: {account}"));
    }
    for binding in ["ClusterRoleBinding", "RoleBinding"]
        .into_iter()
        .flat_map(|kind| case.of_kind(kind))
    {
        let subjects = list(binding.at("/subjects"));
        if subjects.iter().any(|subject| subject["name"] == *account) {
            findings.push(format!("{account} has the rights of {binding}"));
        }
    }
    let accounts = case.of_kind("ServiceAccount");
    if accounts.filter(|o| *account == o.name()).count() != 1 {
        findings.push(format!("nobody makes {account}"));
    }
    findings
}

/// What signs in to the mail server, where workers do.
fn api_cannot_sign_in_to_the_mail_server(case: &Case) -> Vec<String> {
    if workers(case).is_none() {
        return Vec::new();
    }
    let spec = api(case).at("/spec/template/spec");
    let mounts = &container(api(case))["volumeMounts"];
    let volumes = list(&spec["volumes"]).iter().chain(list(mounts));
    let named = volumes
        .chain(list(&container(api(case))["env"]))
        .map(|it| it["name"].as_str().unwrap());
    let is_of_it = |name: &&str| {
        name.starts_with("smtp")
            || [
                "CHARTROOM_SMTP_USER",
                "CHARTROOM_SMTP_PASSWORD",
                "CHARTROOM_SMTP_PASSWORD_FILE",
                "CHARTROOM_SMTP_CA_FILE",
            ]
            .contains(name)
    };
    named
        .filter(is_of_it)
        .map(|name| format!("has {name}"))
        .collect()
}

fn of_api(change: impl Fn(&mut Value)) -> impl Fn(&mut Object) {
    move |object| {
        if object.kind() == "Deployment" && !is_of_workers(object) {
            change(&mut object.0["spec"]["template"]["spec"]);
        }
    }
}

fn of_workers(change: impl Fn(&mut Value)) -> impl Fn(&mut Object) {
    move |object| {
        if object.kind() == "Deployment" && is_of_workers(object) {
            change(&mut object.0["spec"]["template"]["spec"]);
        }
    }
}

#[test]
fn the_api_does_no_jobs_where_workers_do() {
    holds(
        jobs_have_one_place,
        "worker.yaml",
        &[
            ("an API that does them, too", &|o| {
                if o.name() == FULLNAME && o.kind() == "Deployment" {
                    let text = o.0.to_string().replace("\"off\"", "\"inside\"");
                    o.0 = serde_json::from_str(&text).unwrap();
                }
            }),
            ("nobody", &|o| {
                if is_of_workers(o) && o.kind() == "Deployment" {
                    o.0["kind"] = json!("Nothing");
                }
            }),
        ],
    );
}

#[test]
fn a_worker_has_what_the_database_asks_for_and_nothing_else() {
    holds(
        workers_hold_the_database_alone,
        "worker.yaml",
        &[
            (
                "the keys",
                &of_workers(|spec| {
                    let keys =
                        json!({"name": "keys", "secret": {"secretName": "demo-chartroom-keys"}});
                    spec["volumes"].as_array_mut().unwrap().push(keys);
                }),
            ),
            (
                "the owner's password",
                &of_workers(|spec| {
                    spec["volumes"][0]["secret"]["secretName"] = json!("demo-chartroom-db");
                }),
            ),
            (
                "the API's account",
                &of_workers(|spec| spec["serviceAccountName"] = json!(FULLNAME)),
            ),
            (
                "a port for clients",
                &of_workers(|spec| {
                    let http = json!({"name": "http", "containerPort": 8080});
                    let ports = &mut spec["containers"][0]["ports"];
                    ports.as_array_mut().unwrap().push(http);
                }),
            ),
            (
                "a migration",
                &of_workers(|spec| spec["initContainers"] = json!([{"name": "migrate"}])),
            ),
            ("a right", &|o| {
                if o.kind() == "ClusterRoleBinding" {
                    o.0["subjects"][0]["name"] = json!("demo-chartroom-worker");
                }
            }),
        ],
    );
}

#[test]
fn only_who_sends_mails_can_sign_in_to_the_mail_server() {
    holds(
        api_cannot_sign_in_to_the_mail_server,
        "worker.yaml",
        &[
            (
                "the password",
                &of_api(|spec| {
                    let smtp = json!({"name": "smtp", "secret": {"secretName": "mail"}});
                    spec["volumes"].as_array_mut().unwrap().push(smtp);
                }),
            ),
            (
                "the user",
                &of_api(|spec| {
                    let user = json!({"name": "CHARTROOM_SMTP_USER", "value": "room"});
                    let env = &mut spec["containers"][0]["env"];
                    env.as_array_mut().unwrap().push(user);
                }),
            ),
        ],
    );
    let (Some(apart), Some(helm)) = (case("worker.yaml"), Helm::find("helm")) else {
        return;
    };
    // Both know that mail is sent, and who sends has what it takes.
    let of_mail = |deployment: &Object| {
        let env = list(&container(deployment)["env"]).iter();
        env.map(|it| it["name"].as_str().unwrap().to_owned())
            .filter(|name| name.contains("_SMTP_") || name.contains("_MAIL_"))
            .collect::<Vec<_>>()
    };
    let public = [
        "CHARTROOM_SMTP_HOST",
        "CHARTROOM_SMTP_PORT",
        "CHARTROOM_SMTP_SECURITY",
        "CHARTROOM_MAIL_FROM",
    ];
    let all = [
        &public[..],
        &[
            "CHARTROOM_SMTP_USER",
            "CHARTROOM_SMTP_PASSWORD_FILE",
            "CHARTROOM_SMTP_CA_FILE",
        ],
    ]
    .concat();
    assert_eq!(of_mail(api(apart)), public);
    assert_eq!(of_mail(workers(apart).unwrap()), all);
    let mail = [
        "--set=mail.host=smtp.example.com,mail.from=a@example.com,mail.existingSecret=smtp",
        "--set=mail.caSecret.name=smtp-ca,publicUrl=https://chartroom.example.com",
    ];
    let inside = helm.template(&mail).unwrap();
    let one = inside.iter().find(|o| o.kind() == "Deployment").unwrap();
    assert_eq!(of_mail(one), all, "where the API does the jobs");
    let smtp = list(one.at("/spec/template/spec/volumes")).iter();
    let smtp = smtp.filter(|it| it["name"].as_str().unwrap().starts_with("smtp"));
    assert_eq!(smtp.count(), 2);
    // What the chart sets for one of them can be given to neither.
    let set = "--set=worker.enabled=true,settings.CHARTROOM_SMTP_USER=room";
    let refused = helm.template(&[mail[0], mail[1], set]).err();
    let refused = refused.expect("the setting is taken");
    assert!(refused.contains("the chart sets it itself"), "{refused}");
}

#[test]
fn values_of_workers_come_before_those_of_the_api() {
    let (Some(plain), Some(full)) = (case("worker.yaml"), case("hook-full.yaml")) else {
        return;
    };
    let workers = workers(plain).unwrap();
    assert_eq!(workers.at("/spec/replicas"), 2);
    assert_eq!(variable(workers, "CHARTROOM_JOB_LEASE"), Some("60s"));
    assert_eq!(variable(api(plain), "CHARTROOM_JOB_LEASE"), None);
    assert_eq!(
        container(workers)["resources"],
        container(api(plain))["resources"],
        "by default"
    );
    let (workers, api) = (self::workers(full).unwrap(), api(full));
    let both = |name: &str| [workers, api].map(|deployment| variable(deployment, name));
    assert_eq!(
        both("CHARTROOM_DATABASE_CONNECTIONS"),
        [Some("4"), Some("12")]
    );
    assert_eq!(both("CHARTROOM_HTTP2"), [Some("true"), Some("true")]);
    // What a job reads has to be true.
    assert_eq!(
        both("CHARTROOM_DATABASE_READ_HOST"),
        [None, Some("data-ro")]
    );
    let placed = |field: &str| {
        let of = |deployment: &Object| deployment.at("/spec/template/spec")[field].clone();
        [of(workers), of(api)]
    };
    assert_eq!(
        placed("priorityClassName"),
        [json!("unimportant"), json!("important")]
    );
    assert_eq!(placed("tolerations")[0], placed("tolerations")[1]);
    for field in ["affinity", "topologySpreadConstraints"] {
        let [of_workers, of_api] = placed(field);
        assert!(of_workers != of_api && !of_workers.is_null(), "{field}");
    }
}

/// The Service is what alerts and dashboard select by, and workers have none.
#[test]
fn prometheus_finds_workers_as_pods_of_the_service() {
    let (Some(plain), Some(full)) = (case("worker.yaml"), case("hook-full.yaml")) else {
        return;
    };
    for (case, name) in [(plain, FULLNAME), (full, "demo-registry")] {
        let pods = case.one("PodMonitor", &format!("{name}-worker"));
        let service = case.one("ServiceMonitor", name);
        let (one, other) = (
            pods.at("/spec/podMetricsEndpoints/0"),
            service.at("/spec/endpoints/0"),
        );
        for field in ["port", "path", "interval", "scrapeTimeout"] {
            assert_eq!(one[field], other[field], "{field}");
        }
        assert_eq!(one["metricRelabelings"], other["metricRelabelings"]);
        let mut relabelings = list(&one["relabelings"]).to_vec();
        let first = relabelings.remove(0);
        assert_eq!(
            first,
            json!({"targetLabel": "service", "replacement": name})
        );
        assert_eq!(relabelings, list(&other["relabelings"]));
        for pointer in ["/metadata/namespace", "/spec/namespaceSelector"] {
            assert_eq!(pods.at(pointer), service.at(pointer), "{pointer}");
        }
        let labels = |o: &Object| o.at("/metadata/labels")["release"].clone();
        assert_eq!(labels(pods), labels(service));
    }
}
