//! What NetworkPolicies allow, worked out as Kubernetes defines it: a pod that no policy selects is
//! open in that direction; one that is selected takes or makes exactly the connections that some
//! rule of some policy lists.

use std::net::IpAddr;

use serde_json::Value;

use crate::helm::Object;
use crate::pods::list;

/// One end of a connection: a pod, or an address outside the cluster.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub address: IpAddr,
    /// `None` outside.
    pub pod: Option<Pod>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub namespace: String,
    pub namespace_labels: Value,
    pub labels: Value,
    /// Names of container ports.
    pub ports: Vec<(String, u64)>,
}

/// Who starts a connection, who is asked, protocol and port.
#[derive(Clone, Copy)]
pub(crate) struct Flow<'a> {
    pub from: &'a End,
    pub to: &'a End,
    pub protocol: &'a str,
    pub port: u64,
}

impl Flow<'_> {
    /// Whether the pod that starts it may.
    pub(crate) fn may_go(&self, policies: &[Object]) -> bool {
        Side::of(self, true).is_open(policies)
    }

    /// Whether the pod that is asked may answer.
    pub(crate) fn may_come(&self, policies: &[Object]) -> bool {
        Side::of(self, false).is_open(policies)
    }
}

/// A connection as the policies of one end see it.
struct Side<'a> {
    flow: &'a Flow<'a>,
    governed: &'a End,
    peer: &'a End,
    kind: &'static str,
    rules: &'static str,
    peers: &'static str,
}

impl<'a> Side<'a> {
    fn of(flow: &'a Flow<'a>, starts: bool) -> Self {
        let (governed, peer) = if starts {
            (flow.from, flow.to)
        } else {
            (flow.to, flow.from)
        };
        let (kind, rules, peers) = if starts {
            ("Egress", "/spec/egress", "to")
        } else {
            ("Ingress", "/spec/ingress", "from")
        };
        Self {
            flow,
            governed,
            peer,
            kind,
            rules,
            peers,
        }
    }

    fn is_open(&self, policies: &[Object]) -> bool {
        let Some(pod) = &self.governed.pod else {
            return true;
        };
        let governing: Vec<&Object> = policies
            .iter()
            .filter(|policy| policy.text("/metadata/namespace") == pod.namespace)
            .filter(|policy| selects(policy.at("/spec/podSelector"), &pod.labels))
            .filter(|policy| list(policy.at("/spec/policyTypes")).contains(&Value::from(self.kind)))
            .collect();
        governing.is_empty()
            || governing.iter().any(|policy| {
                let namespace = policy.text("/metadata/namespace");
                list(policy.at(self.rules)).iter().any(|rule| {
                    // An empty list names everything.
                    let any = |items: &Value, fits: &dyn Fn(&Value) -> bool| {
                        list(items).is_empty() || list(items).iter().any(fits)
                    };
                    any(&rule["ports"], &|port| self.on(port))
                        && any(&rule[self.peers], &|peer| self.with(peer, namespace))
                })
            })
    }

    fn on(&self, wanted: &Value) -> bool {
        let protocol = wanted["protocol"].as_str().unwrap_or("TCP");
        let port = match &wanted["port"] {
            Value::Null => true,
            // A name is looked up in the pod that is connected to.
            Value::String(name) => self.flow.to.pod.as_ref().is_some_and(|pod| {
                let mut named = pod.ports.iter().filter(|(of, _)| of == name);
                named.any(|(_, port)| *port == self.flow.port)
            }),
            number => {
                let first = number.as_u64().unwrap();
                let last = wanted["endPort"].as_u64().unwrap_or(first);
                (first..=last).contains(&self.flow.port)
            }
        };
        protocol == self.flow.protocol && port
    }

    /// `namespace` is the policy's, which a `podSelector` alone means.
    fn with(&self, wanted: &Value, namespace: &str) -> bool {
        if let Some(block) = wanted.get("ipBlock") {
            let within = |range: &Value| contains(range.as_str().unwrap(), self.peer.address);
            return within(&block["cidr"]) && !list(&block["except"]).iter().any(within);
        }
        let Some(pod) = &self.peer.pod else {
            return false;
        };
        let in_namespace = match wanted.get("namespaceSelector") {
            Some(selector) => selects(selector, &pod.namespace_labels),
            None => pod.namespace == namespace,
        };
        in_namespace
            && wanted
                .get("podSelector")
                .is_none_or(|selector| selects(selector, &pod.labels))
    }
}

