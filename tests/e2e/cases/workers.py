"""Jobs in pods of their own: who does them, what a worker may, and what its end costs."""

import contextlib
import re
import subprocess
import threading

from kube import need, run, until
from load import PATIENT
from release import SMALL, Release

# A killed worker's jobs are somebody else's soon.
WORKERS = [*SMALL, *PATIENT, "settings.CHARTROOM_JOB_LEASE=5s", "worker.enabled=true"]
KIND = "attempts.purge.1"
# Kinds that come less often than once a minute, with the seconds of their period.
RARER = {"datasets.purge.1": 600, "periods.purge.1": 3600}
# Each job that ends leaves a line, whoever ends it and however the row goes. In a schema that the migration does not look at.
WATCH = """
CREATE SCHEMA watch;
GRANT USAGE ON SCHEMA watch TO PUBLIC;
CREATE TABLE watch.ended (id bigint, claims int);
CREATE FUNCTION watch.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO watch.ended VALUES (OLD.id, OLD.claims); RETURN OLD; END $$;
CREATE TRIGGER note AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION watch.note();
"""


def workers(space):
    """workers do the jobs and the API none; one killed in the middle and an upgrade lose no job and no period; no right, no key, a policy"""
    release = Release(space)
    release.install(*WORKERS, ready=False)
    name = f"{release.fullname}-worker"
    rolled_out(release)
    jobs = Jobs(release)
    are_least(release, name)

    with release.api("metrics") as api:
        seen = api.expect(200, "GET", "/metrics")
        need(re.search(r"^jobs_looked_timestamp_seconds 0$", seen, re.M), "the API looks at the queue of jobs")
        need(not re.search(r"^job_runs_total\{.*\} [1-9]", seen, re.M), "the API does jobs")
    until("the first period", 60, lambda: jobs.number("SELECT count(*) FROM periods") >= 5)
    at_work(release)

    # In the middle of a job: what each waits for is locked.
    with jobs.locked(8):
        wanted = jobs.enqueue(40)
        running = f"SELECT count(*) FROM jobs WHERE lease_until > now() AND kind = '{KIND}'"
        until("both workers to be at work", 20, lambda: jobs.number(running) >= 4, every=0.2)
        killed = pods(space)[0]["metadata"]["name"]
        space.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
    again = jobs.all_end(wanted)
    need(again >= 1, "no job was taken from the worker that was killed")
    print(f"        {killed} was killed: {again} of its jobs were done by another, of {len(wanted)} none was lost")

    # Old and new pods side by side.
    wanted, stop = [], threading.Event()

    def keep_enqueuing():
        while not stop.wait(0.5):
            wanted.extend(jobs.enqueue(10))

    feeder = threading.Thread(target=keep_enqueuing)
    feeder.start()
    try:
        release.upgrade(*WORKERS, "worker.podAnnotations.version=next", ready=False)
        rolled_out(release)
    finally:
        stop.set()
        feeder.join(60)
    jobs.all_end(wanted)
    print(f"        {len(wanted)} jobs during an upgrade of the workers, each ended once")
    until("the old workers to go", 120, lambda: len(pods(space)) == 2)
    need(all(pod["metadata"]["annotations"].get("version") == "next" for pod in pods(space)), "the workers are not the new ones")
    jobs.periods_are_whole()

    # Back to the API, which is told by nothing but its restart.
    release.upgrade(*WORKERS, "worker.enabled=false")
    until("the workers to go", 120, lambda: not pods(space))
    need(not space.get("deployment", name) and not space.get("networkpolicy", name), "the upgrade left objects of the workers")
    jobs.all_end(jobs.enqueue(10))
    jobs.periods_are_whole()
    need(jobs.number("SELECT count(*) FROM dead_jobs") == 0, "there are dead jobs")


def are_least(release, name):
    """What a worker is given, and what its account may, with the API's for a control."""
    space = release.space
    for account, expected in [(release.fullname, "yes"), (name, "no")]:
        who = f"system:serviceaccount:{space.name}:{account}"
        may = run("kubectl", "auth", "can-i", "create", "tokenreviews.authentication.k8s.io", "--as", who, check=False).stdout.strip()
        need(may == expected, f"{account} may create tokenreviews: {may}")
    for pod in pods(space):
        spec = pod["spec"]
        need(spec["serviceAccountName"] == name and spec["automountServiceAccountToken"] is False, f"a worker runs as {spec['serviceAccountName']}")
        volumes = {volume["name"] for volume in spec["volumes"]}
        # The last is for the socket of what runs models.
        need(volumes == {"database", "database-ca", "models"}, f"a worker mounts {volumes}")
    for pod in release.pods():
        off = {"name": "CHARTROOM_JOBS", "value": "off"}
        need(off in pod["spec"]["containers"][0]["env"], "the API is not told to do no jobs")
    for kind in ["networkpolicy", "poddisruptionbudget"]:
        found = space.get(kind, name)
        selector = found and (found["spec"].get("podSelector") or found["spec"].get("selector"))
        need(selector and selector["matchLabels"]["app.kubernetes.io/component"] == "worker", f"no {kind} of the workers")
    addresses = {
        address
        for slices in space.items("endpointslices", "--selector", f"kubernetes.io/service-name={release.fullname}")
        for endpoint in slices["endpoints"] or []
        for address in endpoint["addresses"]
    }
    of_workers = {pod["status"]["podIP"] for pod in pods(space)}
    need(addresses and not addresses & of_workers, f"the Service leads to {addresses}, workers are at {of_workers}")


