"""The development loop: skaffold builds, deploys, and again after an edit."""

import os
import tempfile
from pathlib import Path

from kube import need, run
from release import Release

ROOT = Path(__file__).parents[3]
EDITED = "src/http/version.rs"
# As skaffold.yaml has it, whatever the case's own is called.
NAMESPACE = "chartroom-dev"


def skaffold(space):
    """skaffold run with the profile fast, an edit, run again: it is served; verify; delete leaves the database"""
    space.name, own = NAMESPACE, space.name
    os.environ.update(SKAFFOLD_INTERACTIVE="false", CARGO_TARGET_DIR=os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target")))
    release = Release(space, "chartroom")
    run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s", timeout=200)
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        run("git", "clone", "--quiet", str(ROOT), str(checkout))

        def loop(*command):
            return run("sh", "-c", 'cd "$0" && exec skaffold "$@"', str(checkout), *command, "--profile", "fast", timeout=1200)

        loop("run")
        serves(release, "chartroom")
        source = (checkout / EDITED).read_text()
        edited = source.replace('name: "chartroom"', 'name: "edited"')
        need(edited != source, f"{EDITED} has nothing to edit")
        (checkout / EDITED).write_text(edited)
        loop("run")
        serves(release, "edited")
        loop("build", "--file-output", f"{folder}/build.json")
        said = loop("verify", "--build-artifacts", f"{folder}/build.json")
        need("ok: writing a post, voting, reading it, deleting it" in said.stdout + said.stderr, f"skaffold verify said: {said.stdout}{said.stderr}")
        loop("delete")
        need(not space.get("deployment", release.fullname), "skaffold delete left the Deployment")
        need(space.get("cluster", release.cluster), "skaffold delete took the database")
    run("kubectl", "delete", "namespace", NAMESPACE, "--wait=false")
    space.name = own


def serves(release, name):
    release.ready()
    with release.api() as api:
        served = api.expect(200, "GET", "/api/v1/version")
        need(served["name"] == name, f"it serves {served}")
