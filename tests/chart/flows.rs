//! The connections that a release needs, and those it must not make or take, judged by its rendered
//! NetworkPolicies. No network that enforces policies was at hand: `policies` works out what one
//! would do.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::helm::{Case, Helm, NAMESPACE, Object, case};
use crate::pods::{containers, list};
use crate::policies::{End, Flow, Pod};

/// From, to, protocol and port.
type Row = (&'static str, &'static str, &'static str, u64);

/// What every release with a database of its own needs, whatever is set.
const NEEDED: &[Row] = &[
    // Clients, and those who look at it.
    ("gateway", "api", "TCP", 8080),
    ("prometheus", "api", "TCP", 9090),
    // `helm test`.
    ("smoke", "dns", "UDP", 53),
    ("smoke", "dns", "TCP", 53),
    ("smoke", "api", "TCP", 8080),
    ("smoke", "api", "TCP", 9090),
    ("migrate", "dns", "UDP", 53),
    ("migrate", "instance", "TCP", 5432),
    ("provision", "api server", "TCP", 443),
    // Where the network looks at a packet after the Service's address was replaced.
    ("provision", "api server itself", "TCP", 6443),
    ("api", "dns", "UDP", 53),
    ("api", "dns", "TCP", 53),
    ("api", "instance", "TCP", 5432),
    // Reviews of tokens, and keys.
    ("api", "api server", "TCP", 443),
    ("api", "api server itself", "TCP", 6443),
    // CloudNativePG: the operator asks the instances' managers, these each other and the API
    // server.
    ("operator", "instance", "TCP", 8000),
    ("operator", "instance", "TCP", 5432),
    ("instance", "instance", "TCP", 5432),
    ("instance", "instance", "TCP", 8000),
    ("initdb", "instance", "TCP", 5432),
    ("instance", "api server", "TCP", 443),
    ("instance", "api server itself", "TCP", 6443),
    ("instance", "dns", "UDP", 53),
    ("instance", "dns", "TCP", 53),
    ("prometheus", "instance", "TCP", 9187),
];

/// What our pods never start, whatever is set.
const NEVER_MADE: &[Row] = &[
    // Names carry data out.
    ("api", "resolver", "UDP", 53),
    ("api", "kube-system", "UDP", 53),
    ("migrate", "resolver", "UDP", 53),
    ("api", "dns", "TCP", 9153),
    ("api", "metadata", "TCP", 80),
    ("api", "stranger", "TCP", 5432),
    ("api", "another database", "TCP", 5432),
    ("api", "instance", "TCP", 8000),
    ("api", "internet", "TCP", 22),
    ("api", "mail server", "TCP", 587),
    ("smoke", "stranger", "TCP", 8080),
    ("smoke", "internet", "TCP", 80),
    ("migrate", "internet", "TCP", 80),
    ("migrate", "stranger", "TCP", 5432),
    ("migrate", "instance", "TCP", 8000),
];
/// What they never answer.
const NEVER_TAKEN: &[Row] = &[
    ("stranger", "api", "TCP", 9090),
    ("gateway", "api", "TCP", 9090),
    ("prometheus", "api", "TCP", 22),
    ("stranger", "smoke", "TCP", 8080),
    ("gateway", "provision", "TCP", 8080),
];

/// What workers need beside the API, and what they must not.
const NEEDED_OF_WORKERS: &[Row] = &[
    ("prometheus", "worker", "TCP", 9090),
    ("worker", "dns", "UDP", 53),
    ("worker", "dns", "TCP", 53),
    ("worker", "instance", "TCP", 5432),
    ("worker", "mail server", "TCP", 587),
];
const NEVER_MADE_BY_WORKERS: &[Row] = &[
    ("worker", "mail server", "TCP", 25),
    ("worker", "internet", "TCP", 587),
    ("worker", "api", "TCP", 8080),
    ("worker", "api", "TCP", 9090),
    ("worker", "api server", "TCP", 443),
    ("worker", "api server itself", "TCP", 6443),
    ("worker", "resolver", "UDP", 53),
    ("worker", "kube-system", "UDP", 53),
    ("worker", "metadata", "TCP", 80),
    ("worker", "instance", "TCP", 8000),
    ("worker", "another database", "TCP", 5432),
    ("worker", "stranger", "TCP", 5432),
    ("worker", "internet", "TCP", 443),
];
const NEVER_TAKEN_BY_WORKERS: &[Row] = &[
    ("stranger", "worker", "TCP", 9090),
    ("gateway", "worker", "TCP", 9090),
    ("smoke", "worker", "TCP", 9090),
    ("api", "worker", "TCP", 9090),
    ("prometheus", "worker", "TCP", 8080),
];

/// Where everything is set: also where the API server, the clients and the collector are, and that
/// the database is governed.
const NEEDED_OF_ALL: &[Row] = &[
    ("worker", "collector", "TCP", 4317),
    ("api", "collector", "TCP", 4317),
    ("api", "vault", "TCP", 8200),
    ("instance", "store", "TCP", 9000),
];
const NEVER_MADE_OF_ALL: &[Row] = &[
    ("worker", "stranger", "TCP", 4317),
    ("worker", "collector", "TCP", 22),
    // What the API alone may.
    ("worker", "vault", "TCP", 8200),
    ("api", "internet", "TCP", 443),
    ("migrate", "internet", "TCP", 443),
    ("provision", "internet", "TCP", 443),
    ("api", "stranger", "TCP", 4317),
    ("api", "prometheus", "TCP", 4317),
    ("api", "collector", "TCP", 22),
    ("api", "stranger", "TCP", 8200),
    ("api", "vault", "TCP", 22),
    ("instance", "internet", "TCP", 443),
    ("instance", "resolver", "UDP", 53),
    ("instance", "stranger", "TCP", 5432),
    ("instance", "store", "TCP", 22),
    ("instance", "closed part of the store", "TCP", 9000),
    ("instance", "internet", "TCP", 9000),
];
const NEVER_TAKEN_OF_ALL: &[Row] = &[
    ("worker", "instance", "TCP", 8000),
    ("stranger", "api", "TCP", 8080),
    ("stranger", "instance", "TCP", 5432),
    ("gateway", "instance", "TCP", 5432),
    ("api", "instance", "TCP", 8000),
    ("stranger of the operator", "instance", "TCP", 8000),
    ("prometheus", "instance", "TCP", 5432),
    ("stranger", "instance", "TCP", 9187),
];

/// What must pass, and what one end alone has to stop.
struct Table {
    needed: Vec<Row>,
    never_made: Vec<Row>,
    never_taken: Vec<Row>,
}

/// The pods and addresses that the tables name.
struct World<'a> {
    case: &'a Case,
    cluster: &'a str,
}

