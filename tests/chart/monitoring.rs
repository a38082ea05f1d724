//! Alerts and dashboard: every metric in them is one that the program has, every alert fires and
//! has a runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::helm::{FULLNAME, Helm, Object, case, chart};
use crate::process::{TempDir, installed, or_skip};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What Prometheus adds to everything that the chart's monitors find.
const OF_A_TARGET: [&str; 4] = ["namespace", "service", "pod", "container"];

/// Series by name with their labels, from the list that the program's own tests compare with
/// `/metrics`.
fn series() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for line in read("tests/it/snapshots/metrics.txt")
        .lines()
        .filter(|line| !line.starts_with(' '))
    {
        let (name, rest) = line.split_once(' ').unwrap();
        let (kind, labels) = rest.split_once(' ').unwrap();
        let mut labels: BTreeSet<String> = labels
            .trim_matches(['[', ']'])
            .split(", ")
            .map(str::to_owned)
            .collect();
        labels.extend(OF_A_TARGET.map(str::to_owned));
        if kind == "histogram" {
            for suffix in ["_count", "_sum"] {
                found.insert(format!("{name}{suffix}"), labels.clone());
            }
            labels.insert("le".to_owned());
            found.insert(format!("{name}_bucket"), labels);
        } else {
            found.insert(name.to_owned(), labels);
        }
    }
    found.insert("up".to_owned(), OF_A_TARGET.map(str::to_owned).into());
    found
}

/// What an expression names that the program does not have. Each selector in it is
/// `name{label="...",...}`.
fn unknown(expression: &str, series: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut findings = Vec::new();
    let mut labels = BTreeSet::new();
    let mut selectors = 0;
    for (at, _) in expression.match_indices('{') {
        let before = &expression[..at];
        let name = &before[before.rfind(|c| !word(c)).map_or(0, |i| i + 1)..];
        let (matchers, _) = expression[at + 1..].split_once('}').unwrap();
        let Some(known) = series.get(name) else {
            findings.push(format!("metric {name:?}"));
            continue;
        };
        selectors += 1;
        labels.extend(known.iter().cloned());
        for matcher in matchers.split(',') {
            let label = matcher.split(['=', '!']).next().unwrap();
            if !known.contains(label) {
                findings.push(format!("label {label:?} of {name}"));
            }
        }
    }
    for grouping in expression.split("by (").skip(1) {
        let (names, _) = grouping.split_once(')').unwrap();
        findings.extend(
            names
                .split(", ")
                .filter(|name| !labels.contains(*name))
                .map(|name| format!("label {name:?}")),
        );
    }
    if selectors == 0 {
        findings.push("no metric at all".to_owned());
    }
    findings
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("expr").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| expressions(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn a_metric_or_label_that_is_not_there_is_noticed() {
    let series = series();
    assert!(unknown("sum by (pod) (chartroom_ready{pod=\"a\"})", &series).is_empty());
    assert!(
        unknown(
            "rate(http_server_request_duration_seconds_bucket{le=\"1\",status=\"5xx\"}[5m])",
            &series
        )
        .is_empty()
    );
    for wrong in [
        "chartroom_reddy{pod=\"a\"}",
        "chartroom_ready{status=\"5xx\"}",
        "sum by (route) (chartroom_ready{pod=\"a\"})",
        "chartroom_ready_count{pod=\"a\"}",
        "http_server_request_duration_seconds{pod=\"a\"}",
        "vector(1)",
    ] {
        assert!(!unknown(wrong, &series).is_empty(), "{wrong}");
    }
}

#[test]
fn every_panel_of_the_dashboard_shows_a_metric_of_the_program() {
    let dashboard: Value = serde_json::from_str(
        &fs::read_to_string(chart().join("dashboards/chartroom.json")).unwrap(),
    )
    .unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 15);
    let series = series();
    for expression in &found {
        assert_eq!(
            unknown(expression, &series),
            Vec::<String>::new(),
            "{expression}"
        );
    }
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(panel["type"] == "row" || !panel["targets"].as_array().unwrap().is_empty());
    }
    let uses = |prefix: &str| found.iter().any(|expression| expression.contains(prefix));
    let has_panel = |name: &&String| {
        ["job", "chartroom_mail"]
            .iter()
            .any(|it| name.starts_with(it))
    };
    for name in series.keys().filter(has_panel) {
        let is_shown = uses(name.trim_end_matches("_sum").trim_end_matches("_count"));
        assert!(is_shown, "{name} is on no panel");
    }
    if let Some(case) = case("hook.yaml") {
        let map = case.one("ConfigMap", &format!("{FULLNAME}-dashboard"));
        assert_eq!(map.at("/metadata/labels/grafana_dashboard"), "1");
        let rendered: Value = serde_json::from_str(map.text("/data/demo-chartroom.json")).unwrap();
        assert!(rendered == dashboard);
    }
}

