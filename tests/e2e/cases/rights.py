"""What the ServiceAccounts of a release may do, judged by the API server."""

import json
import re
from pathlib import Path

from kube import need
from release import rendered

SNAPSHOT = Path(__file__).parents[1] / "rights.txt"


def rights(space):
    """rights of the API, of workers and of the hook as rights.txt has them; apply makes what is named, and nothing else"""
    # The hook's are there only while it runs, so they are made from the same templates.
    templates = ["serviceaccount", "worker/serviceaccount", "clusterrole", "hooks/serviceaccount", "hooks/role", "hooks/rolebinding"]
    space.apply(*rendered(space, templates, "worker.enabled=true"))

    nothing = rules(space, "nobody")
    found = ""
    for account in ["demo-chartroom", "demo-chartroom-worker", "demo-chartroom-provision"]:
        beyond = sorted(rules(space, account) - nothing) or ["nothing"]
        found += f"{account}\n" + "".join(f"    {rule}\n" for rule in beyond)
    need(found == SNAPSHOT.read_text(), f"the rights are not those of {SNAPSHOT.name}, but:\n{found}")

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo-chartroom-db"}, "stringData": {"password": "x"}}
    cluster = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "demo-chartroom-pg"},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}},
    }
    answers(201, space, secret)
    answers(200, space, secret)
    # Without effect, or a database would start.
    answers(201, space, cluster, "--dry-run=server")
    for object in (secret, cluster):
        answers(403, space, {**object, "metadata": {"name": "other"}})
    space.kubectl("create", "secret", "generic", "other", "--from-literal=a=b")
    for forbidden in [
        ["create", "secret", "generic", "demo-chartroom-db-app"],
        ["get", "secret", "other"],
        ["get", "secrets"],
        ["get", "clusters"],
        ["get", "pods"],
        ["delete", "secret", "demo-chartroom-db"],
        ["delete", "cluster", "demo-chartroom-pg"],
    ]:
        done = space.kubectl(*forbidden, "--as", user(space, "demo-chartroom-provision"), check=False)
        need("forbidden" in done.stderr.lower(), f"the hook may {' '.join(forbidden)}: {done.stdout}{done.stderr}")


def user(space, account):
    return f"system:serviceaccount:{space.name}:{account}"


def rules(space, account):
    """Lines of `kubectl auth can-i --list`: resource, path, name, verbs."""
    listed = space.kubectl("auth", "can-i", "--list", "--as", user(space, account)).stdout.splitlines()[1:]
    return {" ".join(line.split()) for line in listed}


def answers(status, space, object, *how):
    done = space.kubectl(
        "apply", "--server-side", "--validate=false", "-v=6", "--as", user(space, "demo-chartroom-provision"), *how, "-f", "-",
        stdin=json.dumps(object), check=False)
    came = re.findall(r'verb="PATCH".*?status="(\d+)', done.stderr) or re.findall(r"PATCH \S+ (\d+)", done.stderr)
    what = f"{object['kind']} {object['metadata']['name']}"
    need(came[-1:] == [str(status)], f"apply of the {what} answered {came}, not {status}: {done.stderr[-1500:]}")
