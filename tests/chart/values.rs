//! Values: every one is documented and checked, and what cannot work is refused with a line that
//! says what to do.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::helm::{Helm, chart};
use crate::snapshot;

const BEGIN: &str = "<!-- values: made from values.yaml by `just chart`; do not edit -->\n";
const END: &str = "<!-- end of values -->";

/// Each value with a comment that starts with `# --`: its path and the comment.
fn documented() -> Vec<(Vec<String>, String)> {
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let mut found = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut comment = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some(text) = trimmed.strip_prefix("# -- ") {
            comment = Some(text.to_owned());
            continue;
        }
        let Some((key, _)) = trimmed
            .split_once(':')
            .filter(|(key, _)| !key.contains(['#', ' ', '-', '{']))
        else {
            assert!(
                comment.is_none() || trimmed.is_empty(),
                "no value below a comment: {line}"
            );
            continue;
        };
        path.retain(|(outer, _)| *outer < indent);
        path.push((indent, key.to_owned()));
        if let Some(comment) = comment.take() {
            found.push((path.iter().map(|(_, key)| key.clone()).collect(), comment));
        }
    }
    found
}

fn defaults() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(chart().join("values.yaml")).unwrap()).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(chart().join("values.schema.json")).unwrap()).unwrap()
}

fn at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(value, |value, key| &value[key.as_str()])
}

#[test]
fn the_readme_lists_every_value() {
    let defaults = defaults();
    let mut table = String::from("\n| value | default | |\n|---|---|---|\n");
    for (path, comment) in documented() {
        let default = at(&defaults, &path).to_string();
        table.push_str(&format!(
            "| `{}` | `{default}` | {} |\n",
            path.join("."),
            comment.replace('|', "\\|")
        ));
    }
    table.push('\n');
    snapshot::between(Path::new("charts/chartroom/README.md"), BEGIN, END, &table);
}

/// The values that have no comment of their own nor one above them.
fn undocumented(
    value: &Value,
    path: &mut Vec<String>,
    documented: &[Vec<String>],
    found: &mut Vec<String>,
) {
    if documented.contains(path) {
        return;
    }
    match value.as_object().filter(|map| !map.is_empty()) {
        Some(map) => {
            for (key, value) in map {
                path.push(key.clone());
                undocumented(value, path, documented, found);
                path.pop();
            }
        }
        None => found.push(path.join(".")),
    }
}

/// Properties of the schema that are no values, and objects that take anything unawares.
fn strays(schema: &Value, value: &Value, path: &mut Vec<String>, found: &mut Vec<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    if schema["additionalProperties"] != false {
        found.push(format!("{}: takes what it does not know", path.join(".")));
    }
    for (key, inner) in properties {
        path.push(key.clone());
        if value.get(key).is_none() && path.join(".") != "enabled" {
            found.push(format!("{}: no such value", path.join(".")));
        }
        strays(inner, &value[key], path, found);
        path.pop();
    }
}

