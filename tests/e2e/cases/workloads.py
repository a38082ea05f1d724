"""Clients in the cluster that call with the token of their service account."""

import os

from kube import CHART, need, until
from release import SMALL, Release

EXAMPLE = os.path.join(os.path.dirname(CHART), "../examples/in-cluster-client")
# So that what Kubernetes says of a deleted account is asked for soon.
SOON = "settings.CHARTROOM_SERVICE_ACCOUNTS_LIFETIME=1s"


def workloads(space):
    """the example, in shell, in Python and with the library, writes a post; other audiences, namespaces and deleted accounts are refused"""
    release = Release(space)
    release.install(*SMALL, SOON, f"serviceAccounts.allowedNamespaces={{{space.name}}}")
    audience, name = f"{release.fullname}.{space.name}.svc", f"k8s:{space.name}/chartroom-client"
    with release.api() as api:
        api.register()
        project = api.expect(201, "POST", "/api/v1/projects", {"name": "of the workloads"})["id"]
        api.expect(201, "PUT", f"/api/v1/projects/{project}/members/{name}", {"role": "editor"})
        files = [f"--from-file={os.path.join(EXAMPLE, file)}" for file in ("client.sh", "client.py", "library.py")]
        space.kubectl("create", "configmap", "chartroom-client", f"--from-literal=project={project}", *files)
        with open(os.path.join(EXAMPLE, "manifest.yaml")) as file:
            manifest = file.read().replace("demo-chartroom.default.svc", audience)
        shell = "docker.io/library/busybox:1"
        clients = {
            "shell": manifest.replace(shell, os.environ.get("E2E_BUSYBOX", shell)),
            "python": manifest.replace(shell, os.environ.get("E2E_PYTHON") or "docker.io/library/python:3-slim")
            .replace("[sh, /client/client.sh]", "[python3, /client/client.py]"),
        }
        # An image with the library is built for this; there is none to pull.
        if os.environ.get("E2E_PYTHON"):
            clients["python, with the library"] = clients["python"].replace("client.py]", "library.py]")
        for number, (language, job) in enumerate(clients.items(), 1):
            space.kubectl("apply", "-f", "-", stdin=job)
            until(f"the end of the client in {language}", 120, lambda: ended(space))
            posts = api.expect(200, "GET", f"/api/v1/posts?project_id={project}")["items"]
            log = space.kubectl("logs", "job/chartroom-client", check=False).stdout
            need(len(posts) == number, f"the client in {language} left {len(posts)} posts: {log}")
            need(posts[0]["author"]["username"] == name, f"it is not the author: {posts[0]['author']}")
            space.kubectl("delete", "job", "chartroom-client")

        mine = f"/api/v1/projects/{project}"
        api.token = token(space, space.name, audience)
        api.expect(200, "GET", mine)
        for what, other in [
            ("another audience", token(space, space.name, "somebody.else")),
            ("the API server's own audience", token(space, space.name)),
            ("another namespace", token(space, "default", audience, "default")),
        ]:
            good, api.token = api.token, other
            status, text = api.ask("GET", mine)
            need(status == 401, f"a token of {what} was answered {status}: {text}")
            api.token = good
        api.expect(200, "GET", mine)
        space.kubectl("delete", "serviceaccount", "chartroom-client")
        until("a deleted account to be refused", 90, lambda: api.ask("GET", mine)[0] == 401)


def token(space, namespace, audience=None, account="chartroom-client"):
    for_whom = ["--audience", audience] if audience else []
    return space.kubectl("--namespace", namespace, "create", "token", account, *for_whom).stdout.strip()


def ended(space):
    job = space.get("job", "chartroom-client")
    conditions = {condition["type"] for condition in job["status"].get("conditions", []) if condition["status"] == "True"}
    need("Failed" not in conditions, f"the client failed: {space.kubectl('logs', 'job/chartroom-client', check=False).stdout}")
    return "Complete" in conditions
