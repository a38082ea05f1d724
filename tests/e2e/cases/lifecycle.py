"""What a release survives: its own uninstall, a rollback, a failed and an interrupted install, and a second release."""

from kube import Failed, need, until
from release import SMALL, Release

# A migration of a later version, which this binary does not know: an expansion, and its record.
LATER = (
    "ALTER TABLE posts ADD COLUMN later text; "
    "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')"
)


def reinstall(space):
    """uninstall, install: accounts, posts and sessions are there; rollback after a migration: the old pods serve"""
    release = Release(space)
    release.install(*SMALL)
    with release.api() as api:
        account = api.register()
        post, token = api.post("before"), api.token
    release.uninstall()
    need(not space.get("deployment", release.fullname), "the uninstall left the Deployment")
    for what in [f"cluster/{release.cluster}", f"secret/{release.fullname}-db", f"secret/{release.fullname}-keys"]:
        need(space.get(what), f"the uninstall took {what}")
    release.install(*SMALL)
    serves(release, account, post)
    with release.api() as api:
        api.token = token
        api.expect(200, "GET", "/api/v1/me")

    release.upgrade(*SMALL, "podAnnotations.version=later")
    space.psql(release.primary(), LATER)
    release.helm("rollback", "1", "--timeout", "3m")
    release.ready()
    need(not any("version" in pod["metadata"]["annotations"] for pod in running(release)), "the pods are not the old ones")
    serves(release, account, post)


def storage_class(space):
    """an install that fails for its storage class says so and how to go on, and goes on"""
    release, slow = Release(space), [*SMALL, "provision.timeout=40s"]
    failed = release.install(*slow, "database.cnpg.storage.storageClass=none-such", check=False)
    said = failed.stdout + failed.stderr
    need(failed.returncode != 0, "an install without a storage class succeeded")
    need("storage class none-such" in said and f"describe pvc {release.cluster}-1" in said, f"helm did not say what is wrong: {said}")
    need(not release.pods(), "there are pods of the API without a database")
    # The claim keeps the class that it was made with.
    refused = release.upgrade(*slow, check=False)
    said = refused.stdout + refused.stderr
    remedy = f"kubectl --namespace {space.name} delete cluster {release.cluster}"
    need(refused.returncode != 0 and remedy in said, f"helm did not say what to do: {said}")
    space.kubectl("delete", "cluster", release.cluster)
    release.upgrade(*SMALL)
    with release.api() as api:
        api.register()


def interrupted(space):
    """Ctrl-C in the middle of an install, then again: recovers; two releases in one namespace do not meet"""
    first, second = Release(space), Release(space, "second")
    first.interrupted(lambda: space.get("cluster", first.cluster), *SMALL)
    first.upgrade(*SMALL)
    second.install(*SMALL)
    with first.api() as one, second.api() as two:
        account = one.register()
        post = one.post("of the first")
        try:
            two.sign_in(account)
        except Failed:
            pass
        else:
            raise Failed("the second release knows an account of the first")
        need(two.ask("GET", "/api/v1/me", headers={"Authorization": f"Bearer {one.token}"})[0] == 401, "a token of the first is good for the second")
    second.uninstall()
    space.kubectl("delete", "cluster", second.cluster)
    serves(first, account, post)


def running(release):
    """Without those that are still stopping."""
    return until("the old pods to go", 120, lambda: [] if any("deletionTimestamp" in pod["metadata"] for pod in release.pods()) else release.pods())


def serves(release, account, post):
    with release.api() as api:
        api.sign_in(account)
        api.expect(200, "GET", f"/api/v1/posts/{post}")
        api.post("after")