impl World<'_> {
    fn end(&self, name: &str) -> End {
        let cluster = self.cluster;
        match name {
            "api" => self.ours("Deployment", ""),
            "worker" => self.ours("Deployment", "-worker"),
            "smoke" => self.ours("Pod", "-smoke"),
            "provision" => self.ours("Job", "-provision"),
            "migrate" => self.ours("Job", "-migrate"),
            // As CloudNativePG labels its pods, and the Jobs that make them.
            "instance" => pod(
                NAMESPACE,
                json!({"cnpg.io/cluster": cluster, "cnpg.io/podRole": "instance"}),
            ),
            "initdb" => pod(
                NAMESPACE,
                json!({"cnpg.io/cluster": cluster, "cnpg.io/jobRole": "join"}),
            ),
            "another database" => pod(NAMESPACE, json!({"cnpg.io/cluster": "another"})),
            "operator" => pod(
                "cnpg-system",
                json!({"app.kubernetes.io/name": "cloudnative-pg"}),
            ),
            "stranger of the operator" => pod("cnpg-system", json!({"app": "x"})),
            "dns" => pod("kube-system", json!({"k8s-app": "kube-dns"})),
            "kube-system" => pod("kube-system", json!({"k8s-app": "x"})),
            "prometheus" => pod(
                "monitoring",
                json!({"app.kubernetes.io/name": "prometheus"}),
            ),
            "collector" => pod("monitoring", json!({"app": "collector"})),
            "gateway" => pod("gateways", json!({"app": "gateway"})),
            "vault" => pod("vault", json!({"app": "vault"})),
            "stranger" => {
                let mut end = pod(NAMESPACE, json!({"app": "stranger"}));
                // Ports of the same names as the API's.
                end.pod.as_mut().unwrap().ports =
                    vec![("http".to_owned(), 8080), ("metrics".to_owned(), 9090)];
                end
            }
            "api server" => outside([10, 96, 0, 1]),
            "api server itself" => outside([192, 0, 2, 10]),
            "mail server" => outside([192, 0, 2, 25]),
            "database elsewhere" => outside([192, 0, 2, 77]),
            "metadata" => outside([169, 254, 169, 254]),
            "resolver" => outside([203, 0, 113, 53]),
            "internet" => outside([203, 0, 113, 80]),
            "store" => outside([198, 51, 100, 7]),
            "closed part of the store" => outside([198, 51, 100, 200]),
            other => panic!("nobody is called {other}"),
        }
    }

    /// A pod that the release renders, by the end of its object's name.
    fn ours(&self, kind: &str, suffix: &str) -> End {
        let found = self.case.of_kind(kind).find(|o| o.name().ends_with(suffix));
        let found = found.unwrap_or_else(|| panic!("no {kind} {suffix}"));
        let template = found.pod().unwrap();
        let mut end = pod(NAMESPACE, template["metadata"]["labels"].clone());
        end.pod.as_mut().unwrap().ports = containers(template)
            .flat_map(|container| list(&container["ports"]))
            .map(|port| {
                let name = port["name"].as_str().unwrap().to_owned();
                (name, port["containerPort"].as_u64().unwrap())
            })
            .collect();
        end
    }

    /// The rows that these policies do not keep.
    fn wrong(&self, policies: &[Object], table: &Table) -> Vec<String> {
        let goes = |row: &Row| self.judge(row, |flow| flow.may_go(policies));
        let comes = |row: &Row| self.judge(row, |flow| flow.may_come(policies));
        let cut = table.needed.iter().filter(|row| !goes(row) || !comes(row));
        let made = table.never_made.iter().filter(|row| goes(row));
        let taken = table.never_taken.iter().filter(|row| comes(row));
        cut.map(|row| format!("cut: {row:?}"))
            .chain(made.map(|row| format!("made: {row:?}")))
            .chain(taken.map(|row| format!("taken: {row:?}")))
            .collect()
    }

    fn judge(&self, row: &Row, ask: impl Fn(Flow<'_>) -> bool) -> bool {
        let (from, to, protocol, port) = *row;
        ask(Flow {
            from: &self.end(from),
            to: &self.end(to),
            protocol,
            port,
        })
    }
}

