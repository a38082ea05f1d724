"""Runners of models whose number a HorizontalPodAutoscaler makes, by the questions that wait."""

import base64
import re
import tempfile
import time
from pathlib import Path

from cases.models import PYTHON, QUESTION, asked, judge, rolled, runners, upload
from kube import need, pod, run, until
from load import PATIENT
from release import SMALL, Release
from slow_model import answer, slow_model

PROGRAM = Path(__file__).parents[1] / "adapter.py"
METRIC, GROUP = "model_questions_waiting", "v1beta1.external.metrics.k8s.io"
# A question takes about 8 ms of a processor.
COST = 8000
RIGHT = str(answer(QUESTION["inputs"][0]["data"], COST))
# Whatever they cost, all but those that are being answered wait.
CLIENTS, MOST = 24, 3
# A part of a processor for each runner, so that the machine has some left for who asks.
HELD = ["models.resources.limits.cpu=300m", "models.resources.requests.cpu=50m"]
VALUES = [
    *SMALL, *PATIENT, *HELD, "settings.CHARTROOM_MODEL_DEADLINE=15s", "models.placement=deployment",
    "networkPolicy.prometheus[0].podSelector.matchLabels.app=adapter",
    *(f"models.autoscaling.{value}" for value in [
        "enabled=true", "min=1", f"max={MOST}", "cpu=null", "behavior.scaleUp.stabilizationWindowSeconds=0",
        "behavior.scaleDown.stabilizationWindowSeconds=30", "metrics[0].type=External", f"metrics[0].external.metric.name={METRIC}",
        "metrics[0].external.target.type=AverageValue", "metrics[0].external.target.averageValue=4"]),
]


def scaled(space):
    """runners are scaled 1, 3, 1 by the questions that wait; one killed fails what it held at most; an upgrade of the API under load fails none"""
    release = Release(space)
    release.install(*VALUES)
    rolled(release)
    adapt(release)
    scaler = Scaler(release)
    with release.api() as api:
        api.register()
        upload(api, "slow", slow_model(COST))
        token = api.token

    # One client never waits for another: it is load, and no queue.
    with asked(release, token, "slow") as seen:
        until("a value of the metric", 120, scaler.value)
        time.sleep(35)
        need(scaler.sizes() == [] and len(runners(space)) == 1, f"without a queue there are {len(runners(space))} runners: {scaler.events()}")
    judge("one client and one runner", seen, 0, RIGHT)

    began = time.monotonic()
    with asked(release, token, "slow", clients=CLIENTS) as seen:
        until(f"{MOST} runners", 180, lambda: scaler.ready() == MOST)
        print(f"{time.monotonic() - began:6.0f} s  from {CLIENTS} clients to {MOST} runners, at {scaler.value()} waiting for each", flush=True)
        all_used(release)
    judge(f"{CLIENTS} clients, from 1 runner to {MOST}", seen, 0, RIGHT)
    need(any(METRIC in event and "above target" in event for event in scaler.events()), f"what scaled the runners is {scaler.events()}")

    with asked(release, token, "slow", clients=CLIENTS) as seen:
        killed = runners(space)[0]
        held = processes(release, killed)
        need(held > 0, f"{killed} holds no model, so that its end would show nothing")
        space.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
        time.sleep(3)
        until(f"{MOST} runners again", 120, lambda: scaler.ready() == MOST)
        all_used(release)
    judge(f"{killed} killed, which held {held}", seen, held, RIGHT)

    before = {pod["metadata"]["name"] for pod in release.pods()}
    with asked(release, token, "slow", clients=CLIENTS) as seen:
        release.upgrade(*VALUES, "podAnnotations.version=next")
        until("the end of the old pods", 120, lambda: not before & {pod["metadata"]["name"] for pod in release.pods()})
        until(f"{MOST} runners", 120, lambda: scaler.ready() == MOST)
        all_used(release)
    judge("an upgrade of the API", seen, 0, RIGHT)

    began = time.monotonic()
    until("one runner", 240, lambda: scaler.ready() == 1 and len(runners(space)) == 1)
    print(f"{time.monotonic() - began:6.0f} s  from the last question to one runner, by {scaler.sizes()}", flush=True)
    with asked(release, token, "slow") as seen:
        time.sleep(5)
    judge("one client and one runner again", seen, 0, RIGHT, least=10)


def wider(space):
    """two runners that are held to 0.4 of a processor each answer at least 1.8 times as many questions as one"""
    release = Release(space)
    values = [*SMALL, *PATIENT, "settings.CHARTROOM_MODEL_DEADLINE=15s", "models.placement=deployment", "models.resources.limits.cpu=400m"]
    release.install(*values, "models.replicas=1")
    rolled(release)
    # Long enough that who asks is no part of what is measured.
    cost = 2 * COST
    right = str(answer(QUESTION["inputs"][0]["data"], cost))
    with release.api() as api:
        api.register()
        upload(api, "slow", slow_model(cost))
        token = api.token
    rates = []
    for number in [1, 2]:
        release.upgrade(*values, f"models.replicas={number}")
        rolled(release)
        until(f"{number} runners", 120, lambda: len(runners(space)) == number)
        with asked(release, token, "slow", clients=16) as seen:
            all_used(release)
            time.sleep(5)
            rates.append(rate(release))
        judge(f"{number} of 2 runners, {rates[-1]:.1f} answers a second", seen, 0, right)
    print(f"        two runners are {rates[1] / rates[0]:.2f} times one", flush=True)
    need(rates[1] >= 1.8 * rates[0], f"one runner answers {rates[0]:.1f} questions a second, two answer {rates[1]:.1f}")


