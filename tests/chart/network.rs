//! Who may reach what: the ports of the Service, what an Ingress or route leads to, and the
//! NetworkPolicies.

use serde_json::{Value, json};

use crate::helm::{Case, FULLNAME, case, cases, holds};
use crate::pods::{list, matches};

#[test]
fn metrics_are_on_the_service_and_behind_no_ingress_or_route() {
    for case in cases() {
        let service = case.of_kind("Service").next().unwrap();
        let ports: Vec<_> = list(service.at("/spec/ports"))
            .iter()
            .map(|p| (&p["name"], &p["targetPort"]))
            .collect();
        assert_eq!(
            ports,
            [
                (&json!("http"), &json!("http")),
                (&json!("metrics"), &json!("metrics"))
            ]
        );
        for ingress in case.of_kind("Ingress") {
            assert!(ingress.0.to_string().contains(r#""port":{"name":"http"}"#));
            assert!(!ingress.0.to_string().contains("metrics"));
        }
        for route in case.of_kind("HTTPRoute") {
            assert_eq!(list(route.at("/spec/rules")).len(), 1);
            assert_eq!(
                route.at("/spec/rules/0/backendRefs/0/port"),
                &service.0["spec"]["ports"][0]["port"]
            );
        }
    }
    assert!(case("gateway.yaml").is_none_or(|case| case.of_kind("HTTPRoute").count() == 1));
}

/// Every pod of the release has one policy, which denies in both directions what it does not list.
fn every_pod_has_one_policy(case: &Case) -> Vec<String> {
    let mut findings = Vec::new();
    if case.of_kind("NetworkPolicy").next().is_none() {
        return findings;
    }
    for object in &case.objects {
        let Some(pod) = object.pod() else { continue };
        let labels = &pod["metadata"]["labels"];
        let policies: Vec<_> = case
            .of_kind("NetworkPolicy")
            .filter(|policy| matches(policy.at("/spec/podSelector/matchLabels"), labels))
            .collect();
        let [policy] = policies.as_slice() else {
            findings.push(format!("{object} has {} policies", policies.len()));
            continue;
        };
        if policy.at("/spec/policyTypes") != &json!(["Ingress", "Egress"]) {
            findings.push(format!(
                "{policy} governs {}",
                policy.at("/spec/policyTypes")
            ));
        }
    }
    // An empty or absent peer list is everybody.
    for policy in case.of_kind("NetworkPolicy") {
        for rule in list(policy.at("/spec/ingress")) {
            let for_all = list(&rule["from"]).is_empty();
            if for_all && list(&rule["ports"]) != [json!({"protocol": "TCP", "port": "http"})] {
                findings.push(format!("{policy}: anybody reaches {}", rule["ports"]));
            }
        }
    }
    findings
}

#[test]
fn policies_cover_every_pod_and_open_nothing_but_the_api_to_all() {
    holds(
        every_pod_has_one_policy,
        "hook-full.yaml",
        &[
            ("no policy for hooks", &|o| {
                if o.kind() == "NetworkPolicy" && o.name().ends_with("-hook") {
                    o.0["spec"]["podSelector"] = json!({"matchLabels": {"a": "b"}});
                }
            }),
            ("no word on egress", &|o| {
                if o.kind() == "NetworkPolicy" && o.name().ends_with("-hook") {
                    o.0["spec"]["policyTypes"] = json!(["Ingress"]);
                }
            }),
            ("metrics for all", &|o| {
                if o.kind() == "NetworkPolicy" && o.0["spec"]["ingress"][1]["from"].is_array() {
                    o.0["spec"]["ingress"][1]["from"] = json!([]);
                }
            }),
        ],
    );
    let policies = |file| case(file).map(|case| case.of_kind("NetworkPolicy").count());
    assert!(
        policies("hook-full.yaml").is_none_or(|n| n == 4),
        "API, workers, hooks, database"
    );
    assert!(
        policies("external.yaml").is_none_or(|n| n == 2),
        "no pods of a database"
    );
    assert!(
        policies("hook.yaml").is_none_or(|n| n == 2),
        "the database's is a choice of the cluster's owner"
    );
    assert!(
        policies("hook-small.yaml").is_none_or(|n| n == 0),
        "all of them are"
    );
}

/// The ports and peers of an egress rule that names this port.
fn egress<'a>(case: &'a Case, policy: &str, port: &Value) -> Option<&'a Value> {
    list(case.one("NetworkPolicy", policy).at("/spec/egress"))
        .iter()
        .find(|rule| list(&rule["ports"]).iter().any(|p| p["port"] == *port))
}

#[test]
fn hooks_reach_the_database_and_the_api_server_is_for_who_asks_it() {
    let (Some(full), Some(manifest), Some(external)) = (
        case("hook-full.yaml"),
        case("manifest.yaml"),
        case("external.yaml"),
    ) else {
        return;
    };
    let hook = "demo-registry-hook";
    let database = json!([{"podSelector": {"matchLabels": {"cnpg.io/cluster": "data"}}}]);
    for policy in [hook, "demo-registry"] {
        assert_eq!(
            egress(full, policy, &json!(5432)).unwrap()["to"],
            database,
            "{policy}"
        );
        assert!(egress(full, policy, &json!(53)).is_some(), "{policy}");
    }
    let server = egress(full, hook, &json!(443)).unwrap();
    assert_eq!(
        server["to"],
        json!([{"ipBlock": {"cidr": "10.96.0.1/32"}}, {"ipBlock": {"cidr": "192.0.2.10/32"}}])
    );
    assert_eq!(
        egress(full, "demo-registry", &json!(443)).unwrap()["to"],
        server["to"],
        "it has tokens reviewed"
    );
    let hook = format!("{FULLNAME}-hook");
    assert!(
        egress(manifest, &hook, &json!(443)).is_none(),
        "there is no provision Job"
    );
    assert!(
        egress(external, &hook, &json!(443)).is_some(),
        "it makes the keys"
    );
    assert!(
        egress(external, FULLNAME, &json!(443)).is_none(),
        "it lets no workloads in"
    );
    let away = egress(external, FULLNAME, &json!(5432)).unwrap();
    assert_eq!(away["to"], json!([{"ipBlock": {"cidr": "192.0.2.0/24"}}]));
    let instances = full.one("NetworkPolicy", "demo-registry-database");
    let ports: Vec<String> = list(instances.at("/spec/ingress"))
        .iter()
        .map(|rule| {
            list(&rule["ports"])
                .iter()
                .map(|p| p["port"].to_string())
                .collect::<Vec<_>>()
                .join("+")
        })
        .collect();
    assert_eq!(ports, ["5432", "5432+8000", "9187"]);
}
