"""A real Prometheus finds the release, has what dashboard and alerts ask for, and wakes somebody when the database is gone."""

import json
import os
import re
import time
import urllib.parse
from pathlib import Path

from kube import CHART, need, run, until
from load import load
from release import SMALL, Release

# Where the API server reaches it: NAMESPACE/SERVICE:PORT.
PROMETHEUS = os.environ.get("E2E_PROMETHEUS", "monitoring/prometheus-operated:9090")
QUICK = ["metrics.serviceMonitor.interval=5s", "metrics.serviceMonitor.scrapeTimeout=4s", "metrics.dashboard.enabled=true"]
# Not one of the alerts that the missing database has to fire waits longer than a test can.
SOON = [f"metrics.prometheusRule.for.{alert}=5s" for alert in ["ChartroomNotReady", "ChartroomDatabaseFailing"]]
# They have no value before their first event, which is a failure.
RARE = {"http_server_connections_cut_total", "database_read_fallbacks_total", "http_server_requests_shed_total"}
WORDS = {"sum", "min", "max", "count", "rate", "increase", "topk", "time", "absent", "histogram_quantile", "by", "min_over_time"}


def monitoring(space):
    """Prometheus: target up, dashboard and alerts have their families; a fenced database fires the right alerts"""
    release = Release(space)
    release.install(*SMALL, *QUICK, *SOON)
    target = f'namespace="{space.name}",service="{release.fullname}"'
    dashboard = space.get("configmap", f"{release.fullname}-dashboard")["data"][f"{release.fullname}.json"]
    need(json.loads(dashboard) == json.loads(Path(CHART, "dashboards/chartroom.json").read_text()), "the dashboard is not the chart's")

    with load(release, per_second=10) as load_:
        until("the scraped API", 180, lambda: query(f"up{{{target}}} == 1"), every=2)
        until("the scraped database", 180, lambda: query(f'up{{namespace="{space.name}",pod="{release.cluster}-1"}} == 1'), every=2)
        rules = until("the rules", 180, lambda: rules_of(space), every=2)
        # Until `rate` has two samples.
        time.sleep(15)
        families = set(re.findall(r'"expr": "((?:[^"\\]|\\.)*)"', dashboard)) | {rule["query"] for rule in rules}
        names = {name for expression in families for name in re.findall(r"\b([a-z_]{4,})(?=\{|\\?\[|\s*\{)", expression)} - WORDS
        need(len(names) > 15, f"only {names} were found in dashboard and alerts")
        missing = {name for name in names if not query(f"count({name}{{{target}}})")}
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


def ask(path):
    namespace, service = PROMETHEUS.split("/")
    answer = json.loads(run("kubectl", "get", "--raw", f"/api/v1/namespaces/{namespace}/services/{service}/proxy/api/v1/{path}").stdout)
    need(answer["status"] == "success", f"Prometheus refuses {path}: {answer}")
    return answer["data"]


def query(expression):
    return ask(f"query?query={urllib.parse.quote(expression)}")["result"]


def rules_of(space):
    groups = ask("rules?type=alert")["groups"]
    rules = [rule for group in groups for rule in group["rules"] if group["name"].startswith(f"{space.name}/")]
    return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


def firing(space):
    return {
        alert["labels"]["alertname"] for alert in ask("alerts")["alerts"]
        if alert["labels"].get("namespace") == space.name and alert["state"] == "firing" and alert["labels"]["alertname"].startswith("Chartroom")
    }
