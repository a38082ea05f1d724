"""A real Prometheus, with the release's own rules: it has what dashboard and alerts ask for, and wakes somebody when the database is
gone. What it scrapes is told to it as the ServiceMonitor says, so that no Prometheus operator is needed; where there is one,
`discovered` shows that it takes the release's objects into its configuration."""

import base64
import gzip
import json
import os
import re
import time
import urllib.parse
from pathlib import Path

from kube import CHART, need, pod, run, until
from load import PATIENT, load
from release import SMALL, Release, rendered

# Not one of the alerts that the missing database has to fire waits longer than a test can.
SOON = [f"metrics.prometheusRule.for.{alert}=5s" for alert in ["ChartroomNotReady", "ChartroomDatabaseFailing"]]
MONITORED = [f"metrics.{what}.enabled=true" for what in ["serviceMonitor", "prometheusRule", "dashboard"]]
# They have no value before their first event, which is a failure.
RARE = {"http_server_connections_cut_total", "database_read_fallbacks_total", "http_server_requests_shed_total"}
WORDS = {"sum", "min", "max", "count", "rate", "increase", "topk", "time", "absent", "histogram_quantile", "by", "min_over_time"}


def monitoring(space):
    """Prometheus: target up, dashboard and alerts have their families; a fenced database fires the right alerts"""
    release = Release(space)
    release.install(*SMALL, *PATIENT, "metrics.dashboard.enabled=true")
    monitor, rule = rendered(space, ["servicemonitor", "prometheusrule"], *SMALL, *SOON, *MONITORED)
    start(space, release, monitor, rule)
    target = f'namespace="{space.name}",service="{release.fullname}"'
    dashboard = space.get("configmap", f"{release.fullname}-dashboard")["data"][f"{release.fullname}.json"]
    need(json.loads(dashboard) == json.loads(Path(CHART, "dashboards/chartroom.json").read_text()), "the dashboard is not the chart's")

    with load(release, per_second=10) as load_:
        until("the scraped API", 180, lambda: query(space, f"up{{{target}}} == 1"), every=2)
        rules = until("the rules", 180, lambda: rules_of(space), every=2)
        # Until `rate` has two samples.
        time.sleep(15)
        families = set(re.findall(r'"expr": "((?:[^"\\]|\\.)*)"', dashboard)) | {rule["query"] for rule in rules}
        names = {name for expression in families for name in re.findall(r"\b([a-z_]{4,})(?=\{|\\?\[|\s*\{)", expression)} - WORDS
        need(len(names) > 15, f"only {names} were found in dashboard and alerts")
        missing = {name for name in names if not query(space, f"count({name}{{{target}}})")}
        need(missing <= RARE, f"Prometheus has nothing of {sorted(missing - RARE)}")
        print(f"        {len(names)} families; without a value yet: {sorted(missing)}")
        for rule in rules:
            need(rule["health"] == "ok", f"{rule['name']} cannot be evaluated: {rule.get('lastError')}")
        need(firing(space) == set(), f"alerts of a release that works: {firing(space)}")

        space.kubectl("annotate", "cluster", release.cluster, 'cnpg.io/fencedInstances=["*"]')
        began, wanted = time.monotonic(), {"ChartroomNotReady", "ChartroomDatabaseFailing"}
        until(f"the alerts {wanted}", 240, lambda: wanted <= firing(space), every=2)
        print(f"{time.monotonic() - began:6.0f} s  from the end of the database to {sorted(wanted)}")
        need("ChartroomDown" not in firing(space), "ChartroomDown fires although the pods answer")
        # The probe's gate: the pod stays in the Service, and clients get a clean answer.
        need(all(condition["status"] == "True" for pod in release.pods() for condition in pod["status"]["conditions"] if condition["type"] == "Ready"),
             "a pod left the Service because of the database")
        space.kubectl("annotate", "cluster", release.cluster, "cnpg.io/fencedInstances-")
        until("the end of ChartroomNotReady", 240, lambda: "ChartroomNotReady" not in firing(space), every=2)
    load_.kept()
    unclean = set(load_.report["outcomes"]) - {"200", "201", "503"}
    need(not unclean, f"clients were not answered 503, but {unclean}: {load_.report['first_failures']}")


