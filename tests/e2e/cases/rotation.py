"""New passwords and keys while clients work."""

import base64
import time

from kube import need, run, until
from load import PATIENT, load
from release import PROGRAM, SMALL, Release

# A kubelet takes up to so long to bring a Secret's new value to a mounted file.
LAG = 100


def rotation(space):
    """rotate the passwords, the keys and the CA under load: no request fails, no pod restarts"""
    release = Release(space)
    # Connections that are young, so that many are made while the file is behind.
    release.install(*SMALL, *PATIENT, "settings.CHARTROOM_DATABASE_MAX_AGE=5s")
    pods = names(release)
    where = ["--namespace", space.name, "--secret"]
    with load(release, per_second=20) as client:
        for secret in [f"{release.fullname}-db-app", f"{release.fullname}-db"]:
            before = data(space, secret)["password"]
            run(PROGRAM, "provision", "rotate", *where, secret)
            need(data(space, secret)["password"] != before, f"the password in {secret} is the old one")
        run(PROGRAM, "keys", "rotate", *where, f"{release.fullname}-keys", "--delay", "100s")
        time.sleep(LAG)
        with release.api() as api:
            keys = api.expect(200, "GET", "/.well-known/jwks.json")["keys"]
            need(len(keys) == 2, f"{len(keys)} keys are published after a rotation, not 2")
            time.sleep(10)
            api.register()
        # The operator makes a new CA, and certificates by it; what is connected stays so.
        space.kubectl("delete", "secret", f"{release.cluster}-ca", f"{release.cluster}-server")
        until("a new CA", 120, lambda: space.get("secret", f"{release.cluster}-ca"))
        time.sleep(LAG)
    client.clean()
    need(names(release) == pods, "pods restarted or were replaced")


def names(release):
    return {(pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in release.pods()}


def data(space, secret):
    return {key: base64.b64decode(value) for key, value in space.get("secret", secret)["data"].items()}
