"""The primary is killed while clients write: with standbys that it waits for, and with one that it does not wait for."""

import json
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
        release.instances(3)
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


def lossy(space):
    """the same where nobody waits for a standby that has stopped: writes are lost, and the load client sees it"""
    release = Release(space)
    release.install(
        "replicas=2", "auth.registration=open", "database.cnpg.instances=2", "database.cnpg.synchronous.enabled=false", "database.cnpg.storage.size=1Gi")
    release.instances(2)
    primary = release.primary()
    standby = next(name for name in space.get("cluster", release.cluster)["status"]["instanceNames"] if name != primary)
    receiver = space.psql(standby, "SELECT pid FROM pg_stat_wal_receiver")
    need(receiver, f"{standby} receives nothing")

    def send(signal):
        space.kubectl("exec", standby, "--container", "postgres", "--", "sh", "-c", f"kill -{signal} {receiver}")

    with load(release, per_second=20, insist=True) as client:
        send("STOP")
        # From here on only the primary has what it acknowledges.
        until("the primary to give the standby up", 120, lambda: space.psql(primary, "SELECT count(*) FROM pg_stat_replication") == "0")
        time.sleep(10)
        space.kubectl("delete", "pod", primary, "--grace-period=0", "--force")
        # The operator lets nobody take over who still seems to receive.
        send("CONT")
        until("another primary", 180, lambda: release.primary() != primary)
        time.sleep(20)
    need(client.report["lost"] > 0, f"nothing was lost, or the client does not see it: {client.report}")


def standby(space):
    """only the standby can be reached: it answers what anybody may read and says so, writes get a clean 503, and it ends with that"""
    release = Release(space)
    release.install(
        "replicas=1", "auth.registration=open", "database.cnpg.instances=2", "database.cnpg.synchronous.enabled=false", "database.cnpg.storage.size=1Gi",
        "database.cnpg.readReplicas=true", "settings.CHARTROOM_POSTS_ANONYMOUS_READ=true")
    release.instances(2)
    with release.api() as api:
        api.register()
        post, token = api.post("read from a standby"), api.token

        def read():
            api.token = None
            return api.ask("GET", f"/api/v1/posts/{post}")[0], api.headers.get("x-data-source")

        def write():
            api.token = token
            status, text = api.ask("POST", "/api/v1/posts", {"title": "not written", "content": "The primary is away."})
            return status, json.loads(text).get("code")

        until("the standby to have it", 60, lambda: read() == (200, "replica"))
        # Its PostgreSQL stops, and nobody takes over.
        space.kubectl("annotate", "cluster", release.cluster, f'cnpg.io/fencedInstances=["{release.primary()}"]')
        refused = until("writes to end", 120, lambda: (answer := write())[0] != 201 and answer)
        need(refused[0] == 503 and refused[1], f"a write was answered {refused}")
        seen = [read() for _ in range(20)]
        need(set(seen) == {(200, "replica")}, f"reads were answered {set(seen)}")
        print(f"        reads {seen[0]}, writes {refused}")
        space.kubectl("annotate", "cluster", release.cluster, "cnpg.io/fencedInstances-")
        until("writes again", 180, lambda: write()[0] == 201)
