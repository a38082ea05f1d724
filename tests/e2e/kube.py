"""kubectl and helm, waiting with an end, and the namespace that a case has for itself."""

import json
import os
import subprocess
import time
from pathlib import Path

CHART = str(Path(__file__).parents[2] / "charts/chartroom")
HELM = os.environ.get("E2E_HELM", "helm")


class Failed(Exception):
    """What a case found wrong, in a sentence."""


def need(holds, what):
    if not holds:
        raise Failed(what)


def run(*command, stdin=None, timeout=120, check=True):
    """A command with an end. Its output is text, both streams apart."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        said = (done.stderr.strip() + "\n" + done.stdout.strip()).strip()
        raise Failed(f"{' '.join(command[:6])} ... exit code {done.returncode}: {said[-3000:]}")
    return done


def until(what, within, ask, every=0.5):
    """Asks until there is an answer that counts; `within` bounds a hang, it is nothing that has to be kept."""
    end = time.monotonic() + within
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {within} s")
        time.sleep(every)


class Space:
    """A namespace under the strictest pod security."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        # One that an earlier run left.
        self.delete()
        until(f"the end of an earlier {self.name}", 300, lambda: not run("kubectl", "get", "namespace", self.name, "--ignore-not-found").stdout)
        self.apply({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self.name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        })
        return self

    def __exit__(self, kind, problem, trace):
        if problem is not None:
            self.explain()
        self.delete()

    def delete(self):
        # A namespace does not end while a part of the Kubernetes API is answered out of it, and the pod that does is gone.
        served = json.loads(run("kubectl", "get", "apiservices", "--output", "json", check=False).stdout or '{"items": []}')["items"]
        if ours := [part["metadata"]["name"] for part in served if (part["spec"].get("service") or {}).get("namespace") == self.name]:
            run("kubectl", "delete", "apiservice", *ours, check=False)
        run("kubectl", "delete", "namespace", self.name, "--wait=false", "--ignore-not-found", check=False)
        # A database would wait for its clients, for minutes.
        self.kubectl("delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false", check=False)
        # What a release has outside of it, under a name that holds the namespace's.
        shared = run("kubectl", "get", "clusterroles,clusterrolebindings", "--output", "name", check=False).stdout.split()
        if ours := [name for name in shared if f":{self.name}:" in name]:
            run("kubectl", "delete", *ours, "--wait=false", check=False)

    def kubectl(self, *arguments, **how):
        return run("kubectl", "--namespace", self.name, *arguments, **how)

    def apply(self, *objects):
        for manifest in objects:
            self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def get(self, *what):
        """One object, a list, or None where it is not there."""
        found = self.kubectl("get", *what, "--output", "json", "--ignore-not-found")
        return json.loads(found.stdout) if found.stdout.strip() else None

    def items(self, *what):
        return (self.get(*what) or {"items": []})["items"]

    def pod_ends(self, name, within):
        """The log of a pod that is to succeed."""
        def phase():
            pod = self.get("pod", name)
            return pod["status"].get("phase") if pod and pod["status"].get("phase") in ("Succeeded", "Failed") else None
        ended = until(f"the end of pod {name}", within, phase)
        log = self.kubectl("logs", name, check=False).stdout
        need(ended == "Succeeded", f"pod {name} {ended}: {log[-3000:]}")
        return log

    def psql(self, pod, statement, database="chartroom"):
        """As the database's superuser, in its own pod."""
        done = self.kubectl("exec", pod, "--container", "postgres", "--", "psql", "--no-psqlrc", "-qtA", "-v", "ON_ERROR_STOP=1", database, "-c", statement)
        return done.stdout.strip()

    def explain(self):
        """What whoever reads the failure will ask for first."""
        for what in (
            ["get", "pods,jobs,clusters.postgresql.cnpg.io,pvc,svc", "--output", "wide"],
            ["get", "events", "--sort-by=.lastTimestamp"],
            ["describe", "pods"],
        ):
            shown = self.kubectl(*what, check=False)
            print(f"---- kubectl {' '.join(what)}\n{(shown.stdout + shown.stderr)[-12000:]}", flush=True)
        names = self.kubectl("get", "pods", "--output", "name", check=False).stdout.split()
        for name in names:
            shown = self.kubectl("logs", name, "--all-containers", "--tail=60", check=False)
            print(f"---- logs of {name}\n{(shown.stdout + shown.stderr)[-8000:]}", flush=True)


def pod(name, image, command, **spec):
    """A pod as the strictest profile wants it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": name,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": command,
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                **spec.pop("container", {}),
            }],
            **spec,
        },
    }
