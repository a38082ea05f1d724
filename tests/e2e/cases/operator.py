"""A cluster that has no CloudNativePG yet. Its operator is installed by the command in E2E_OPERATOR, and stays."""

import os
import shlex

from kube import need, run
from release import SMALL, Release


def operator(space):
    """an install without the operator says so at once, and goes on once it is there"""
    command = os.environ.get("E2E_OPERATOR")
    need(command, "E2E_OPERATOR is not set: a command that installs CloudNativePG into a cluster that has none")
    need("postgresql.cnpg.io" not in run("kubectl", "api-versions").stdout, "this cluster has CloudNativePG already")
    release = Release(space)
    failed = release.install(*SMALL, "provision.timeout=20s", check=False)
    said = failed.stdout + failed.stderr
    need(failed.returncode != 0, "an install without the operator succeeded")
    for words in ["CloudNativePG is not installed in this cluster", "install its operator"]:
        need(words in said, f"helm did not say {words!r}: {said}")
    need(not release.pods(), "there are pods of the API without a database")
    run(*shlex.split(command), timeout=300)
    release.upgrade(*SMALL)
    with release.api() as api:
        api.register()
        api.post("written once there was a database")
