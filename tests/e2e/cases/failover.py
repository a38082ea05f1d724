"""Three instances: the primary is killed while clients write."""

import os
import time

from kube import need, until
from load import load
from release import Release

ROUNDS = int(os.environ.get("E2E_ROUNDS", "10"))
THREE = ["replicas=2", "auth.registration=open", "database.cnpg.storage.size=1Gi"]


def failover(space):
    """the primary killed under load, again and again: nothing acknowledged is lost, nothing is there twice"""
    release = Release(space)
    release.install(*THREE)
    gaps = []
    for number in range(ROUNDS):
        until("three instances", 300, lambda: space.get("cluster", release.cluster)["status"].get("readyInstances") == 3)
        with load(release, per_second=20, insist=True) as client:
            time.sleep(5)
            primary = release.primary()
            space.kubectl("delete", "pod", primary, "--grace-period=0", "--force")
            until("another primary", 180, lambda: release.primary() != primary)
            time.sleep(20)
        client.kept()
        report = client.report
        unclean = set(report["outcomes"]) - {"200", "201", "503"}
        need(not unclean, f"round {number}: clients were not answered 503, but {unclean}: {report['first_failures']}")
        gaps.append(report["longest_without_a_write_s"])
    print(f"        longest time without an accepted write, per round: {gaps} s")
