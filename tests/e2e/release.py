"""A release of the chart, and its API as a client sees it from outside the cluster."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse
import uuid

from kube import CHART, HELM, Failed, need, run, until

# On this machine, for what is done from a workstation.
PROGRAM = os.environ.get("E2E_CHARTROOM", "chartroom")
# One pod and one instance where the number is not what a case is about.
SMALL = ["replicas=1", "database.cnpg.instances=1", "database.cnpg.storage.size=1Gi", "auth.registration=open"]


def image():
    """The values of the images under test."""
    values = []
    for prefix, name in [("image", "E2E_IMAGE"), ("models.image", "E2E_RUNNER")]:
        registry, _, rest = os.environ[name].partition("/")
        repository, _, tag = rest.rpartition(":")
        values += [f"{prefix}.registry={registry}", f"{prefix}.repository={repository}", f"{prefix}.tag={tag}"]
    if os.environ.get("E2E_POSTGRES"):
        values.append(f"database.cnpg.imageName={os.environ['E2E_POSTGRES']}")
    return values


def sets(*values):
    return [argument for value in values for argument in ("--set", value)]


def rendered(space, templates, *values):
    """Objects of the release `demo` that Helm would make."""
    show = [argument for name in templates for argument in ("--show-only", f"templates/{name}.yaml")]
    manifests = run(HELM, "template", "demo", CHART, "--namespace", space.name, *sets(*image(), *values), *show).stdout
    # Python's standard library reads no YAML; kubectl does, also of kinds that the cluster does not know, and writes one document
    # after the other.
    text, objects = space.kubectl("patch", "--local", "--type=merge", "--patch={}", "--output", "json", "-f", "-", stdin=manifests).stdout, []
    while text.strip():
        found, end = json.JSONDecoder().raw_decode(text.lstrip())
        objects.append(found)
        text = text.lstrip()[end:]
    return objects


class Release:
    def __init__(self, space, name="demo"):
        self.space, self.name = space, name
        self.fullname = name if "chartroom" in name else f"{name}-chartroom"
        self.cluster = f"{self.fullname}-pg"

    def helm(self, verb, *arguments, check=True, timeout=400):
        return run(HELM, verb, self.name, "--namespace", self.space.name, *arguments, check=check, timeout=timeout)

    def command(self, verb, *values):
        """The command line of an install or an upgrade."""
        wait = ["--install"] if verb == "upgrade" else []
        return [verb, self.name, "--namespace", self.space.name, CHART, "--timeout", "6m", *wait, *sets(*image(), *values)]

    def install(self, *values, verb="install", check=True, ready=True):
        done = run(HELM, *self.command(verb, *values), check=check, timeout=1200)
        if ready and done.returncode == 0:
            self.ready()
        return done

    def upgrade(self, *values, **how):
        return self.install(*values, verb="upgrade", **how)

    def interrupted(self, seconds_after, *values):
        """An install that somebody stops with Ctrl-C as soon as the condition holds."""
        helm = subprocess.Popen([HELM, *self.command("install", *values)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            until("the moment to interrupt", 120, lambda: helm.poll() is not None or seconds_after())
            need(helm.poll() is None, "helm ended before it was interrupted")
            helm.send_signal(signal.SIGINT)
            said = helm.communicate(timeout=60)[0]
        finally:
            helm.kill()
        need(helm.returncode != 0, f"helm was interrupted and succeeded: {said}")

    def ready(self, within=240):
        run("kubectl", "--namespace", self.space.name, "rollout", "status", f"deployment/{self.fullname}", f"--timeout={within}s", timeout=within + 20)

    def uninstall(self):
        self.helm("uninstall", "--wait", "--timeout", "3m")

    def pods(self):
        return self.space.items("pods", "--selector", f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=api")

    def primary(self):
        return self.space.get("cluster", self.cluster)["status"]["currentPrimary"]

    def instances(self, number, within=300):
        """Waits for as many instances of the database."""
        until(f"{number} instances", within, lambda: self.space.get("cluster", self.cluster)["status"].get("readyInstances") == number)

    @contextlib.contextmanager
    def api(self, port="http", target=None):
        """The API through a forwarded port: of one pod, so not for anything that has to survive that pod."""
        forward = subprocess.Popen(
            ["kubectl", "--namespace", self.space.name, "port-forward", target or f"service/{self.fullname}", f":{port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            # Something to read, or the end of the program.
            killer = threading.Timer(30, forward.kill)
            killer.start()
            line = forward.stdout.readline()
            killer.cancel()
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            if not found:
                raise Failed(f"kubectl port-forward: {line}{forward.stderr.read()}")
            yield Api(int(found[1]))
        finally:
            forward.kill()
            forward.wait()


class Api:
    """A client with an account."""

    def __init__(self, port):
        self.port, self.token, self.headers = port, None, {}

    def ask(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self.headers = answer.headers
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def expect(self, status, method, path, body=None, headers=None):
        came, text = self.ask(method, path, body, headers)
        need(came == status, f"{method} {path} answered {came}, not {status}: {text[:500]}")
        return json.loads(text) if text.startswith(("{", "[")) else text

    def register(self):
        account = {"email": f"{uuid.uuid4().hex}@example.org", "password": uuid.uuid4().hex}
        self.expect(201, "POST", "/api/v1/users", account)
        self.sign_in(account)
        return account

    def sign_in(self, account):
        form = urllib.parse.urlencode({"grant_type": "password", "username": account["email"], "password": account["password"]})
        self.token = None
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.token = self.expect(200, "POST", "/auth/token", form, headers)["access_token"]

    def post(self, title):
        return self.expect(201, "POST", "/api/v1/posts", {"title": title, "content": "Written by a test."})["id"]
