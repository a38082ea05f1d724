"""The load client in its pod: started beside what a case does, judged afterwards."""

import contextlib
import json
import os
from pathlib import Path

from kube import need, pod, until

PROGRAM = Path(__file__).with_name("client.py")
# What is judged is whether a request is lost on its way, not how quick the machine under the cluster is.
PATIENT = [f"settings.CHARTROOM_{name}" for name in [
    "REQUEST_DEADLINE=20s", "DATABASE_DEADLINE=15s", "DATABASE_WAIT=10s", "DATABASE_CONNECT_TIMEOUT=10s",
]]


class Load:
    """What the client saw, once it has ended."""

    report = None

    def clean(self):
        report = self.report
        need(report["failures"] == 0, f"{report['failures']} of {report['planned']} requests failed: {json.dumps(report['first_failures'])}")
        need(report["again_over_a_new_connection"] == 0, f"kept connections ended without notice: {report}")
        self.kept()

    def kept(self):
        report = self.report
        need(report["acknowledged"] > 0, "no write was acknowledged")
        need(report["lost"] == 0, f"{report['lost']} acknowledged writes are lost: {report['first_lost']}")
        need(report["twice"] == 0, f"{report['twice']} writes are there twice")


@contextlib.contextmanager
def load(release, per_second=20, seconds=600, insist=False):
    """Through the Service, while the body runs."""
    space, name, result = release.space, f"load-{release.name}", Load()
    space.kubectl("delete", "pod,configmap", name, "--ignore-not-found")
    space.kubectl("create", "configmap", name, f"--from-file=client.py={PROGRAM}")
    command = ["python3", "/client/client.py", f"http://{release.fullname}", str(per_second), str(seconds)]
    space.apply(pod(
        name, os.environ.get("E2E_PYTHON") or "docker.io/library/python:3-slim", command + (["--insist"] if insist else []),
        volumes=[{"name": "client", "configMap": {"name": name}}],
        container={"volumeMounts": [{"name": "client", "mountPath": "/client"}], "env": [{"name": "PYTHONDONTWRITEBYTECODE", "value": "1"}]},
    ))
    until("the load client", 120, lambda: "begun" in space.kubectl("logs", name, check=False).stdout)
    yield result
    space.kubectl("exec", name, "--", "python3", "-c", "open('/tmp/stop', 'w')")
    result.report = json.loads(space.pod_ends(name, 240).strip().splitlines()[-1])
    shown = {key: value for key, value in result.report.items() if not key.startswith("first_")}
    print(f"        {json.dumps(shown)}", flush=True)
