"""Drives a browser through the console and takes a picture of every page; see console-shots."""

import base64
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

URL, DRIVER, OUT, WORK = sys.argv[1:5]
PASSWORD = "a long way to the sea"


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(DRIVER + path, data=data, method=method)
    request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        told = json.load(error)["value"]["message"].splitlines()[0]
        raise SystemExit(f"{method} {path}: {told}") from None


session = call("POST", "/session", {"capabilities": {"alwaysMatch": {
    "browserName": "chrome",
    "goog:loggingPrefs": {"browser": "ALL"},
    "goog:chromeOptions": {"args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={WORK}/profile",
    ]},
}}})["sessionId"]
HERE = f"/session/{session}"


def go(path):
    call("POST", HERE + "/url", {"url": URL + path})


def run(script, *arguments):
    return call("POST", HERE + "/execute/sync", {"script": script, "args": list(arguments)})


def fill(**fields):
    for name, text in fields.items():
        run("const f = document.getElementsByName(arguments[0])[0]; f.value = arguments[1];", name, text)


def send(selector="main form button.main"):
    before = run("return performance.timeOrigin")
    run("document.querySelector(arguments[0]).click()", selector)
    for _ in range(300):
        time.sleep(0.1)
        if run("return document.readyState === 'complete' && performance.timeOrigin") not in (False, before):
            return
    raise SystemExit(f"{selector} led nowhere")


def path():
    return run("return location.pathname + location.search")


def shot(name, width, theme):
    call("POST", HERE + "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
        "features": [{"name": "prefers-color-scheme", "value": theme}]}})
    call("POST", HERE + "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
        "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}})
    wide = run("return document.documentElement.scrollWidth")
    if wide > width:
        print(f"{name}: {wide} px wide at {width}")
    high = min(run("return document.documentElement.scrollHeight"), 2400)
    call("POST", HERE + "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
        "width": width, "height": max(high, 500), "deviceScaleFactor": 1, "mobile": False}})
    picture = call("GET", HERE + "/screenshot")
    file = pathlib.Path(OUT) / f"{name}-{width}-{theme}.png"
    file.write_bytes(base64.b64decode(picture))


def shots(name):
    for width, theme in [(1280, "light"), (320, "light"), (1280, "dark"), (320, "dark")]:
        shot(name, width, theme)


go("/")
shots("first-account")
fill(email="ada@example.org", password=PASSWORD, username="ada", name="Ada L.")
send()
shots("home-empty")
send("main form button.main")
dataset = path()
for _ in range(60):
    if run("return document.querySelectorAll('tbody tr').length") > 0:
        break
    time.sleep(1)
    go(dataset)
shots("dataset-table")
for page in ["profile", "versions", "imports", "import", "settings", "difference"]:
    go(f"{dataset}/{page}")
    shots(f"dataset-{page}")
go(f"{dataset}?sort=-male_income&race=White&age_range__covers=28")
shots("dataset-filtered")
go(f"{dataset}/compare?by=race&groups=White,Asian&measures=male_income_2019&period=year&at=2019&base=2009&age_range__covers=28")
shots("dataset-compare")
go(f"{dataset}/imports")
run("document.querySelector('tbody a').click()")
time.sleep(1)
shots("dataset-import-one")
go("/projects/new")
shots("project-new")
fill(name="Census of clubs", description="Who is in **which** club.\n\n- one\n- two", expires_at="2026-12-20T10:00", reminders="P7D,P1D")
send()
project = path()
shots("project")
go(f"{project}/edit")
shots("project-edit")
go("/posts/new?project_id=" + project.split("/")[-1])
fill(title="What the table says", content="# A heading\n\nSome *text* with `code` and a [link](https://example.org).\n\n> said\n\n| a | b |\n|---|---|\n| 1 | 2 |")
shots("post-new")
send()
post = path()
shots("post")
go(f"{post}/edit")
version = run("return document.getElementsByName('etag')[0].value")
run("document.getElementsByName('etag')[0].value = '\"0\"'; document.getElementsByName('before.title')[0].value = 'As it was'; document.getElementsByName('title')[0].value = 'What I say'")
send()
shots("conflict")
for name, page in [
    ("home", "/home"), ("projects", "/projects"), ("posts", "/posts"), ("datasets", "/datasets"),
    ("me", "/me"), ("sessions", "/me/sessions"), ("tokens", "/me/tokens"), ("password", "/me/password"),
    ("notifications", "/notifications"), ("notification-settings", "/notifications/settings"),
    ("admin-users", "/admin"), ("admin-audit", "/admin/audit"), ("admin-jobs", "/admin/jobs"),
    ("missing", "/projects/none"), ("dataset-new", "/datasets/new"),
]:
    go(page)
    shots(name)
go("/me/tokens")
fill(name="laptop")
send()
shots("token-made")
go("/projects")
run("document.querySelector('#keys').showModal()")
shots("keys")
go("/me")
send("header form button")
shots("sign-in")
for entry in call("POST", HERE + "/se/log", {"type": "browser"}):
    if "404 (Not Found)" not in entry["message"] and "412 (Precondition" not in entry["message"]:
        print(entry["level"], entry["message"])
call("DELETE", HERE)
