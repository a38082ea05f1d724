"""What benches/reads measures, once the rows are in both places.

    reads.py URL AUTHORIZATION DATASET PSQL DATABASE_URL PAIRS PID ROWS
"""

import glob
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

url, authorization, dataset, psql, database, pairs, pid, rows = sys.argv[1:]
pairs, rows = int(pairs), int(rows)
host = urllib.parse.urlsplit(url).netloc
connection = http.client.HTTPConnection(host, timeout=600)


def get(target):
    """The answer and how many milliseconds it took."""
    begin = time.perf_counter()
    connection.request("GET", f"/api/v1/datasets/{dataset}/{target}", headers={"authorization": authorization})
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begin) * 1000
    assert answer.status == 200, (target, answer.status, body[:300])
    return body, took


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PGTZ": "UTC"}).stdout


def by_sql(query):
    """The milliseconds that psql says of a statement, with its rows sent to it and thrown away."""
    said = run([psql, "-X", "-q", "-o", "/dev/null", database, "-c", r"\timing on", "-c", query])
    return float(re.search(r"Time: ([0-9.]+) ms", said).group(1))


def memory():
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


def compare(name, target, query):
    ours, theirs = [], []
    get(target), by_sql(query)
    for _ in range(pairs):
        theirs.append(by_sql(query))
        ours.append(get(target)[1])
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"{name}: the API {ours:.0f} ms, psql {theirs:.0f} ms, ratio {theirs / ours:.2f}", flush=True)


print("groups, at the speed of the same SQL in psql:")
compare("  5 groups, count, sum and mean", "aggregate?group_by=category&measures=count,sum:amount,avg:score",
        "SELECT c5, count(*), sum(c3), avg(c4) FROM plain GROUP BY c5 ORDER BY c5")
compare("  days of 2024, median", "aggregate?group_by=day&measures=median:score&day__gte=2024-01-01&day__lt=2025-01-01",
        "SELECT c7, percentile_cont(0.5) WITHIN GROUP (ORDER BY c4) FROM plain WHERE c7 >= '2024-01-01' AND c7 < '2025-01-01' GROUP BY c7 ORDER BY c7 LIMIT 1001")
compare("  different values", "aggregate?measures=distinct:account", "SELECT count(DISTINCT c2) FROM plain")

print("files, beside COPY (SELECT ..) TO STDOUT:")
base = memory()
for format in ["csv", "ndjson", "parquet", "arrow"]:
    compare(f"  {format}", f"records?format={format}", "COPY (SELECT * FROM plain ORDER BY c1) TO STDOUT WITH (FORMAT csv)")
print(f"  memory of the service: {base:.0f} MiB before, {memory():.0f} MiB after")

print("pages of 50, from the first to the last:")
took, cursor = [], ""
while True:
    body, one = get(f"records?limit=200{cursor}")
    took.append(one)
    page = json.loads(body)
    if page["next"] is None:
        break
    cursor = f"&cursor={urllib.parse.quote(page['next'])}"
some = max(len(took) // 10, 1)
first, last = statistics.median(took[:some]), statistics.median(took[-some:])
print(f"  {len(took)} pages of 200: the first tenth {first:.2f} ms each, the last {last:.2f} ms, ratio {first / last:.2f}")
for sort in ["score", "-day"]:
    body, one = get(f"records?limit=50&sort={sort}")
    cursor = urllib.parse.quote(json.loads(body)["next"])
    _, next_one = get(f"records?limit=50&sort={sort}&cursor={cursor}")
    print(f"  by {sort}, without an index: the first page {one:.0f} ms, the second {next_one:.0f} ms")

pgbench = shutil.which("pgbench") or os.path.join(os.path.dirname(os.path.realpath(psql)), "pgbench")
if not os.path.exists(pgbench):
    pgbench = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))[-1]
with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
    script.write(f"\\set at random(1, {rows})\nSELECT row_to_json(p)::text FROM (SELECT * FROM plain WHERE c1 > :at ORDER BY c1 LIMIT 51) AS p;\n")
    script.flush()
    ours, theirs = [], []
    for _ in range(pairs):
        said = run([pgbench, "-n", "-M", "prepared", "-c", "8", "-T", "4", "-f", script.name, database])
        theirs.append(float(re.search(r"tps = ([0-9.]+)", said).group(1)))
        said = run(["wrk", "-t", "1", "-c", "8", "-d", "4s", "-H", f"authorization: {authorization}", f"{url}/api/v1/datasets/{dataset}/records?limit=50"])
        assert "Non-2xx" not in said, said
        ours.append(float(re.search(r"Requests/sec:\s+([0-9.]+)", said).group(1)))
ours, theirs = statistics.median(ours), statistics.median(theirs)
print(f"  eight connections: the API {ours:.0f} pages of 50 a second, pgbench {theirs:.0f}, ratio {ours / theirs:.2f}")