fn alerts(rule: &Object) -> Vec<&Value> {
    rule.at("/spec/groups/0/rules")
        .as_array()
        .unwrap()
        .iter()
        .collect()
}

#[test]
fn every_alert_watches_a_metric_of_the_program_and_has_a_runbook() {
    let Some(case) = case("hook.yaml") else {
        return;
    };
    let alerts = alerts(case.one("PrometheusRule", FULLNAME));
    assert!(alerts.len() > 8);
    let series = series();
    let runbooks = read("docs/RUNBOOKS.md");
    for alert in &alerts {
        let name = alert["alert"].as_str().unwrap();
        let expression = alert["expr"].as_str().unwrap();
        assert_eq!(
            unknown(expression, &series),
            Vec::<String>::new(),
            "{expression}"
        );
        assert_eq!(
            expression.matches('{').count(),
            expression
                .matches("{namespace=\"ns\",service=\"demo-chartroom\"")
                .count(),
            "another release's series count: {expression}"
        );
        let url = alert["annotations"]["runbook_url"].as_str().unwrap();
        assert!(
            url.ends_with(&format!("/docs/RUNBOOKS.md#{}", name.to_lowercase())),
            "{url}"
        );
        assert!(
            runbooks.contains(&format!("\n## {name}\n")),
            "no runbook for {name}"
        );
        assert!(["critical", "warning"].contains(&alert["labels"]["severity"].as_str().unwrap()));
    }
    assert_eq!(
        runbooks.matches("\n## Chartroom").count(),
        alerts.len(),
        "a runbook for no alert"
    );
}

/// tests/chart/alerts.yaml holds, per alert, series that raise it and series that do not.
#[test]
fn every_alert_fires_and_stays_silent_as_promtool_sees_it() {
    let Some(promtool) = or_skip("promtool", installed("promtool", &[])) else {
        return;
    };
    let Some(case) = case("hook.yaml") else {
        return;
    };
    let rule = case.one("PrometheusRule", FULLNAME);
    let dir = TempDir::new("promtool").unwrap();
    // JSON is YAML.
    fs::write(dir.0.join("rules.yaml"), rule.at("/spec").to_string()).unwrap();
    let tests = read("tests/chart/alerts.yaml");
    fs::write(dir.0.join("tests.yaml"), &tests).unwrap();
    let run = |arguments: [&str; 3]| {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(&dir.0)
            .output()
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.success(), said)
    };
    let (sound, said) = run(["check", "rules", "rules.yaml"]);
    assert!(sound, "{said}");
    let (sound, said) = run(["test", "rules", "tests.yaml"]);
    assert!(sound, "{said}");

    let parsed: Value = serde_saphyr::from_str(&tests).unwrap();
    let mut seen: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for check in parsed["tests"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|test| test["alert_rule_test"].as_array().unwrap())
    {
        let fires = check["exp_alerts"]
            .as_array()
            .is_some_and(|alerts| !alerts.is_empty());
        seen.entry(check["alertname"].as_str().unwrap())
            .or_default()[usize::from(fires)] = true;
    }
    for alert in alerts(rule) {
        assert_eq!(
            seen.get(alert["alert"].as_str().unwrap()),
            Some(&[true, true]),
            "{}",
            alert["alert"]
        );
    }

    // The control: the same tests against rules of which none can hold.
    let never = rule
        .at("/spec")
        .to_string()
        .replace("\"expr\":\"", "\"expr\":\"vector(0) == 1 and ");
    fs::write(dir.0.join("rules.yaml"), never).unwrap();
    assert!(!run(["test", "rules", "tests.yaml"]).0);
}

#[test]
fn auto_follows_what_the_cluster_announces() {
    let Some(helm) = Helm::find("helm") else {
        return;
    };
    let monitors = |arguments: &[&str]| {
        let objects = helm.template(arguments).unwrap();
        let mut kinds: Vec<String> = objects
            .iter()
            .map(|o| o.kind().to_owned())
            .filter(|kind| {
                ["ServiceMonitor", "PodMonitor", "PrometheusRule"].contains(&kind.as_str())
            })
            .collect();
        kinds.sort();
        kinds.join(" ")
    };
    assert_eq!(monitors(&[]), "");
    assert_eq!(
        monitors(&["--api-versions", "monitoring.coreos.com/v1/ServiceMonitor"]),
        "ServiceMonitor"
    );
    assert_eq!(
        monitors(&[
            "--api-versions",
            "monitoring.coreos.com/v1/PodMonitor,monitoring.coreos.com/v1/PrometheusRule"
        ]),
        "PodMonitor PrometheusRule"
    );
    assert_eq!(
        monitors(&[
            "--api-versions",
            "monitoring.coreos.com/v1/ServiceMonitor",
            "--set",
            "metrics.serviceMonitor.enabled=false"
        ]),
        ""
    );
}
