"""Models in the cluster: uploaded, checked and asked, beside the API and in pods of their own, and what upgrades and ends cost."""

import contextlib
import json
import os
import time
from pathlib import Path

from kube import need, pod, run, until
from load import PATIENT
from release import SMALL, Release

PYTHON = os.environ.get("E2E_PYTHON") or "docker.io/library/python:3-slim"
# It answers with twice of what it is asked.
MODEL = Path(__file__).parents[2] / "data/doubled.onnx"
QUESTION = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2.5]}]}
# Over a new connection each time, so that it meets both the old pods and the new ones.
ASK = """
import collections, json, os, threading, time, urllib.error, urllib.request
seen, began, longest, before, lock = collections.Counter(), time.monotonic(), 0, None, threading.Lock()
headers = {{"Authorization": "Bearer {token}", "Content-Type": "application/json"}}

def ask():
    request = urllib.request.Request("http://{host}/v2/models/{name}/infer", b'{question}', headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return True, str(json.load(answer)["outputs"][0]["data"])
    except urllib.error.HTTPError as error:
        return False, f"{{error.code}} {{error.read()[:300]}}"
    except Exception as error:
        return False, repr(error)

def client():
    global longest, before
    while not os.path.exists("/tmp/stop") and time.monotonic() - began < 300:
        is_answered, said = ask()
        now = time.monotonic()
        with lock:
            seen[said] += 1
            if is_answered:
                longest, before = max(longest, now - (before or now)), now
            if sum(seen.values()) == 1:
                print("begun", flush=True)
        time.sleep(0.05)

clients = [threading.Thread(target=client) for _ in range({clients})]
for each in clients:
    each.start()
for each in clients:
    each.join()
print(f"{{longest:.2f}}")
print(json.dumps(seen))
"""
# Without a certificate. Where the cluster keeps NetworkPolicies, most do not even reach the port.
STRANGER = """
import socket, ssl
try:
    plain = socket.create_connection(("{host}", 9443), 5)
except OSError as error:
    raise SystemExit(print("unreachable"))
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try:
    with context.wrap_socket(plain, server_hostname="{host}") as stream:
        stream.settimeout(10)
        stream.sendall(bytes(12))
        print("answered", stream.recv(100))
except ssl.SSLError as error:
    print("refused", error.reason)
"""


def models(space):
    """a model is uploaded and answers; an upgrade fails no question; workers check models for the API; switched off, all else works"""
    release = Release(space)
    values = [*SMALL, *PATIENT]
    release.install(*values)
    with release.api() as api:
        api.register()
        upload(api, "doubled")
        answer = api.expect(200, "POST", "/v2/models/doubled/infer", QUESTION)
        need(answer["outputs"][0]["data"] == [3, 5], f"twice of 1.5 and 2.5 is {answer}")
        token = api.token

    with asked(release, token) as seen:
        release.upgrade(*values, "podAnnotations.version=next")
        # Until the old pods have drained.
        time.sleep(15)
    seen.pop("longest")
    print(f"        during an upgrade: {seen}", flush=True)
    need(list(seen) == ["[3.0, 5.0]"] and seen["[3.0, 5.0]"] >= 100, f"questions failed during an upgrade: {seen}")

    # The API's pods do no jobs then, and checking a model is one.
    release.upgrade(*values, "worker.enabled=true", "worker.replicas=1")
    with release.api() as api:
        api.token = token
        upload(api, "checked-by-a-worker")

    release.upgrade(*values, "models.placement=off")
    with release.api() as api:
        api.token = token
        refused = api.expect(503, "POST", "/v2/models/doubled/infer", QUESTION)
        need(refused["code"] == "models-unavailable", f"models are off, and a question is answered {refused}")
        need(api.expect(200, "GET", "/api/v1/models/doubled")["name"] == "doubled", "the model is gone")
    newest = [pod for pod in release.pods() if not pod["metadata"].get("deletionTimestamp")]
    need(all("initContainers" not in pod["spec"] for pod in newest), "models are off, and a pod has something that runs them")


