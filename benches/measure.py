"""What the benches share: a private PostgreSQL, the release binary as its users run it, load from wrk and pgbench, and the CPU
time that each of them took. Linux only. Whatever is started is stopped by its process id."""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

# A round in which others used more of the machine is repeated.
FOREIGN = 0.12
# Ids that pgbench puts together from a number, as it has no functions for text; of posts they rise with the time.
USER, POST, ZERO = "01900000-0000-7000-9000-", "01900000-0000-7000-8000-", 100_000_000_000
TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "only for this bench"
USERS, POSTS, VOTERS, VOTES = 1_000, 20_000, 50, 5
TEXT = ("The quick brown fox jumps over the lazy dog, and nobody has asked the dog. " * 6)[:384]
# All sign-ins come from one address, so at their defaults the limits would answer.
OPEN = {
    "CHARTROOM_REGISTRATION": "open",
    "CHARTROOM_RATE_LIMIT": "0",
    "CHARTROOM_SIGNIN_PER_ADDRESS_BURST": "1000000",
    "CHARTROOM_SIGNIN_PER_ADDRESS_PER_MINUTE": "1000000",
    "CHARTROOM_SIGNIN_PER_ACCOUNT_PER_HOUR": "1000000",
    "CHARTROOM_SIGNIN_PER_PAIR_BURST": "200000",
    "CHARTROOM_SIGNIN_PER_PAIR_PER_HOUR": "200000",
    "CHARTROOM_SIGNIN_QUEUE": "64",
}

# Every script of wrk: its threads are numbered, each draws other numbers, and the last line is for `wrk` below.
LUA = """
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init()
  math.randomseed(7 + number)
  asked, tokens = 0, {}
  for token in ("%(tokens)s"):gmatch("%%S+") do tokens[#tokens + 1] = "Bearer " .. token end
end
function request()
  asked = asked + 1
  %(request)s
end
function done(summary, latency)
  local e = summary.errors
  print(string.format("SEEN %%d %%d %%d %%d %%d", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


# ---- processes and their CPU time ---------------------------------------------------------------------------------

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_of(pid):
    """The parent of a process, and the CPU seconds of it and of those of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / TICKS


def cpu(root):
    """CPU seconds of a process and its children."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent, seconds = cpu_of(entry.name)
            except OSError:
                continue
            total += seconds if root in (int(entry.name), parent) else 0
    return total


def cpu_of_machine():
    user, nice, system, _idle, _wait, irq, soft = map(int, pathlib.Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft) / TICKS


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **options)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Watch:
    """CPU seconds of named processes, of the load's own, and of everybody else, between its beginning and `stop`."""

    def __init__(self, **pids):
        self.pids = pids
        self.begin = self.now()

    def now(self):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        seen = {name: cpu(pid) for name, pid in self.pids.items()}
        return {**seen, "load": children.ru_utime + children.ru_stime, "own": time.process_time(), "machine": cpu_of_machine(), "time": time.monotonic()}

    def stop(self):
        end = self.now()
        spent = {name: end[name] - self.begin[name] for name in end}
        known = sum(spent[name] for name in spent if name not in ("machine", "time"))
        spent["foreign"] = max(0, spent["machine"] - known) / spent["time"] / os.cpu_count()
        return spent


def measured(load, before, seconds, **pids):
    """One round, again while others disturb it."""
    for attempt in range(3):
        before()
        watch = Watch(**pids)
        result = load(seconds)
        spent = watch.stop()
        if result["wrong"]:
            sys.exit(f"{result['wrong']} wrong answers in this round: it counts for nothing")
        result.update({f"{name}_us": spent[name] / result["done"] * 1e6 for name in pids}, foreign=spent["foreign"])
        if spent["foreign"] <= FOREIGN:
            break
        print(f"  others used {spent['foreign']:.0%} of the machine" + ("; again" if attempt < 2 else "; it counts all the same"), flush=True)
    return result


# ---- PostgreSQL ---------------------------------------------------------------------------------------------------

