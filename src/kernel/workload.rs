//! A workload of the cluster, and what it is called: `k8s:<namespace>/<service account>`.

use std::fmt;
use std::str::FromStr;

/// A username holds no colon, so nobody can be called like a workload.
pub const PREFIX: &str = "k8s:";

/// A label and a subdomain of DNS (RFC 1123), as Kubernetes wants them.
const LONGEST_NAMESPACE: usize = 63;
const LONGEST_ACCOUNT: usize = 253;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkloadName {
    text: String,
    /// Length of the namespace.
    namespace: usize,
}

impl WorkloadName {
    /// `None` where Kubernetes allows no such names.
    pub fn new(namespace: &str, account: &str) -> Option<Self> {
        let is_good = is_label(namespace)
            && account.len() <= LONGEST_ACCOUNT
            && account.split('.').all(is_label_of_any_length);
        is_good.then(|| Self {
            text: format!("{PREFIX}{namespace}/{account}"),
            namespace: namespace.len(),
        })
    }

    /// What Kubernetes itself calls the account.
    pub fn from_username(username: &str) -> Option<Self> {
        let (namespace, account) = username
            .strip_prefix("system:serviceaccount:")?
            .split_once(':')?;
        Self::new(namespace, account)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn namespace(&self) -> &str {
        let end = PREFIX.len() + self.namespace;
        self.text.get(PREFIX.len()..end).unwrap_or_default()
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for WorkloadName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('/'));
        parts
            .and_then(|(namespace, account)| Self::new(namespace, account))
            .ok_or("expected k8s:<namespace>/<service account>, as Kubernetes names them")
    }
}

pub fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_NAMESPACE && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// What is known of a workload beyond its principal, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub name: WorkloadName,
    pub uid: String,
    pub pod: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        let name: WorkloadName = "k8s:shop/etl.nightly-2".parse().unwrap();
        assert_eq!(
            (name.as_str(), name.namespace()),
            ("k8s:shop/etl.nightly-2", "shop")
        );
        assert_eq!(
            WorkloadName::from_username("system:serviceaccount:shop:etl.nightly-2"),
            Some(name)
        );
        let longest = format!("k8s:{}/{}", "n".repeat(63), "a".repeat(253));
        longest.parse::<WorkloadName>().unwrap();
        for bad in [
            "",
            "k8s:",
            "k8s:shop",
            "k8s:shop/",
            "k8s:/etl",
            "k8s:Shop/etl",
            "k8s:shop/Etl",
            "k8s:sh.op/etl",
            "k8s:-shop/etl",
            "k8s:shop-/etl",
            "k8s:shop/etl/x",
            "k8s:shop/etl.",
            "k8s:shop/.etl",
            "k8s:shop/e..l",
            "k8s:shop/et l",
            "K8S:shop/etl",
            "shop/etl",
            " k8s:shop/etl",
            "k8s:shop/etl\n",
            &format!("k8s:{}/a", "n".repeat(64)),
            &format!("k8s:n/{}", "a".repeat(254)),
        ] {
            bad.parse::<WorkloadName>().unwrap_err();
        }
        for bad in [
            "system:serviceaccount:shop",
            "system:node:shop",
            "system:serviceaccount:shop:etl:x",
            "shop:etl",
        ] {
            assert_eq!(WorkloadName::from_username(bad), None, "{bad}");
        }
    }
}