def discovered(space):
    """a Prometheus operator takes ServiceMonitor, PodMonitor and rules into the configuration of its Prometheus"""
    found = run("kubectl", "get", "prometheuses.monitoring.coreos.com", "--all-namespaces", "--output", "json", check=False)
    servers = json.loads(found.stdout)["items"] if found.returncode == 0 else []
    need(servers, "this cluster has no Prometheus that an operator makes")
    home, name = servers[0]["metadata"]["namespace"], servers[0]["metadata"]["name"]
    release = Release(space)
    release.install(*SMALL, "metrics.serviceMonitor.enabled=true", "metrics.prometheusRule.enabled=true", "database.cnpg.podMonitor.enabled=true")

    def configured():
        packed = run("kubectl", "--namespace", home, "get", "secret", f"prometheus-{name}", "--output", "jsonpath={.data.prometheus\\.yaml\\.gz}").stdout
        return gzip.decompress(base64.b64decode(packed)).decode()

    for job in [f"serviceMonitor/{space.name}/{release.fullname}/0", f"podMonitor/{space.name}/{release.cluster}/0"]:
        until(f"the job {job}", 180, lambda job=job: f"job_name: {job}" in configured(), every=2)

    def ruled():
        kept = run("kubectl", "--namespace", home, "get", "configmaps", "--selector", f"prometheus-name={name}", "--output", "json").stdout
        return any(
            space.name in file and "ChartroomDatabaseFailing" in text for item in json.loads(kept)["items"] for file, text in item["data"].items())

    until("the rules", 180, ruled, every=2)


def start(space, release, monitor, rule):
    """A Prometheus in the release's namespace."""
    service = space.get("service", release.fullname)
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    need(wanted <= service["metadata"]["labels"].items(), f"the ServiceMonitor selects {wanted}, which the Service is not")
    endpoint = monitor["spec"]["endpoints"][0]
    port = {port["name"]: port["port"] for port in service["spec"]["ports"]}[endpoint["port"]]
    labels = {"namespace": space.name, "service": release.fullname, "pod": release.pods()[0]["metadata"]["name"]}
    config = {
        "global": {"scrape_interval": "5s", "scrape_timeout": "4s", "evaluation_interval": "5s"},
        "rule_files": ["/etc/prometheus/rules.json"],
        "scrape_configs": [{
            "job_name": "api",
            "metrics_path": endpoint["path"],
            "static_configs": [{"targets": [f"{release.fullname}:{port}"], "labels": labels}],
        }],
    }
    # JSON is YAML, too.
    space.apply({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "prometheus"},
        "data": {"config.json": json.dumps(config), "rules.json": json.dumps(rule["spec"])},
    })
    space.apply(pod(
        "prometheus", os.environ.get("E2E_PROMETHEUS") or "docker.io/prom/prometheus:v2.42.0",
        ["/bin/prometheus", "--config.file=/etc/prometheus/config.json", "--storage.tsdb.path=/tmp/prometheus"],
        volumes=[{"name": "config", "configMap": {"name": "prometheus"}}],
        container={"volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}]},
    ))
    space.kubectl("wait", "pod/prometheus", "--for=condition=Ready", "--timeout=120s", timeout=140)


def ask(space, path):
    answer = space.kubectl("get", "--raw", f"/api/v1/namespaces/{space.name}/pods/prometheus:9090/proxy/api/v1/{path}", check=False)
    # It answers a moment after its pod is there.
    if answer.returncode != 0:
        return {}
    return json.loads(answer.stdout)["data"]


def query(space, expression):
    return ask(space, f"query?query={urllib.parse.quote(expression)}").get("result")


def rules_of(space):
    rules = [rule for group in ask(space, "rules?type=alert").get("groups", []) for rule in group["rules"]]
    return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


def firing(space):
    return {alert["labels"]["alertname"] for alert in ask(space, "alerts").get("alerts", []) if alert["state"] == "firing"}
