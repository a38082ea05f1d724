"""The development loop: skaffold builds, deploys, and again after an edit."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from kube import need, run, until
from release import Release

ROOT = Path(__file__).parents[3]
EDITED = "src/http/version.rs"
# As skaffold.yaml has it, whatever the case's own is called.
NAMESPACE = "chartroom-dev"


class Loop:
    """skaffold in a checkout of its own."""

    def __init__(self, checkout, release):
        self.checkout, self.release = checkout, release

    def skaffold(self, *command, profile="fast"):
        return run("sh", "-c", 'cd "$0" && exec skaffold "$@"', str(self.checkout), *command, "--profile", profile, timeout=1200)

    def edit(self):
        source = (self.checkout / EDITED).read_text()
        edited = source.replace('name: "chartroom"', 'name: "edited"')
        need(edited != source, f"{EDITED} has nothing to edit")
        (self.checkout / EDITED).write_text(edited)


@contextlib.contextmanager
def looping(space):
    """The namespace that skaffold.yaml names takes the place of the case's own."""
    space.name, own = NAMESPACE, space.name
    os.environ.update(SKAFFOLD_INTERACTIVE="false", CARGO_TARGET_DIR=os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target")))
    run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s", timeout=200)
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        run("git", "clone", "--quiet", str(ROOT), str(checkout))
        if image := os.environ.get("E2E_POSTGRES"):
            # Where the chart's own cannot be pulled. The small values leave it to the operator.
            values = checkout / "charts/chartroom/values.yaml"
            values.write_text(re.sub(r"(?m)^    imageName: .*", f"    imageName: {image}", values.read_text()))
        yield Loop(checkout, Release(space, "chartroom"))
    space.delete()
    space.name = own


def skaffold(space):
    """skaffold run with the profile fast, an edit, run again: it is served; verify; delete leaves the database"""
    with looping(space) as loop:
        release = loop.release
        loop.skaffold("run")
        serves(release, "chartroom")
        loop.edit()
        loop.skaffold("run")
        serves(release, "edited")
        built = str(loop.checkout.parent / "build.json")
        loop.skaffold("build", "--file-output", built)
        said = loop.skaffold("verify", "--build-artifacts", built)
        need("ok: writing a post, voting, reading it, deleting it" in said.stdout + said.stderr, f"skaffold verify said: {said.stdout}{said.stderr}")
        loop.skaffold("delete")
        need(not space.get("deployment", release.fullname), "skaffold delete left the Deployment")
        need(space.get("cluster", release.cluster), "skaffold delete took the database")


def skaffold_dev(space):
    """skaffold dev with the hook: an edit is served without a word; Ctrl-C takes the release away"""
    with looping(space) as loop:
        release, log = loop.release, loop.checkout.parent / "log"
        with log.open("w") as output:
            dev = subprocess.Popen(
                ["skaffold", "dev", "--profile", "fast,hooks", "--port-forward=off"], cwd=loop.checkout, stdout=output, stderr=subprocess.STDOUT)
        try:
            def served(name):
                need(dev.poll() is None, f"skaffold dev ended: {log.read_text()[-3000:]}")
                if not space.get("deployment", release.fullname):
                    return False
                release.ready()
                with release.api() as api:
                    return api.ask("GET", "/api/v1/version")[1].startswith(f'{{"name":"{name}"')
            until("the first build", 900, lambda: served("chartroom"), every=2)
            # What is edited before that is not seen as a change.
            until("skaffold to watch", 120, lambda: "Watching for changes" in log.read_text())
            loop.edit()
            until("the edited one", 900, lambda: served("edited"), every=2)
            dev.send_signal(signal.SIGINT)
            dev.wait(180)
        finally:
            dev.kill()
        need(not space.get("deployment", release.fullname), "the end of skaffold dev left the Deployment")


def skaffold_ha(space):
    """skaffold run with three instances and three pods"""
    with looping(space) as loop:
        loop.skaffold("run", profile="fast,ha")
        loop.release.ready()
        need(len(loop.release.pods()) == 3, "not three pods")
        loop.release.instances(3, within=400)
        serves(loop.release, "chartroom")
        loop.skaffold("delete", profile="fast,ha")


def skaffold_external(space):
    """skaffold run against a database that somebody else runs; delete leaves it"""
    with looping(space) as loop:
        # The profile's values, where every address may be the database's.
        values = loop.checkout / "charts/chartroom/ci/external.yaml"
        values.write_text(values.read_text().replace("192.0.2.0/24", "0.0.0.0/0"))
        run("kubectl", "create", "namespace", NAMESPACE)
        image = {"imageName": os.environ["E2E_POSTGRES"]} if "E2E_POSTGRES" in os.environ else {}
        spec = {"instances": 1, "storage": {"size": "1Gi"}, **image}
        space.apply({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "other"}, "spec": spec})
        until("the other database", 400, lambda: space.get("cluster", "other").get("status", {}).get("readyInstances") == 1)
        loop.skaffold("run", profile="fast,external")
        serves(loop.release, "chartroom")
        loop.skaffold("delete", profile="fast,external")
        need(not space.get("deployment", loop.release.fullname), "skaffold delete left the Deployment")
        need(space.get("cluster", "other"), "skaffold delete took the database")


def serves(release, name):
    release.ready()
    with release.api() as api:
        served = api.expect(200, "GET", "/api/v1/version")
        need(served["name"] == name, f"it serves {served}")
