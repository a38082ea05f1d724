"""The primary is killed while clients write: with standbys that it waits for, and with one that it does not wait for."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

from kube import need, until
from load import load
from release import PROGRAM, Release

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


def followed(space):
    """`chartroom watch` goes on through a failover, on the stream that it has or on another: each event comes once and in order"""
    release = Release(space)
    release.install(*THREE)
    release.instances(3)
    with release.api() as api:
        api.register()
        project = api.expect(201, "POST", "/api/v1/projects", {"name": "followed"})["id"]
        place, feed = f"/api/v1/projects/{project}", f"/api/v1/events?project_id={project}"
        kept = {"accepted": 0, "refused": 0}

        def change(seconds):
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                status = api.ask("PATCH", place, json.dumps({"description": str(time.monotonic())}), {"Content-Type": "application/merge-patch+json"})[0]
                need(status in (200, 503), f"a change was answered {status}")
                kept["accepted" if status == 200 else "refused"] += 1
                time.sleep(0.1)

        def all_events():
            events, after = [], 0
            while True:
                page = api.expect(200, "GET", f"{feed}&after={after}&limit=200")
                events += [event["sequence"] for event in page["items"]]
                if not page["items"]:
                    return events
                after = page["next"]

        with watching(api, project) as seen:
            change(5)
            primary = release.primary()
            space.kubectl("delete", "pod", primary, "--grace-period=0", "--force")
            until("another primary", 180, lambda: change(1) or release.primary() != primary)
            change(20)
            expected = all_events()
            until("the last event", 60, lambda: seen()[-1:] == expected[-1:])
            came = seen()
        need(came == expected, f"{len(came)} events came, and the feed has {len(expected)}: {[it for it in came if it not in expected][:5]}")
        need(len(expected) > kept["accepted"] > 50, f"{kept} changes are {len(expected)} events")
        need(kept["refused"] > 0, f"no change met the failover: {kept}")
        print(f"        {kept['accepted']} changes accepted and {kept['refused']} refused: {len(came)} events, each once and in order")


@contextlib.contextmanager
def watching(api, project):
    """`chartroom watch` on a project; yields what tells the numbers of the events that it has written."""
    variables = {"CHARTROOM_URL": f"http://127.0.0.1:{api.port}", "CHARTROOM_TOKEN": api.token, "PATH": os.environ["PATH"]}
    command = [PROGRAM, "watch", "--project", project, "--after", "0", "--output", "json"]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, env=variables, stdout=output, stderr=errors) as watch:

            def seen():
                if watch.poll() is not None:
                    errors.seek(0)
                    need(False, f"watch ended with {watch.returncode}: {errors.read()}")
                output.seek(0)
                return [json.loads(line)["sequence"] for line in output.read().splitlines()]

            try:
                yield seen
            finally:
                watch.kill()