#[test]
fn every_value_is_documented_and_in_the_schema() {
    let (defaults, schema) = (defaults(), schema());
    let paths: Vec<Vec<String>> = documented().into_iter().map(|(path, _)| path).collect();
    assert!(paths.len() > 100);
    let mut found = Vec::new();
    undocumented(&defaults, &mut Vec::new(), &paths, &mut found);
    strays(&schema, &defaults, &mut Vec::new(), &mut found);
    for path in &paths {
        let property = path
            .iter()
            .fold(&schema, |schema, key| &schema["properties"][key.as_str()]);
        if property.is_null() {
            found.push(format!("{}: not in the schema", path.join(".")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// What is set, and the part of the complaint that tells its author what is wrong.
const REFUSED: [(&str, &str); 59] = [
    ("serviceAccounts.mode=review", "/serviceAccounts/mode"),
    ("serviceAccounts.namespaces={a}", "'namespaces' not allowed"),
    (
        "serviceAccounts.admins={ops/setup}",
        "/serviceAccounts/admins",
    ),
    (
        "serviceAccounts.allowedNamespaces={A}",
        "/serviceAccounts/allowedNamespaces",
    ),
    ("replica=3", "'replica' not allowed"),
    ("image.tga=v1", "'tga' not allowed"),
    ("database.cnpg.instance=3", "'instance' not allowed"),
    ("metrics.serviceMonitor.enable=true", "'enable' not allowed"),
    ("replicas=-1", "minimum"),
    ("replicas=two", "got string, want integer"),
    ("database.mode=postgres", "'cnpg', 'external'"),
    ("database.provisioner=argo", "'hook', 'manifest'"),
    ("database.cnpg.instances=0", "/database/cnpg/instances"),
    (
        "database.cnpg.storage.size=10GB",
        "/database/cnpg/storage/size",
    ),
    ("database.cnpg.storage.size=", "/database/cnpg/storage/size"),
    (
        "database.cnpg.imageName=postgresql:latest",
        "/database/cnpg/imageName",
    ),
    (
        "database.cnpg.clusterName=Data",
        "/database/cnpg/clusterName",
    ),
    ("database.cnpg.synchronous.method=all", "'any', 'first'"),
    (
        "database.cnpg.synchronous.dataDurability=none",
        "'required', 'preferred'",
    ),
    ("database.name=my-db", "/database/name"),
    ("database.tls.mode=prefer", "/database/tls/mode"),
    ("database.external.port=70000", "/database/external/port"),
    ("image.digest=sha256:abc", "/image/digest"),
    ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
    ("service.type=ExternalName", "/service/type"),
    ("service.port=0", "/service/port"),
    ("publicUrl=chartroom.example.org", "/publicUrl"),
    (
        "auth.registration=invite",
        "'open', 'confirmed', 'invited', 'closed'",
    ),
    ("auth.refreshGrace=10", "/auth/refreshGrace"),
    ("settings.LOG=debug", "LOG"),
    ("sso.issuer=http://login.example.com", "/sso/issuer"),
    (
        "sso.issuer=https://login.example.com",
        "needs sso.clientId and sso.existingSecret",
    ),
    ("sso.clientId=chartroom", "no effect without sso.issuer"),
    ("sso.groups={ops=owner}", "/sso/groups/0"),
    (
        "sso.issuer=https://login.example.com,sso.clientId=x,sso.existingSecret=x,sso.providersSecret.name=y",
        "sso.issuer contradicts sso.providersSecret",
    ),
    ("provision.timeout=soon", "/provision/timeout"),
    ("metrics.prometheusRule.enabled=yes", "true, false, 'auto'"),
    (
        "metrics.prometheusRule.errorRatio=5",
        "/metrics/prometheusRule/errorRatio",
    ),
    (
        "topologySpreadConstraints=none",
        "/topologySpreadConstraints",
    ),
    ("commonLabels.app\\.kubernetes\\.io/name=x", "/commonLabels"),
    (
        "settings.CHARTROOM_LISTEN=0.0.0.0:80",
        "settings.CHARTROOM_LISTEN: the chart sets it itself",
    ),
    (
        "database.provisioner=manifest",
        "chartroom keys generate --keys-dir keys",
    ),
    (
        "database.runtimeSecret=x",
        "the hook makes that Secret itself",
    ),
    (
        "database.mode=external",
        "needs database.external.existingSecret",
    ),
    (
        "database.mode=external,database.external.existingSecret=x",
        "needs database.tls.caSecret.name",
    ),
    (
        "database.mode=external,database.external.existingSecret=x,database.tls.mode=require,database.cnpg.adopt=true",
        "adopt has no effect here",
    ),
    ("database.runtimeUser=chartroom", "are the same role"),
    ("database.cnpg.synchronous.number=3", "only 2 standbys"),
    ("terminationGracePeriodSeconds=20", "set at least 30"),
    ("provision.timeout=5m", "set at most 230s"),
    ("drain.delaySeconds=25", "leaves no time"),
    (
        "autoscaling.enabled=true,autoscaling.min=9",
        "autoscaling.min is above autoscaling.max",
    ),
    ("worker.replica=3", "'replica' not allowed"),
    ("worker.replicas=-1", "/worker/replicas"),
    ("worker.settings.LOG=debug", "LOG"),
    (
        "worker.enabled=true,worker.settings.CHARTROOM_JOBS=off",
        "worker.settings.CHARTROOM_JOBS: the chart sets it itself",
    ),
    (
        "worker.enabled=true,serviceAccount.create=false,worker.serviceAccount.create=false",
        "workers must not have its right",
    ),
    ("ingress.enabled=true", "needs ingress.hosts"),
    ("httpRoute.enabled=true", "needs httpRoute.parentRefs"),
];

#[test]
fn what_cannot_work_is_refused_and_the_message_says_what() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    for (set, expected) in REFUSED {
        let Err(said) = helm.template(&["--set", set]) else {
            panic!("accepted: {set}");
        };
        assert!(said.contains(expected), "{set}: {said}");
        assert!(said.lines().count() < 10, "{said}");
    }
    helm.template(&["--set", "replicas=3,metrics.prometheusRule.enabled=true"])
        .unwrap();
}

/// Notes are shown by `install` alone; a client-side dry run needs no cluster.
#[test]
fn the_notes_say_where_the_data_lives_and_what_survives() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    for (file, expected) in [
        ("hook.yaml", "`helm uninstall` does not touch it"),
        ("manifest.yaml", "an object of this release that Helm keeps"),
        (
            "manifest-small.yaml",
            "One role owns the database and serves the API",
        ),
        ("external.yaml", "outside this release"),
        (
            "hook-small.yaml",
            "One instance: while its pod or node is away",
        ),
        (
            "hook-full.yaml",
            "Chartroom is at https://chartroom.example.org",
        ),
        ("gateway.yaml", "Nobody can register"),
        (
            "external-fields.yaml",
            "Who is invited to a project by mail can register",
        ),
    ] {
        let notes = helm.notes(file);
        assert!(notes.contains(expected), "{file}: {notes}");
    }
}
