"""A Prometheus that its operator made finds the release by the chart's own objects, as a user has it. It has what dashboard and alerts
ask for, and wakes somebody when the database is gone."""

import json
import re
import time
import urllib.parse
from pathlib import Path

from kube import CHART, need, run, until
from load import PATIENT, load
from release import SMALL, Release

# Not one of the alerts that the missing database has to fire waits longer than a test can.
SOON = [f"metrics.prometheusRule.for.{alert}=5s" for alert in ["ChartroomNotReady", "ChartroomDatabaseFailing"]]
MONITORED = [f"metrics.{what}.enabled=true" for what in ["serviceMonitor", "prometheusRule", "dashboard"]] + [
    "database.cnpg.podMonitor.enabled=true", "metrics.serviceMonitor.interval=5s", "metrics.serviceMonitor.scrapeTimeout=4s"]
# By route, so that they have no value before the first upload or download.
RARE = {"http_server_stream_duration_seconds_count", "http_server_stream_duration_seconds_bucket"}
WORDS = {"sum", "min", "max", "count", "rate", "increase", "topk", "time", "absent", "histogram_quantile", "by", "min_over_time"}


def monitoring(space):
    """Prometheus finds API, workers, database and alerts by their monitors; has all that the dashboard asks; a fenced database fires the right alerts"""
    prometheus = Prometheus(space)
    release = Release(space)
    began = time.monotonic()
    release.install(*SMALL, *PATIENT, *MONITORED, *SOON, "worker.enabled=true", "worker.replicas=1")
    target = f'namespace="{space.name}",service="{release.fullname}"'
    dashboard = space.get("configmap", f"{release.fullname}-dashboard")["data"][f"{release.fullname}.json"]
    need(json.loads(dashboard) == json.loads(Path(CHART, "dashboards/chartroom.json").read_text()), "the dashboard is not the chart's")

    with load(release, per_second=10) as load_:
        until("the API, by its ServiceMonitor", 240, lambda: prometheus.query(f'up{{{target},container="chartroom"}} == 1'), every=2)
        until("a worker, by its PodMonitor", 240, lambda: prometheus.query(f'up{{{target},container="worker"}} == 1'), every=2)
        looks = f'time() - jobs_looked_timestamp_seconds{{{target},container="worker"}} < 60'
        until("its look at the queue", 60, lambda: prometheus.query(looks), every=2)
        instances = f'cnpg_collector_up{{namespace="{space.name}"}}'
        until("the instance, by its PodMonitor", 240, lambda: prometheus.query(instances), every=2)
        rules = until("the rules", 240, prometheus.rules, every=2)
        print(f"{time.monotonic() - began:6.0f} s  from helm install to the first scrapes and rules")
        families = set(re.findall(r'"expr": "((?:[^"\\]|\\.)*)"', dashboard)) | {rule["query"] for rule in rules}
        names = {name for expression in families for name in re.findall(r"\b([a-z_]{4,})(?=\{|\\?\[|\s*\{)", expression)} - WORDS
        need(len(names) > 15, f"only {names} were found in dashboard and alerts")
        missing = {name for name in names if not prometheus.query(f"count({name}{{{target}}})")}
        need(missing <= RARE, f"Prometheus has nothing of {sorted(missing - RARE)}")
        print(f"        {len(names)} families; without a value yet: {sorted(missing)}")
        for rule in rules:
            need(rule["health"] == "ok", f"{rule['name']} cannot be evaluated: {rule.get('lastError')}")
        need(prometheus.firing() == set(), f"alerts of a release that works: {prometheus.firing()}")

        space.kubectl("annotate", "cluster", release.cluster, 'cnpg.io/fencedInstances=["*"]')
        began, wanted = time.monotonic(), {"ChartroomNotReady", "ChartroomDatabaseFailing"}
        until(f"the alerts {wanted}", 240, lambda: wanted <= prometheus.firing(), every=2)
        print(f"{time.monotonic() - began:6.0f} s  from the end of the database to {sorted(wanted)}")
        need("ChartroomDown" not in prometheus.firing(), "ChartroomDown fires although the pods answer")
        # The probe's gate: the pod stays in the Service, and clients get a clean answer.
        need(all(condition["status"] == "True" for pod in release.pods() for condition in pod["status"]["conditions"] if condition["type"] == "Ready"),
             "a pod left the Service because of the database")
        space.kubectl("annotate", "cluster", release.cluster, "cnpg.io/fencedInstances-")
        until("the end of ChartroomNotReady", 240, lambda: "ChartroomNotReady" not in prometheus.firing(), every=2)
    load_.kept()
    unclean = set(load_.report["outcomes"]) - {"200", "201", "503"}
    need(not unclean, f"clients were not answered 503, but {unclean}: {load_.report['first_failures']}")


class Prometheus:
    """The first that an operator made here, and what it knows of one namespace."""

    def __init__(self, space):
        found = run("kubectl", "get", "prometheuses.monitoring.coreos.com", "--all-namespaces", "--output", "json", check=False)
        servers = json.loads(found.stdout)["items"] if found.returncode == 0 else []
        need(servers, "this cluster has no Prometheus that an operator makes")
        self.home, self.namespace = servers[0]["metadata"]["namespace"], space.name

    def ask(self, path):
        proxy = f"/api/v1/namespaces/{self.home}/services/prometheus-operated:9090/proxy/api/v1/{path}"
        answer = run("kubectl", "get", "--raw", proxy, check=False)
        # It is away for a moment when it is given a new configuration.
        return json.loads(answer.stdout)["data"] if answer.returncode == 0 else {}

    def query(self, expression):
        return self.ask(f"query?query={urllib.parse.quote(expression)}").get("result")

    def rules(self):
        """The release's, once each was evaluated."""
        groups = [group for group in self.ask("rules?type=alert").get("groups", []) if self.namespace in group["file"]]
        rules = [rule for group in groups for rule in group["rules"]]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None

    def firing(self):
        alerts = self.ask("alerts").get("alerts", [])
        return {alert["labels"]["alertname"] for alert in alerts
                if alert["state"] == "firing" and alert["labels"].get("namespace") == self.namespace}