/// An empty selector selects everything.
fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"]
        .as_object()
        .is_none_or(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value));
    equal
        && list(&selector["matchExpressions"])
            .iter()
            .all(|expression| {
                let label = &labels[expression["key"].as_str().unwrap()];
                let listed = list(&expression["values"]).contains(label);
                match expression["operator"].as_str().unwrap() {
                    "In" => listed,
                    "NotIn" => !listed,
                    "Exists" => !label.is_null(),
                    "DoesNotExist" => label.is_null(),
                    other => panic!("no operator {other}"),
                }
            })
}

fn contains(range: &str, address: IpAddr) -> bool {
    let (network, length) = range.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    let ((width, network), (own, address)) = (bits(network.parse().unwrap()), bits(address));
    let host = width - length;
    width == own && (host == 128 || network >> host == address >> host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(namespace: &str, labels: Value) -> End {
        End {
            address: [10, 244, 0, 7].into(),
            pod: Some(Pod {
                namespace: namespace.to_owned(),
                namespace_labels: json!({"kubernetes.io/metadata.name": namespace}),
                labels,
                ports: vec![("web".to_owned(), 8080)],
            }),
        }
    }

    fn policy(spec: Value) -> Object {
        Object(
            json!({"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "a"}, "spec": spec}),
        )
    }

    /// Each line is a sentence of the API's documentation.
    #[test]
    fn policies_mean_what_kubernetes_says_they_mean() {
        let (web, other) = (
            pod("a", json!({"app": "web"})),
            pod("b", json!({"app": "x"})),
        );
        let away = End {
            address: [198, 51, 100, 7].into(),
            pod: None,
        };
        let governed = |types: Value, rules: Value| {
            let mut spec =
                json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": types});
            let direction = if types == json!(["Ingress"]) {
                "ingress"
            } else {
                "egress"
            };
            spec[direction] = rules;
            vec![policy(spec)]
        };
        let ingress = |from: Value, ports: Value| {
            governed(json!(["Ingress"]), json!([{"from": from, "ports": ports}]))
        };
        let tcp = |policies: &[Object], from, to| {
            let flow = Flow {
                from,
                to,
                protocol: "TCP",
                port: 8080,
            };
            flow.may_go(policies) && flow.may_come(policies)
        };

        assert!(tcp(&[], &other, &web), "open without a policy");
        let closed = governed(json!(["Ingress"]), json!([]));
        assert!(!tcp(&closed, &other, &web), "selected and nothing listed");
        assert!(tcp(&closed, &web, &other), "the other direction is open");
        assert!(tcp(&closed, &other, &other), "other pods are open");
        assert!(tcp(&ingress(json!([]), json!([])), &away, &web), "from all");
        let both = [closed, ingress(json!([]), json!([]))].concat();
        assert!(tcp(&both, &away, &web), "policies add up");

        let own = json!([{"podSelector": {}}]);
        assert!(tcp(&ingress(own.clone(), json!([])), &web, &web));
        assert!(
            !tcp(&ingress(own, json!([])), &other, &web),
            "a podSelector alone means the policy's namespace"
        );
        let all = json!([{"namespaceSelector": {}}]);
        assert!(tcp(&ingress(all.clone(), json!([])), &other, &web));
        assert!(!tcp(&ingress(all, json!([])), &away, &web), "pods alone");
        for (expression, fits) in [
            (
                json!({"key": "app", "operator": "In", "values": ["x"]}),
                true,
            ),
            (
                json!({"key": "app", "operator": "NotIn", "values": ["x"]}),
                false,
            ),
            (json!({"key": "app", "operator": "Exists"}), true),
            (json!({"key": "app", "operator": "DoesNotExist"}), false),
        ] {
            let from = json!([{"namespaceSelector": {}, "podSelector": {"matchExpressions": [expression]}}]);
            assert_eq!(tcp(&ingress(from, json!([])), &other, &web), fits);
        }

        let block =
            json!([{"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.128/25"]}}]);
        let out = governed(json!(["Egress"]), json!([{"to": block}]));
        assert!(tcp(&out, &web, &away));
        let beyond = End {
            address: [198, 51, 100, 200].into(),
            pod: None,
        };
        assert!(!tcp(&out, &web, &beyond), "except");
        assert!(!contains("::/0", away.address) && contains("0.0.0.0/0", away.address));

        for (port, fits) in [
            (json!({"port": "web"}), true),
            (json!({"port": "metrics"}), false),
            (json!({"port": 8080, "protocol": "UDP"}), false),
            (json!({"port": 8000, "endPort": 8090}), true),
            (json!({"protocol": "TCP"}), true),
        ] {
            let policies = ingress(json!([]), json!([port]));
            assert_eq!(tcp(&policies, &other, &web), fits, "{port}");
        }
    }
}