fn pod(namespace: &str, labels: Value) -> End {
    let gateway = (namespace == "gateways").to_string();
    End {
        address: [10, 244, 0, 7].into(),
        pod: Some(Pod {
            namespace: namespace.to_owned(),
            namespace_labels: json!({
                "kubernetes.io/metadata.name": namespace,
                "example.org/gateway": gateway,
            }),
            labels,
            ports: Vec::new(),
        }),
    }
}

fn outside(address: impl Into<IpAddr>) -> End {
    End {
        address: address.into(),
        pod: None,
    }
}

fn policies(case: &Case) -> Vec<Object> {
    case.of_kind("NetworkPolicy").cloned().collect()
}

#[test]
fn audit_l14_an_install_without_values_lets_nothing_through_but_what_it_needs() {
    let Some(case) = case("hook.yaml") else {
        return;
    };
    let world = World {
        case,
        cluster: "demo-chartroom-pg",
    };
    let table = Table {
        needed: NEEDED.to_vec(),
        never_made: NEVER_MADE.to_vec(),
        never_taken: NEVER_TAKEN.to_vec(),
    };
    let sound = policies(case);
    assert_eq!(world.wrong(&sound, &table), [""; 0]);
    // Who runs the operator, and where, differs from cluster to cluster: its owner decides.
    let row = ("stranger", "instance", "TCP", 5432);
    assert!(world.judge(&row, |flow| flow.may_come(&sound)));
    assert_eq!(
        world.wrong(&[], &table).len(),
        NEVER_MADE.len() + NEVER_TAKEN.len(),
        "all of it is open without policies"
    );
}

#[test]
fn workers_reach_the_database_and_prometheus_alone_reaches_them() {
    let Some(case) = case("worker.yaml") else {
        return;
    };
    let world = World {
        case,
        cluster: "demo-chartroom-pg",
    };
    let table = Table {
        needed: [NEEDED, NEEDED_OF_WORKERS].concat(),
        never_made: [NEVER_MADE, NEVER_MADE_BY_WORKERS].concat(),
        never_taken: [NEVER_TAKEN, NEVER_TAKEN_BY_WORKERS].concat(),
    };
    let mut sound = policies(case);
    assert_eq!(world.wrong(&sound, &table), [""; 0]);
    // The control: without their policy all of it is open.
    sound.retain(|policy| !policy.name().ends_with("-worker"));
    assert_eq!(
        world.wrong(&sound, &table).len(),
        NEVER_MADE_BY_WORKERS.len() + NEVER_TAKEN_BY_WORKERS.len(),
    );
}