class Postgres:
    """The installed PostgreSQL on a free loopback port, as it comes but for its memory: what it acknowledges is on disk."""

    def __init__(self, folder):
        self.data, self.log, self.port = folder / "postgres", folder / "postgres.log", free_port()
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
        on_path = shutil.which("pg_ctl")
        if not found and not on_path:
            sys.exit("no PostgreSQL found: install it (Debian: postgresql)")
        self.programs = found[0] if found else pathlib.Path(on_path).resolve().parent
        self.identity = []
        self.data.mkdir()
        self.log.touch()
        if os.geteuid() == 0:
            self.identity = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            for path in (self.data, self.log):
                shutil.chown(path, "postgres", "postgres")
            folder.chmod(0o711)
        self.call("initdb", "--pgdata", self.data, "--username", "chartroom", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8")
        options = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "max_connections": 200,
            "shared_buffers": "256MB", "max_wal_size": "4GB", "log_line_prefix": "@%m@",
        }
        self.call("pg_ctl", "--pgdata", self.data, "--log", self.log, "--wait", "--options", " ".join(f"-c {name}={value}" for name, value in options.items()), "start")
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])
        self.url = f"postgres://chartroom@127.0.0.1:{self.port}/postgres"

    def call(self, program, *arguments):
        # No pipe: the server would inherit it and keep it open.
        subprocess.run([*self.identity, self.programs / program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def sql(self, text):
        return run(self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url, input=text).strip()

    def statements(self, ask, needle):
        """What was sent while `ask` ran, as (text, parameters): the statement about `needle`, or the transaction it is in."""
        def everything(on):
            self.sql(f"ALTER SYSTEM SET log_statement = '{'all' if on else 'none'}'")
            self.sql("SELECT pg_reload_conf()")
            time.sleep(0.5)
        everything(True)
        begin = self.log.stat().st_size
        ask()
        everything(False)
        found = []
        for entry in re.split(r"^@[^@]*@ ?", self.log.read_text()[begin:], flags=re.M):
            if sent := re.match(r"LOG:  (?:execute [^:]*|statement): (.*)", entry, re.S):
                found.append((" ".join(sent[1].split()), {}))
            elif with_values := re.match(r"DETAIL:  [Pp]arameters: (.*)", entry, re.S):
                found[-1][1].update(re.findall(r"(\$\d+) = ('(?:[^']|'')*'|NULL)", with_values[1]))
        places = [at for at, (text, _) in enumerate(found) if needle in text]
        if not places:
            sys.exit(f"the service sent no statement about {needle}: {found}")
        first, last = places[0], places[-1]
        if any(text.upper().startswith("BEGIN") for text, _ in found[:first]):
            first = max(at for at, (text, _) in enumerate(found[:first]) if text.upper().startswith("BEGIN"))
            last = min(at for at, (text, _) in enumerate(found) if at > last and text.upper().startswith("COMMIT"))
        return found[first:last + 1]

    def stop(self):
        self.call("pg_ctl", "--pgdata", self.data, "--mode", "fast", "--wait", "stop")


class Database:
    """One more database of a server, used as the server's own is."""

    def __init__(self, server, name):
        server.sql(f"CREATE DATABASE {name}")
        self.programs, self.pid, self.url = server.programs, server.pid, f"{server.url.rpartition('/')[0]}/{name}"

    sql = Postgres.sql


def pgbench(postgres, folder, statements, varying, draws, clients, seconds):
    """Runs what the service sent. `varying` says what takes the place of an id that differs from request to request."""
    text, variables = list(draws), ["serial=100000000000"]
    for number, (statement, parameters) in enumerate(statements):
        def place(match):
            value = parameters[match[0]]
            if value == "NULL":
                return "NULL"
            value = value[1:-1].replace("''", "'")
            # pgbench says nothing of types; of an id it matters, because a text would not be looked up in an index.
            is_id = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
            for pattern, instead in varying.items() if is_id else ():
                if re.fullmatch(pattern, value):
                    return instead
            variables.append(f"v{number}_{match[0][1:]}={value}")
            return f":v{number}_{match[0][1:]}" + ("::uuid" if is_id else "")
        text.append(re.sub(r"\$\d+", place, statement) + ";")
    (folder / "pgbench.sql").write_text("\n".join(text) + "\n")
    defined = [word for variable in dict.fromkeys(variables) for word in ("-D", variable)]
    # Its sessions end a moment after it, and what they took is seen once they have.
    out = run(postgres.programs / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", os.cpu_count(), "-T", seconds, "-f", folder / "pgbench.sql", *defined, postgres.url)
    time.sleep(0.3)
    return {
        "done": int(re.search(r"actually processed: (\d+)", out)[1]),
        "rate": float(re.search(r"^tps = ([\d.]+)", out, re.M)[1]),
        "wrong": int((re.search(r"failed transactions: (\d+)", out) or [0, 0])[1]),
    }


# ---- the service --------------------------------------------------------------------------------------------------

class Service:
    """A release binary on free loopback ports. `settings` are listed where figures are printed."""

    def __init__(self, binary, folder, postgres, settings):
        self.url, self.ops = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        database = {"PATH": os.environ["PATH"], "CHARTROOM_DATABASE_URL": postgres.url}
        run(binary, "migrate", "up", env=database)
        run(binary, "keys", "generate", "--keys-dir", folder / "keys")
        environment = {
            **database, "CHARTROOM_KEYS_DIR": str(folder / "keys"), "CHARTROOM_LOG_FORMAT": "json",
            "CHARTROOM_LISTEN": self.url.removeprefix("http://"), "CHARTROOM_OPS_LISTEN": self.ops.removeprefix("http://"), **settings,
        }
        log = folder / "service.log"
        with log.open("w") as output:
            self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=output, stderr=output)
        for _ in range(500):
            try:
                urllib.request.urlopen(self.ops + "/readyz", timeout=1)
                return
            except OSError:
                time.sleep(0.02)
        sys.exit(f"the service did not become ready:\n{log.read_text()}")

    def ask(self, method, path, body=None, token=None, form=False):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
            body = (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers, method=method), timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refusal:
            sys.exit(f"{method} {path} answered {refusal.code}: {refusal.read().decode()}")

    def token(self, login):
        form = {"grant_type": "password", "username": login, "password": PASSWORD}
        return json.loads(self.ask("POST", "/auth/token", form, form=True))["access_token"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@contextlib.contextmanager
def serving(binary, folder, postgres, settings):
    """The service, which is gone afterwards."""
    binary = pathlib.Path(binary).resolve()
    if not binary.exists():
        sys.exit(f"{binary} is not there: cargo build --release")
    service = Service(binary, folder, postgres, settings)
    try:
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def stored():
    """A folder and a PostgreSQL in it, which are gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        postgres = Postgres(folder)
        try:
            yield folder, postgres
        finally:
            postgres.stop()


@contextlib.contextmanager
def running(binary, settings):
    """A folder, a PostgreSQL and the service on it, which are gone afterwards."""
    with stored() as (folder, postgres), serving(binary, folder, postgres, settings) as service:
        yield folder, postgres, service


def seed_users(postgres, service, users):
    # One comes in through the front door, so that the hash that all the others share is a real one.
    service.ask("POST", "/api/v1/users", {"email": "first@bench.test", "password": PASSWORD})
    postgres.sql(f"""
        CREATE TEMP TABLE numbered AS SELECT n, ('{USER}' || {ZERO} + n)::uuid AS id, 'user' || n AS name FROM generate_series(0, {users - 1}) AS n;
        INSERT INTO principals (id, kind) SELECT id, 'user' FROM numbered;
        INSERT INTO users (id, email, email_key, username, username_key, password_hash)
            SELECT id, name || '@bench.test', name || '@bench.test', name, name, (SELECT password_hash FROM users) FROM numbered;""")


def user(number):
    return f"{USER}{ZERO + number}"


def seed(postgres, service):
    seed_users(postgres, service, USERS)
    postgres.sql(f"""
        INSERT INTO posts (id, author_id, title, content, language, created_at)
            SELECT ('{POST}' || {ZERO} + n)::uuid, ('{USER}' || {ZERO} + n % {USERS})::uuid, 'Post number ' || n, '{TEXT}', 'english',
                now() - make_interval(secs => {POSTS} - n) FROM generate_series(0, {POSTS - 1}) AS n;
        INSERT INTO post_votes (post_id, principal_id)
            SELECT ('{POST}' || {ZERO} + n)::uuid, ('{USER}' || {ZERO} + (n * 7 + vote * 191) % {USERS - VOTERS})::uuid
            FROM generate_series(0, {POSTS - 1}) AS n, generate_series(1, {VOTES}) AS vote;""")


def voters(service):
    """Tokens of those who have no seeded votes."""
    return [service.token(f"user{number}") for number in range(USERS - VOTERS, USERS)]


def restoring():
    """What takes away what load has written: new posts have the ids of today, which sort after the seeded ones; whoever votes under
    load has no seeded votes."""
    return f"""
        DELETE FROM posts WHERE id >= '{POST}{ZERO + POSTS}';
        DELETE FROM post_votes WHERE principal_id BETWEEN '{user(USERS - VOTERS)}' AND '{user(USERS - 1)}';
        VACUUM ANALYZE;"""


def restore(postgres):
    """Before each round; how large the database then is."""
    postgres.sql(f"{restoring()} CHECKPOINT;")
    return postgres.sql("SELECT pg_size_pretty(pg_database_size(current_database()))")


def lines(service, tokens):
    """Of each line: what wrk asks, what is asked once to see the SQL and the table it names, and what varies in it."""
    me, post, body = tokens[-1], f"{POST}{ZERO + 7}", {"title": "A post made by the load", "content": TEXT}
    auth = "{Authorization = tokens[asked % #tokens + 1]}"
    draws = [f"\\set post random({ZERO}, {ZERO + POSTS - 1})", f"\\set voter random({ZERO + USERS - VOTERS}, {ZERO + USERS - 1})"]
    drawn = {re.escape(post): f"('{POST}' || :post)::uuid"}
    half = POSTS // 2
    return {
        "get": {
            "wrk": f'return wrk.format("GET", string.format("/api/v1/posts/{POST}%d", {ZERO} + math.random(0, {POSTS - 1})), {auth})',
            "ask": lambda: service.ask("GET", f"/api/v1/posts/{post}", token=me), "table": "posts", "varying": drawn, "draws": draws,
        },
        "list": {
            "wrk": f'return wrk.format("GET", "/api/v1/posts?limit=10", {auth})',
            "ask": lambda: service.ask("GET", "/api/v1/posts?limit=10", token=me), "table": "posts", "varying": {}, "draws": [],
        },
        "create": {
            "wrk": f'local headers = {auth}; headers["Content-Type"] = "application/json"; '
                   f'return wrk.format("POST", "/api/v1/posts", headers, {json.dumps(json.dumps(body))})',
            "ask": lambda: service.ask("POST", "/api/v1/posts", body, token=me), "table": "posts",
            # New ids rise, as the service's do, each client's in a row of their own.
            "varying": {r"0(?!1900000-).*": "('01990000-0000-7' || :row || '-8000-' || :serial)::uuid"},
            "draws": ["\\set row 100 + :client_id", "\\set serial :serial + 1"],
        },
        "vote": {
            # Each of two threads walks its half of the posts, one voter a walk, so that every vote is a new one.
            "wrk": f'local at, walk = (asked - 1) % {half}, math.floor((asked - 1) / {half}); return wrk.format("PUT", '
                   f'string.format("/api/v1/posts/{POST}%d/vote", {ZERO} + at + number * {half}), {{Authorization = tokens[walk % #tokens + 1]}})',
            "ask": lambda: service.ask("PUT", f"/api/v1/posts/{post}/vote", token=me), "table": "post",
            "varying": {**drawn, re.escape(user(USERS - 1)): f"('{USER}' || :voter)::uuid"}, "draws": draws,
        },
        "sign_in": {
            "wrk": 'return wrk.format("POST", "/auth/token", {["Content-Type"] = "application/x-www-form-urlencoded"}, '
                   f'string.format("grant_type=password&username=user%d&password={PASSWORD.replace(" ", "+")}", math.random(0, {USERS - 1})))',
        },
        "metrics": {"wrk": 'return wrk.format("GET", "/metrics", {})', "url": service.ops},
    }


def wrk(url, folder, request, tokens, clients, seconds):
    """Load that asks again as soon as it is answered. `request` is the body of wrk's Lua function."""
    (folder / "load.lua").write_text(LUA % {"tokens": " ".join(tokens), "request": request})
    out = run("wrk", f"-t{min(2, os.cpu_count(), clients)}", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "-s", folder / "load.lua", url)
    asked, microseconds, p50, p99, wrong = map(int, re.search(r"^SEEN (\d+) (\d+) (\d+) (\d+) (\d+)", out, re.M).groups())
    return {"done": asked, "rate": asked / microseconds * 1e6, "p50_ms": p50 / 1000, "p99_ms": p99 / 1000, "wrong": wrong}
