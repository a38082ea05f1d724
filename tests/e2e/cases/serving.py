"""A release that serves: clients in the cluster, and an upgrade and other numbers of pods while they work."""

import os
import time

from kube import HELM, need, pod, run
from load import PATIENT, load
from release import SMALL, Release

# Without anything but a shell's means, as `curl` in a pod would: by the Service's name, from another namespace too.
ASK = """
import urllib.request
for host in ["{name}", "{name}.{space}", "{name}.{space}.svc.cluster.local"]:
    with urllib.request.urlopen(f"http://{{host}}/api/v1/version", timeout=20) as answer:
        assert answer.status == 200, answer.status
with urllib.request.urlopen("http://{name}:9090/metrics", timeout=20) as answer:
    assert b"chartroom_build_info" in answer.read()
try:
    urllib.request.urlopen("http://{name}/metrics", timeout=20)
except urllib.error.HTTPError as error:
    assert error.code == 404, error.code
else:
    raise SystemExit("metrics are at the port of the API")
print("done")
"""


def serving(space):
    """a plain client in a pod and helm test pass; upgrade, and 1, 3, 1 pods under load: no request fails"""
    release = Release(space)
    values = [*SMALL, *PATIENT]
    release.install(*values)
    ask = ASK.format(name=release.fullname, space=space.name)
    space.apply(pod("plain", os.environ.get("E2E_PYTHON") or "docker.io/library/python:3-slim", ["python3", "-c", ask]))
    space.pod_ends("plain", 120)
    tested = release.helm("test", "--logs", "--timeout", "3m")
    for step in ["it is ready", "signing in", "writing a post, voting, reading it, deleting it", "the account is deleted"]:
        need(f"ok: {step}" in tested.stdout, f"helm test did not say `ok: {step}`: {tested.stdout}")

    with load(release) as upgrade:
        time.sleep(5)
        release.upgrade(*values, "podAnnotations.version=next")
        time.sleep(5)
    upgrade.clean()

    with load(release) as scale:
        for replicas in [3, 1]:
            time.sleep(5)
            run(HELM, *release.command("upgrade", *values, "podAnnotations.version=next", f"replicas={replicas}"), timeout=400)
            release.ready()
        # Until the pods that are one too many have drained.
        time.sleep(20)
    scale.clean()
