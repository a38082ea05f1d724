"""An open-loop client in a pod: writes and reads leave on a schedule that the answers cannot slow down.

Half of them go over connections of their own, half over kept ones. Ends when /tmp/stop is there, or after SECONDS; then reads
back every post that was acknowledged, and counts those that are there twice. Prints a JSON document.

    python3 client.py URL PER_SECOND SECONDS [--insist]

With --insist a write that failed is sent again under the same Idempotency-Key until it is acknowledged.
"""

import http.client
import json
import os
import queue
import sys
import threading
import time
import urllib.parse

URL, PER_SECOND, SECONDS = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
INSIST = "--insist" in sys.argv
WORKERS, PATIENCE = 48, 30

started = time.monotonic()
work = queue.Queue()
lock = threading.Lock()
done, failures, acknowledged, slowest, latest_ack, longest_gap, again = {}, [], {}, 0.0, None, 0.0, 0


def connection():
    return http.client.HTTPConnection(URL.hostname, URL.port or 80, timeout=PATIENCE)


def ask(method, path, body=None, headers=None, over=None):
    over = over or connection()
    is_kept = over.sock is not None
    try:
        over.request(method, path, body, headers or {})
        answer = over.getresponse()
    except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
        over.close()
        if not is_kept:
            raise
        # As clients do with a kept connection that ends before an answer: once more, over a new one. A write has its key.
        global again
        again += 1
        over.request(method, path, body, headers or {})
        answer = over.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def account():
    """Registers and signs in, which may meet whatever goes on."""
    name = f"{os.urandom(12).hex()}@example.org"
    password = os.urandom(12).hex()
    ask("POST", "/api/v1/users", json.dumps({"email": name, "password": password}), {"Content-Type": "application/json"})
    form = urllib.parse.urlencode({"grant_type": "password", "username": name, "password": password})
    status, _, text = ask("POST", "/auth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200, text
    return {"Authorization": f"Bearer {json.loads(text)['access_token']}"}


def request(number, over):
    """One write in four; the others read what was written last, or the list."""
    if number % 4 == 0:
        # The title is the key: of two posts with one title, one is a duplicate.
        key = f"load-{os.getpid()}-{started:.6f}-{number}"
        body = json.dumps({"title": key, "content": "Written by a load test."})
        status, _, text = ask("POST", "/api/v1/posts", body, {**caller, "Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}, over)
        if status == 201:
            with lock:
                acknowledged[key] = json.loads(text)["id"]
        return status, 201, text
    with lock:
        last = next(reversed(acknowledged.values()), None) if number % 4 == 1 else None
    status, _, text = ask("GET", f"/api/v1/posts/{last}" if last else "/api/v1/posts?limit=5", None, caller, over)
    return status, 200, text


def attempt(number, over):
    try:
        status, wanted, text = request(number, over)
        return status == wanted, str(status), text[:200]
    except Exception as problem:
        if over:
            over.close()
        return False, type(problem).__name__, str(problem)


def worker(keeps):
    global slowest, latest_ack, longest_gap
    kept = connection() if keeps else None
    while (item := work.get()) is not None:
        number, due = item
        while True:
            fine, outcome, text = attempt(number, kept)
            now = time.monotonic()
            with lock:
                done[outcome] = done.get(outcome, 0) + 1
                slowest = max(slowest, now - due)
                if fine and number % 4 == 0:
                    longest_gap = max(longest_gap, now - (latest_ack or now))
                    latest_ack = now
                if not fine:
                    failures.append([round(due - started, 2), round(now - started, 2), "kept" if keeps else "fresh", number % 4 == 0, outcome, text])
            if fine or not INSIST or number % 4 != 0 or now - started > SECONDS + 60:
                break
            time.sleep(0.2)


def twice():
    """Titles of this run that more than one post has, and how many posts it has."""
    titles, path = [], "/api/v1/posts?limit=100"
    while path:
        status, headers, text = ask("GET", path, None, caller)
        assert status == 200, text
        page = json.loads(text)
        titles += [post["title"] for post in page["items"] if post["title"] in acknowledged]
        path = f"/api/v1/posts?limit=100&cursor={urllib.parse.quote(page['next'])}" if page.get("next") else None
    return len(titles) - len(set(titles))


caller = account()
threads = [threading.Thread(target=worker, args=(n % 2 == 0,)) for n in range(WORKERS)]
for thread in threads:
    thread.start()
print("begun", flush=True)
number = 0
while time.monotonic() - started < SECONDS and not os.path.exists("/tmp/stop"):
    due = started + number / PER_SECOND
    time.sleep(max(0, due - time.monotonic()))
    work.put((number, due))
    number += 1
for thread in threads:
    work.put(None)
for thread in threads:
    thread.join(PATIENCE * 3)
lost = []
for key, post in acknowledged.items():
    for _ in range(60):
        status = ask("GET", f"/api/v1/posts/{post}", None, caller)[0]
        if status != 503:
            break
        time.sleep(1)
    if status != 200:
        lost.append([key, status])
print(json.dumps({
    "planned": number,
    "outcomes": done,
    "failures": len(failures),
    "again_over_a_new_connection": again,
    "first_failures": failures[:20],
    "acknowledged": len(acknowledged),
    "lost": len(lost),
    "first_lost": lost[:5],
    "twice": twice(),
    "slowest_s": round(slowest, 2),
    "longest_without_a_write_s": round(longest_gap, 2),
}), flush=True)