#[test]
fn with_everything_set_each_part_of_each_policy_is_needed() {
    let Some(case) = case("hook-full.yaml") else {
        return;
    };
    let world = World {
        case,
        cluster: "data",
    };
    let table = Table {
        needed: [NEEDED, NEEDED_OF_WORKERS, NEEDED_OF_ALL].concat(),
        never_made: [NEVER_MADE, NEVER_MADE_BY_WORKERS, NEVER_MADE_OF_ALL].concat(),
        never_taken: [NEVER_TAKEN, NEVER_TAKEN_BY_WORKERS, NEVER_TAKEN_OF_ALL].concat(),
    };
    let sound = policies(case);
    assert_eq!(world.wrong(&sound, &table), [""; 0]);

    let mut tried = 0;
    for (index, policy) in sound.iter().enumerate() {
        for broken in without_a_part(policy) {
            let mut policies = sound.clone();
            policies[index] = Object(broken.1);
            let wrong = world.wrong(&policies, &table);
            assert!(!wrong.is_empty(), "nobody misses {policy} {}", broken.0);
            tried += 1;
        }
        let mut policies = sound.clone();
        policies.remove(index);
        assert!(
            !world.wrong(&policies, &table).is_empty(),
            "nobody misses {policy}"
        );
    }
    assert!(tried > 50, "only {tried} parts were taken away");
}

/// The policy without one direction, rule, port or peer, and where that was. The last port or peer
/// of a rule leaves an empty list, which names everything.
fn without_a_part(policy: &Object) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut without = |pointer: &str, index: usize| {
        let mut broken = policy.0.clone();
        let items = broken.pointer_mut(pointer).unwrap().as_array_mut().unwrap();
        items.remove(index);
        found.push((format!("{pointer}/{index}"), broken));
    };
    for index in 0..list(policy.at("/spec/policyTypes")).len() {
        without("/spec/policyTypes", index);
    }
    for (rules, peers) in [("/spec/ingress", "from"), ("/spec/egress", "to")] {
        for (number, rule) in list(policy.at(rules)).iter().enumerate() {
            without(rules, number);
            for part in ["ports", peers] {
                for index in 0..list(&rule[part]).len() {
                    without(&format!("{rules}/{number}/{part}"), index);
                }
            }
        }
    }
    found
}

#[test]
fn a_database_elsewhere_is_reached_there_and_nowhere_else() {
    let Some(case) = case("external.yaml") else {
        return;
    };
    let world = World {
        case,
        cluster: "none",
    };
    let table = Table {
        needed: vec![
            ("gateway", "api", "TCP", 8080),
            ("api", "database elsewhere", "TCP", 5432),
            ("migrate", "database elsewhere", "TCP", 5432),
            ("provision", "api server", "TCP", 443),
        ],
        never_made: vec![
            ("api", "internet", "TCP", 5432),
            ("migrate", "internet", "TCP", 5432),
            // It lets no workloads in.
            ("api", "api server", "TCP", 443),
            ("api", "another database", "TCP", 5432),
        ],
        never_taken: Vec::new(),
    };
    assert_eq!(world.wrong(&policies(case), &table), [""; 0]);
}

#[test]
fn without_hooks_nobody_but_the_api_reaches_the_api_server() {
    let Some(case) = case("manifest.yaml") else {
        return;
    };
    let world = World {
        case,
        cluster: "demo-chartroom-pg",
    };
    let table = Table {
        needed: vec![
            ("api", "instance", "TCP", 5432),
            ("api", "api server", "TCP", 443),
            ("smoke", "api", "TCP", 9090),
            ("operator", "instance", "TCP", 8000),
        ],
        never_made: vec![("smoke", "api server", "TCP", 443)],
        never_taken: vec![("stranger", "instance", "TCP", 5432)],
    };
    assert_eq!(world.wrong(&policies(case), &table), [""; 0]);
}

#[test]
fn only_the_api_reaches_a_provider_of_single_sign_on() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let issuer =
        "--set=sso.issuer=https://login.example.com:8443/x,sso.clientId=c,sso.existingSecret=s";
    let peers = "--set=networkPolicy.sso[0].ipBlock.cidr=203.0.113.80/32";
    let api = ("api", "internet", "TCP", 8443);
    let others = [
        ("api", "internet", "TCP", 443),
        ("api", "store", "TCP", 8443),
        ("worker", "internet", "TCP", 8443),
        ("migrate", "internet", "TCP", 8443),
    ];
    let judged = |flags: &[&str]| {
        let inside = "--set=worker.enabled=true,networkPolicy.apiServer.cidrs={10.96.0.1/32}";
        let flags = [&[inside], flags].concat();
        let case = Case {
            file: String::new(),
            objects: helm.template(&flags).unwrap(),
        };
        let (case, cluster) = (&case, "demo-chartroom-pg");
        let sound = policies(case);
        let world = World { case, cluster };
        let goes = |row: &Row| world.judge(row, |flow| flow.may_go(&sound));
        (goes(&api), others.iter().filter(|row| goes(row)).count())
    };
    assert_eq!(judged(&[]), (false, 0));
    // Anywhere on the issuer's port, or where the peers are.
    assert_eq!(judged(&[issuer]), (true, 1));
    assert_eq!(judged(&[issuer, peers]), (true, 0));
}
