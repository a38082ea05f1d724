"""What benches/jobs measures, once both programs are built.

    jobs.py DATABASE_URL OURS RIVER GRAPHILE ROUNDS JOBS
"""

import json
import os
import statistics
import subprocess
import sys

database, ours, river, graphile, rounds, jobs = sys.argv[1:]
rounds = int(rounds)
server = database.rpartition("/")[0]
peers = {
    "River": ([river], {"DSN": f"{server}/river"}),
    "graphile-worker": (["node", graphile], {"DSN": f"{server}/graphile"}),
}
WORKERS, WAITS = (1, 2, 4), 500


def sql(query):
    said = subprocess.run(["psql", "-XAtqc", query, database], stdout=subprocess.PIPE, text=True, check=True)
    return said.stdout.strip()


def run(command, **variables):
    """The figures that a program prints; its log goes to a file, as a service's does."""
    with open(os.devnull, "w") as log:
        said = subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=log, text=True, check=True)
    return json.loads(said.stdout)


def drained(name, command, **variables):
    sql("CHECKPOINT")
    figures = run(command, **variables)
    assert figures["ran"] == int(jobs), (name, figures)
    sql("CHECKPOINT")  # it writes what is asked for next to disk, from where alone it can be read
    # Without the images of pages that the first change after a checkpoint writes: they tell of checkpoints.
    wal = sql(f"""SELECT sum(count), sum(record_size) FROM pg_get_wal_stats('{figures["from"]}', '{figures["to"]}')""")
    records, size = (float(sum_) / int(jobs) for sum_ in wal.split("|"))
    return {"a second": int(jobs) / figures["seconds"], "records": records, "bytes": size}


def median(all_, key):
    return statistics.median(one[key] for one in all_)


sql("CREATE EXTENSION pg_walinspect")
for name in ("river", "graphile"):
    sql(f"CREATE DATABASE {name}")
sql("ALTER SYSTEM SET wal_keep_size = '4GB'")  # else a checkpoint removes what is to be counted
sql("SELECT pg_reload_conf()")
cases = {}
for count in WORKERS:
    for name, (program, where) in peers.items():
        command = [*program, "drain", jobs, str(count)]
        cases[name, count] = lambda name=name, command=command, where=where: drained(name, command, **where)
    for at_once in (2000, 8):
        command = [ours, "drain", jobs, str(count), str(at_once)]
        cases[f"ours, {at_once} at once", count] = lambda command=command: drained("ours", command, CHARTROOM_DATABASE_URL=database)
seen = {case: [] for case in cases}
waits = {name: [] for name in (*peers, "ours")}
for number in range(rounds):
    for case, measure in cases.items():
        seen[case].append(measure())
    for name, (program, where) in peers.items():
        waits[name].append(run([*program, "latency", str(WAITS)], **where))
    waits["ours"].append(run([ours, "latency", str(WAITS)], CHARTROOM_DATABASE_URL=database))
    print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)

print(f"{rounds} rounds of {jobs} jobs, PostgreSQL {sql('SHOW server_version')}, {os.cpu_count()} processors")
print(f"{'':<24}{'workers':>8}{'jobs/s':>9}{'of River':>9}{'WAL records':>12}{'bytes a job':>12}")
for (name, count), all_ in seen.items():
    pace, base = median(all_, "a second"), median(seen["River", count], "a second")
    print(f"{name:<24}{count:>8}{pace:>9.0f}{pace / base:>9.2f}{median(all_, 'records'):>12.1f}{median(all_, 'bytes'):>12.0f}")
for name, all_ in waits.items():
    print(f"{name}: from made to begun at 50 a second, p50 {median(all_, 'p50'):.1f} ms, p99 {median(all_, 'p99'):.1f} ms")
