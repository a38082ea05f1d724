"""What benches/pages measures, once there is something to show.

    pages.py URL PROJECT DATASET TURNS ROUNDS
"""

import html
import http.client
import json
import re
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

PAGES = [
    "/projects", f"/projects/{project}", "/posts", f"/posts/{post['id']}",
    "/datasets", f"/datasets/{dataset}", f"/datasets/{dataset}/profile", f"/datasets/{dataset}/versions", f"/datasets/{dataset}/imports",
    "/models", f"/models/{model['name']}",
    "/notifications", "/me", "/me/sessions", "/me/tokens", "/admin", "/admin/audit", "/admin/jobs",
]


def calls_of(page):
    """The calls that its foot names."""
    pages.connection.request("GET", page, headers={**pages.headers, "accept": "text/html"})
    text = html.unescape(pages.connection.getresponse().read().decode())
    named = re.search(r'<code id="call">(.*?)</code>', text, re.DOTALL)[1]
    return [urllib.parse.urlsplit(target)._replace(scheme="", netloc="").geturl() for target in re.findall(r"'(http[^']+)'", named)]


def round_of(page, targets):
    """The medians of one round, in turns; of the calls it is their sum."""
    page_took = lambda: pages.took(page, "text/html")
    calls_took = lambda: sum(calls.took(target, "application/json") for target in targets)
    ways = [(page_took, []), (calls_took, [])]
    for took, _ in ways * 5:
        took()
    for turn in range(turns):
        for took, found in ways if turn % 2 == 0 else reversed(ways):
            found.append(took())
    return [statistics.median(found) for _, found in ways]


def named(target):
    return target.replace(project, "{id}").replace(dataset, "{id}").replace(post["id"], "{id}").replace(model["name"], "{name}")


over = 0
print(f"{turns} turns, {rounds} rounds; milliseconds, medians of rounds")
print(f"{'page':34}{'calls':>8}{'page':>8}{'API':>8}{'ratio':>8}")
for page in PAGES:
    targets = calls_of(page)
    both = [round_of(page, targets) for _ in range(rounds)]
    ratio = statistics.median(page / call for page, call in both)
    one, other = (statistics.median(column) for column in zip(*both))
    over += ratio > GOAL
    mark = "  above the goal" if ratio > GOAL else ""
    print(f"{named(page):34}{len(targets):8}{one:8.2f}{other:8.2f}{ratio:8.2f}{mark}", flush=True)
print(f"{over} of {len(PAGES)} pages are above {GOAL}")