class Scaler:
    """The runners' HorizontalPodAutoscaler."""

    def __init__(self, release):
        self.space, self.name = release.space, f"{release.fullname}-runner"

    def value(self):
        """What waits for each runner, as the last look at it found; None where it could not be found."""
        status = self.space.get("horizontalpodautoscaler", self.name).get("status", {})
        active = [condition["status"] for condition in status.get("conditions", []) if condition["type"] == "ScalingActive"]
        current = [metric["external"]["current"] for metric in status.get("currentMetrics") or [] if metric["type"] == "External"]
        return current[0]["averageValue"] if active == ["True"] and current else None

    def ready(self):
        """Runners that are there, where as many are wanted."""
        deployment = self.space.get("deployment", self.name)
        ready = deployment["status"].get("readyReplicas", 0)
        return ready if deployment["spec"]["replicas"] == ready else None

    def events(self):
        """What it says of each change, in their order."""
        which = f"involvedObject.name={self.name},reason=SuccessfulRescale"
        found = self.space.items("events", "--field-selector", which, "--sort-by=.lastTimestamp")
        return [event["message"] for event in found]

    def sizes(self):
        return [int(re.search(r"New size: (\d+)", event)[1]) for event in self.events()]


def all_used(release):
    """The model runs in each of the runners."""
    until("the model in each runner", 120, lambda: all(processes(release, name) > 0 for name in runners(release.space)))


def processes(release, runner):
    """Models that run there."""
    with release.api("metrics", target=f"pod/{runner}") as api:
        return int(re.search(r"^runner_models (\d+)$", api.expect(200, "GET", "/metrics"), re.M)[1])


def rate(release, within=20):
    """Answers a second, as the API counts them."""
    def counted():
        with release.api("metrics") as api:
            text = api.expect(200, "GET", "/metrics")
            return time.monotonic(), sum(map(int, re.findall(r'^model_requests_total\{.*outcome="answered".*\} (\d+)$', text, re.M)))

    since, before = counted()
    time.sleep(within)
    now, after = counted()
    return (after - before) / (now - since)


def adapt(release):
    """The API of external metrics, by a pod without any right."""
    space = release.space
    there = run("kubectl", "get", "apiservice", GROUP, "--ignore-not-found").stdout
    need(not there, f"this cluster has a metrics adapter already, and the case would take its place: {there}")
    with tempfile.TemporaryDirectory() as folder:
        host, files = f"adapter.{space.name}.svc", [f"{folder}/tls.crt", f"{folder}/tls.key"]
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={host}",
            "-addext", f"subjectAltName=DNS:{host}", "-out", files[0], "-keyout", files[1])
        space.kubectl("create", "secret", "tls", "adapter", f"--cert={files[0]}", f"--key={files[1]}")
        authority = base64.b64encode(Path(files[0]).read_bytes()).decode()
    space.kubectl("create", "configmap", "adapter", f"--from-file={PROGRAM}")
    labels = {"app.kubernetes.io/name": "chartroom", "app.kubernetes.io/instance": release.name, "app.kubernetes.io/component": "api"}
    adapter = pod(
        "adapter", PYTHON, ["python3", "/program/adapter.py", METRIC, f"api-pods.{space.name}.svc", "/tls"],
        volumes=[{"name": "program", "configMap": {"name": "adapter"}}, {"name": "tls", "secret": {"secretName": "adapter", "defaultMode": 0o440}}],
        container={
            "volumeMounts": [{"name": name, "mountPath": f"/{name}", "readOnly": True} for name in ["program", "tls"]],
            "readinessProbe": {"httpGet": {"path": "/apis/external.metrics.k8s.io/v1beta1", "port": 8443, "scheme": "HTTPS"}, "periodSeconds": 2},
        },
    )
    adapter["metadata"]["labels"] = {"app": "adapter"}
    # By which Kubernetes gives the files to a user that is not root.
    adapter["spec"]["securityContext"]["fsGroup"] = 65532
    space.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api-pods"},
         "spec": {"clusterIP": "None", "selector": labels, "ports": [{"port": 9090}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "adapter"},
         "spec": {"selector": {"app": "adapter"}, "ports": [{"port": 443, "targetPort": 8443}]}},
        adapter,
        # Whoever deletes the namespace deletes this before.
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": GROUP},
         "spec": {"group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                  "caBundle": authority, "service": {"name": "adapter", "namespace": space.name}}},
    )
    space.kubectl("wait", "--for=condition=Ready", "pod/adapter", "--timeout=90s")
    run("kubectl", "wait", "--for=condition=Available", f"apiservice/{GROUP}", "--timeout=90s")
