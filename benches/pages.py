"""What benches/pages measures, once there is something to show.

    pages.py URL PROJECT DATASET TURNS ROUNDS
"""

import http.client
import json
import statistics
import sys
import time
import urllib.parse

url, project, dataset, turns, rounds = sys.argv[1:]
turns, rounds = int(turns), int(rounds)
host = urllib.parse.urlsplit(url).netloc
GOAL = 1.3


class Seat:
    """A connection of its own, with the session of the administrator."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(host, timeout=60)
        self.headers = {}
        form = urllib.parse.urlencode({"username": "admin@example.org", "password": "a long way to the sea"})
        kind = {"content-type": "application/x-www-form-urlencoded", "origin": url}
        self.connection.request("POST", "/auth/login", form, kind)
        answer = self.connection.getresponse()
        answer.read()
        cookie = answer.getheader("set-cookie")
        assert cookie, answer.status
        self.headers = {"cookie": cookie.split(";")[0], "origin": url}

    def send(self, method, target, body=None):
        headers = {**self.headers, "content-type": "application/json"}
        self.connection.request(method, target, json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), (method, target, answer.status, text[:300])
        return json.loads(text)

    def took(self, target, accept):
        """How many milliseconds an answer takes, from the request to its last byte."""
        begin = time.perf_counter()
        self.connection.request("GET", target, headers={**self.headers, "accept": accept})
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begin) * 1000
        assert answer.status == 200, (target, answer.status, body[:300])
        kind = answer.getheader("content-type")
        assert kind.startswith(accept), (target, kind)
        return took


pages, calls = Seat(), Seat()
for number in range(30):
    calls.send("POST", "/api/v1/projects", {"name": f"project {number}"})
    model = calls.send("POST", "/api/v1/models", {"project_id": project, "name": f"model-{number}"})
    text = f"About *{number}*.\n\n" + "A line of it.\n" * 20
    post = calls.send("POST", "/api/v1/posts", {"project_id": project, "title": f"post {number}", "content": text})

# Each page, and the call that its foot names.
PAIRS = [
    ("/projects", "/api/v1/projects"),
    (f"/projects/{project}", f"/api/v1/projects/{project}"),
    ("/posts", "/api/v1/posts"),
    (f"/posts/{post['id']}", f"/api/v1/posts/{post['id']}"),
    ("/datasets", "/api/v1/datasets"),
    (f"/datasets/{dataset}", f"/api/v1/datasets/{dataset}/records"),
    (f"/datasets/{dataset}/profile", f"/api/v1/datasets/{dataset}/profile"),
    (f"/datasets/{dataset}/versions", f"/api/v1/datasets/{dataset}/versions"),
    (f"/datasets/{dataset}/imports", f"/api/v1/datasets/{dataset}/imports"),
    ("/models", "/api/v1/models"),
    (f"/models/{model['name']}", f"/api/v1/models/{model['name']}"),
    ("/notifications", "/api/v1/me/notifications"),
    ("/me", "/api/v1/me"),
    ("/me/sessions", "/api/v1/me/sessions"),
    ("/me/tokens", "/api/v1/me/tokens"),
    ("/admin", "/api/v1/users"),
    ("/admin/audit", "/api/v1/audit"),
    ("/admin/jobs", "/api/v1/jobs"),
]


def round_of(page, call):
    """The medians of one round, in turns."""
    ways = [(pages, page, "text/html"), (calls, call, "application/json")]
    found = {page: [], call: []}
    for seat, target, accept in ways * 5:
        seat.took(target, accept)
    for turn in range(turns):
        for seat, target, accept in ways if turn % 2 == 0 else reversed(ways):
            found[target].append(seat.took(target, accept))
    return statistics.median(found[page]), statistics.median(found[call])


def named(target):
    return target.replace(project, "{id}").replace(dataset, "{id}").replace(post["id"], "{id}").replace(model["name"], "{name}")


over = 0
print(f"{turns} turns, {rounds} rounds; milliseconds, medians of rounds")
print(f"{'page':34}{'page':>8}{'API':>8}{'ratio':>8}")
for page, call in PAIRS:
    both = [round_of(page, call) for _ in range(rounds)]
    ratio = statistics.median(page / call for page, call in both)
    one, other = (statistics.median(column) for column in zip(*both))
    over += ratio > GOAL
    mark = "  above the goal" if ratio > GOAL else ""
    print(f"{named(page):34}{one:8.2f}{other:8.2f}{ratio:8.2f}{mark}", flush=True)
print(f"{over} of {len(PAIRS)} pages are above {GOAL}")
