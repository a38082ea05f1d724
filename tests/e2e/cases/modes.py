"""The other two ways to a database, and a hook that lacks a right."""

import tempfile

from kube import need, run, until
from release import PROGRAM, SMALL, Release, rendered

from cases.workers import at_work

WORKER = ["worker.enabled=true", "worker.replicas=1"]
HOOK = ["serviceaccount", "role", "rolebinding", "configmap", "provision-job"]


def modes(space):
    """manifest and external, with a worker: install, upgrade, uninstall; the data stays and is found again"""
    with tempfile.TemporaryDirectory() as keys:
        run(PROGRAM, "keys", "generate", "--keys-dir", keys)
        space.kubectl("create", "secret", "generic", "keys", f"--from-file={keys}")
    release = Release(space)
    manifest = [*SMALL, "database.provisioner=manifest", "auth.keys.existingSecret=keys", *WORKER]
    release.install(*manifest)
    # The API's init container migrates, and the worker waits for it.
    at_work(release)
    with release.api() as api:
        account = api.register()
        post = api.post("manifest")
    release.upgrade(*manifest, "podAnnotations.version=next")
    release.uninstall()
    need(space.get("cluster", release.cluster), "the uninstall took the Cluster")
    release.install(*manifest)
    finds(release, account, post)
    release.uninstall()

    # The same database, as one that somebody else runs.
    other = Release(space, "other")
    external = [
        "replicas=1", "auth.registration=open", "database.mode=external",
        f"database.external.existingSecret={release.cluster}-app", f"database.tls.caSecret.name={release.cluster}-ca",
        *WORKER,
    ]
    other.install(*external)
    at_work(other)
    finds(other, account, post)
    other.upgrade(*external, "podAnnotations.version=next")
    finds(other, account, post)
    other.uninstall()
    need(space.get("cluster", release.cluster) and space.get("secret", f"{other.fullname}-keys"), "the uninstall took what it must not")
    other.install(*external)
    finds(other, account, post)


def finds(release, account, post):
    with release.api() as api:
        api.sign_in(account)
        api.expect(200, "GET", f"/api/v1/posts/{post}")


def missing_rights(space):
    """provision with a Role that lacks one right at a time names it"""
    objects = rendered(space, [f"hooks/{name}" for name in HOOK], *SMALL, "provision.timeout=60s")
    role = next(object for object in objects if object["kind"] == "Role")
    job = next(object for object in objects if object["kind"] == "Job")
    space.apply(*[object for object in objects if object["kind"] not in ("Role", "Job")])
    for resource, kind in [("secrets", "Secret"), ("clusters", "Cluster")]:
        for verb in ["get", "patch", "create"]:
            rules = [
                {**rule, "verbs": [other for other in rule["verbs"] if resource not in rule["resources"] or other != verb]}
                for rule in role["rules"]
            ]
            space.apply({**role, "rules": rules})
            space.kubectl("delete", "job,secret", "--all")
            space.apply(job)
            name = job["metadata"]["name"]
            until(f"the end of {name}", 90, lambda: ended(space, name))
            log = space.kubectl("logs", f"job/{name}", check=False).stdout
            wanted = f"the right to {'get' if verb == 'get' else 'create or patch'} the {kind} demo-chartroom-"
            need(wanted in log and "is missing" in log, f"without {verb} of {resource} it said: {log}")
    need(not space.get("cluster", "demo-chartroom-pg"), "it made a Cluster without the right to")


def ended(space, job):
    conditions = (space.get("job", job) or {"status": {}})["status"].get("conditions", [])
    need(not any(condition["type"] == "Complete" for condition in conditions), "it succeeded without the right")
    return any(condition["type"] == "Failed" for condition in conditions)