class Jobs:
    """The queue, as the database's superuser sees it."""

    def __init__(self, release):
        self.space, self.primary = release.space, release.primary()
        self.ask(WATCH)

    def ask(self, statement):
        return self.space.psql(self.primary, statement)

    def number(self, statement):
        return int(self.ask(statement))

    def enqueue(self, count):
        made = self.ask(
            "INSERT INTO jobs (lane, kind, args, max_failures) "
            f"SELECT 2, '{KIND}', '{{}}', 20 FROM generate_series(1, {count}) RETURNING id")
        return [int(line) for line in made.split()]

    @contextlib.contextmanager
    def locked(self, seconds):
        """What jobs of the kind look at first."""
        lock = f"BEGIN; LOCK TABLE attempt_buckets IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); COMMIT"
        command = ["kubectl", "--namespace", self.space.name, "exec", self.primary, "--container", "postgres", "--",
                   "psql", "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "chartroom", "-c", lock]
        holder = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            held = "SELECT count(*) FROM pg_locks WHERE relation = 'attempt_buckets'::regclass AND mode = 'AccessExclusiveLock' AND granted"
            until("the lock", 20, lambda: self.number(held) == 1, every=0.1)
            yield
            need(holder.wait(60) == 0, "the lock was not held to its end")
        finally:
            holder.kill()

    def all_end(self, wanted):
        """Waits until each of these has ended, once; says how many were claimed more than once."""
        ids = ",".join(map(str, wanted))
        until("the end of the jobs", 180, lambda: self.number(f"SELECT count(*) FROM jobs WHERE id IN ({ids})") == 0)
        need(self.number("SELECT count(*) FROM dead_jobs") == 0, f"dead jobs: {self.ask('SELECT kind, reason, last_error FROM dead_jobs')}")
        ended, claimed, again = map(int, self.ask(
            f"SELECT count(*), count(DISTINCT id) FILTER (WHERE claims > 0), count(*) FILTER (WHERE claims > 1) FROM watch.ended WHERE id IN ({ids})").split("|"))
        need((ended, claimed) == (len(wanted), len(wanted)), f"of {len(wanted)} jobs {claimed} were done, in {ended} ends")
        return again

    def periods_are_whole(self):
        """Every kind has one row for each of its periods, from the first to now."""
        rows = [row.split("|") for row in self.ask(
            "SELECT name, count(*), extract(epoch FROM max(starts_at) - min(starts_at))::int, "
            "extract(epoch FROM now() - max(starts_at))::int FROM periods GROUP BY name").splitlines()]
        need({KIND, *RARER} <= {name for name, *_ in rows}, f"periods of {rows}")
        for name, count, span, age in rows:
            every = RARER.get(name, 60)
            need(int(count) == int(span) // every + 1, f"{name} began {count} times in {span} s, and should every {every} s")
            need(int(age) < every + 30, f"the last period of {name} began {age} s ago")


def rolled_out(release):
    release.ready()
    run("kubectl", "--namespace", release.space.name, "rollout", "status", f"deployment/{release.fullname}-worker", "--timeout=240s", timeout=260)


def at_work(release):
    """Workers are ready, look at the queue, and have not ended while they waited for a database or its schema."""
    rolled_out(release)
    restarts = sum(status["restartCount"] for pod in pods(release.space) for status in pod["status"]["containerStatuses"])
    need(restarts == 0, f"workers restarted {restarts} times")
    with release.api("9090", f"deployment/{release.fullname}-worker") as worker:
        until("a look at the queue", 60, lambda: re.search(r"^jobs_looked_timestamp_seconds [1-9]", worker.expect(200, "GET", "/metrics"), re.M))
        need(worker.ask("GET", "/readyz")[0] == 200, "a worker is not ready")


def pods(space):
    """Without those that are still stopping."""
    found = space.items("pods", "--selector", "app.kubernetes.io/component=worker")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
