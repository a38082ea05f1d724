"""A model in the cluster: uploaded, checked and asked through the container beside the API, and what an upgrade costs."""

import json
import os
import time
from pathlib import Path

from kube import need, pod, until
from load import PATIENT
from release import SMALL, Release

# It answers with twice of what it is asked.
MODEL = Path(__file__).parents[2] / "data/doubled.onnx"
QUESTION = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2.5]}]}
# Over a new connection each time, so that it meets both the old pods and the new ones.
ASK = """
import collections, json, os, time, urllib.error, urllib.request
seen, began = collections.Counter(), time.monotonic()
while not os.path.exists("/tmp/stop") and time.monotonic() - began < 300:
    headers = {{"Authorization": "Bearer {token}", "Content-Type": "application/json"}}
    request = urllib.request.Request("http://{name}/v2/models/doubled/infer", b'{question}', headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            seen[str(json.load(answer)["outputs"][0]["data"])] += 1
    except urllib.error.HTTPError as error:
        seen[f"{{error.code}} {{error.read()[:300]}}"] += 1
    except Exception as error:
        seen[repr(error)] += 1
    if sum(seen.values()) == 1:
        print("begun", flush=True)
    time.sleep(0.05)
print(json.dumps(seen))
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

    command = ["python3", "-c", ASK.format(name=release.fullname, token=token, question=json.dumps(QUESTION))]
    space.apply(pod("asking", os.environ.get("E2E_PYTHON") or "docker.io/library/python:3-slim", command))
    until("the first answer", 120, lambda: "begun" in space.kubectl("logs", "asking", check=False).stdout)
    time.sleep(3)
    release.upgrade(*values, "podAnnotations.version=next")
    # Until the old pods have drained.
    time.sleep(15)
    space.kubectl("exec", "asking", "--", "python3", "-c", "open('/tmp/stop', 'w')")
    seen = json.loads(space.pod_ends("asking", 60).strip().splitlines()[-1])
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


def upload(api, name):
    """A model of one version in production."""
    project = api.expect(201, "POST", "/api/v1/projects", {"name": f"Project of {name}"})["id"]
    api.expect(201, "POST", "/api/v1/models", {"project_id": project, "name": name})
    headers = {"Content-Type": "application/octet-stream"}
    api.expect(201, "POST", f"/api/v1/models/{name}/versions", MODEL.read_bytes(), headers)

    def checked():
        version = api.expect(200, "GET", f"/api/v1/models/{name}/versions/1")
        return version if version["state"] != "checking" else None

    version = until("the check of the model", 60, checked)
    need(version["state"] == "ready", f"the model is {version}")
    api.expect(200, "PUT", f"/api/v1/models/{name}/aliases/production", {"version": 1})