def apart(space):
    """models in pods of their own; runners that are killed and rolled under load cost next to no question; no certificate, no answer"""
    release = Release(space)
    values = [*SMALL, *PATIENT, "models.placement=deployment", "models.replicas=2", "worker.enabled=true", "worker.replicas=1"]
    release.install(*values)
    rolled(release)
    with release.api() as api:
        api.register()
        upload(api, "doubled")
        answer = api.expect(200, "POST", "/v2/models/doubled/infer", QUESTION)
        need(answer["outputs"][0]["data"] == [3, 5], f"twice of 1.5 and 2.5 is {answer}")
        token = api.token
    need(all("initContainers" not in pod["spec"] for pod in release.pods()), "the API has what runs models beside it as well")

    # Each of both, so that the one with the model is among them.
    with asked(release, token) as seen:
        for killed in runners(space):
            space.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
            time.sleep(3)
            rolled(release)
            time.sleep(8)
    judge("two runners killed", seen, 5)

    with asked(release, token) as seen:
        release.upgrade(*values, "models.podAnnotations.version=next")
        rolled(release)
        time.sleep(15)
    judge("the runners rolled", seen, 2)

    host = f"{release.fullname}-runner.{space.name}.svc"
    labels = {"app.kubernetes.io/name": "chartroom", "app.kubernetes.io/instance": release.name, "app.kubernetes.io/component": "worker"}
    for name, own, expected in [("known", labels, ["refused"]), ("unknown", {}, ["refused", "unreachable"])]:
        stranger = pod(name, PYTHON, ["python3", "-c", STRANGER.format(host=host)])
        stranger["metadata"]["labels"] = own
        space.apply(stranger)
        said = space.pod_ends(name, 120).strip()
        print(f"        a pod {name} to the policy, without a certificate: {said}", flush=True)
        need(said.split()[0] in expected, f"a pod {name} to the policy is {said}, not {' or '.join(expected)}")
    policy = space.get("networkpolicy", f"{release.fullname}-runner")["spec"]
    need(policy["policyTypes"] == ["Ingress", "Egress"] and not policy.get("egress"), f"runners may speak by {policy}")
    with release.api() as api:
        api.token = token
        api.expect(200, "POST", "/v2/models/doubled/infer", QUESTION)

    held = space.get("secret", f"{release.fullname}-runner-tls")
    need(set(held["data"]) == {"ca.crt", "ca.key", "server.crt", "server.key", "client.crt", "client.key"}, f"the Secret holds {set(held['data'])}")
    release.upgrade(*values)
    kept = space.get("secret", f"{release.fullname}-runner-tls")
    need(kept["data"] == held["data"], "an upgrade made other certificates")


@contextlib.contextmanager
def asked(release, token, name="doubled", clients=1):
    """A model is asked meanwhile, over and over; afterwards what came of it, and the longest time without an answer."""
    space, seen = release.space, {}
    program = ASK.format(host=release.fullname, token=token, name=name, question=json.dumps(QUESTION), clients=clients)
    command = ["python3", "-c", program]
    space.kubectl("delete", "pod", "asking", "--ignore-not-found", "--grace-period=0", "--force")
    space.apply(pod("asking", PYTHON, command))
    until("the first answer", 120, lambda: "begun" in space.kubectl("logs", "asking", check=False).stdout)
    time.sleep(3)
    yield seen
    space.kubectl("exec", "asking", "--", "python3", "-c", "open('/tmp/stop', 'w')")
    *_, longest, counted = space.pod_ends("asking", 60).strip().splitlines()
    seen.update(json.loads(counted), longest=float(longest))


def judge(what, seen, most, right="[3.0, 5.0]", least=100):
    """So many failed at most, and each with 503."""
    longest = seen.pop("longest")
    print(f"        {what}: {seen}, at most {longest} s without an answer", flush=True)
    failed = {outcome: count for outcome, count in seen.items() if outcome != right}
    need(seen.get(right, 0) >= least and sum(failed.values()) <= most, f"{what}: {seen}")
    need(all(outcome.startswith("503 ") for outcome in failed), f"{what}: {failed}")


def runners(space):
    found = space.items("pods", "--selector", "app.kubernetes.io/component=runner")
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def rolled(release):
    release.ready()
    run("kubectl", "--namespace", release.space.name, "rollout", "status", f"deployment/{release.fullname}-runner", "--timeout=240s", timeout=260)


def upload(api, name, file=MODEL.read_bytes()):
    """A model of one version in production."""
    project = api.expect(201, "POST", "/api/v1/projects", {"name": f"Project of {name}"})["id"]
    api.expect(201, "POST", "/api/v1/models", {"project_id": project, "name": name})
    headers = {"Content-Type": "application/octet-stream"}
    api.expect(201, "POST", f"/api/v1/models/{name}/versions", file, headers)

    def checked():
        version = api.expect(200, "GET", f"/api/v1/models/{name}/versions/1")
        return version if version["state"] != "checking" else None

    version = until("the check of the model", 60, checked)
    need(version["state"] == "ready", f"the model is {version}")
    api.expect(200, "PUT", f"/api/v1/models/{name}/aliases/production", {"version": 1})
