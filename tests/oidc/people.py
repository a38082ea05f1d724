"""What scripts/oidc-check has people do in a browser."""

import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

URL, DRIVER, NAME, ISSUER, LOGIN, WORK = sys.argv[1:7]
passed, failed = 0, 0


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


def check(what, is_so, shown=""):
    global passed, failed
    if is_so:
        passed += 1
        print(f"ok      {what}", flush=True)
    else:
        failed += 1
        print(f"FAILED  {what}\n        {shown}", flush=True)


class Browser:
    """One that nobody has used before."""

    def __init__(self, name):
        self.session = call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={WORK}/{name}",
            ]},
        }}})["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        call("DELETE", f"/session/{self.session}")

    def go(self, path):
        call("POST", f"/session/{self.session}/url", {"url": URL + path})

    def run(self, script, *arguments):
        return call("POST", f"/session/{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def here(self):
        return self.run("return location.href")

    def text(self):
        return self.run("return document.body.innerText")

    def click(self, selector):
        """Follows a link or sends a form, and waits for the page after it."""
        before = self.run("return performance.timeOrigin")
        if not self.run("const found = document.querySelector(arguments[0]); if (found) found.click(); return !!found", selector):
            raise SystemExit(f"{selector} is not at {self.here()}: {self.text()[:400]}")
        for _ in range(300):
            time.sleep(0.1)
            if self.run("return document.readyState === 'complete' && performance.timeOrigin") not in (False, before):
                return
        raise SystemExit(f"{selector} led nowhere")

    def there(self, who):
        """At the provider: its form to sign in, and the one to agree."""
        for _ in range(3):
            if not self.here().startswith(ISSUER):
                return
            for name, value in [("login", LOGIN.format(who)), ("password", who)]:
                self.run("const it = document.querySelector(`input[name=${arguments[0]}]`); if (it) it.value = arguments[1]", name, value)
            self.click("form button[type=submit]")

    def sign_in(self, who):
        self.go("/sign-in?next=/me")
        self.click("a[href^='/auth/oidc/sso']")
        self.there(who)


def first_account():
    body = {"email": "first@example.org", "password": "a long way to the sea"}
    request = urllib.request.Request(URL + "/api/v1/users", data=json.dumps(body).encode(), method="POST")
    request.add_header("content-type", "application/json")
    urllib.request.urlopen(request, timeout=30).close()


first_account()
secret = pathlib.Path(WORK) / "secret"
with Browser("ada") as ada:
    ada.sign_in("ada")
    check("ada comes where she wanted", ada.here() == URL + "/me", ada.here() + "\n" + ada.text()[:600])
    shown = ada.text()
    check("and the account is hers", "ada@example.org" in shown and f"{NAME}, since" in shown, shown[:600])
    check("and her group lets her administer", ada.run("return !!document.querySelector('a[href=\"/admin\"]')"), shown[:600])
    name = ada.run("return document.getElementsByName('username')[0].value")
    check("and she has the name that she has there", name == "ada", name)
    ada.click("header form button")
    check("she signs out here", "/sign-in" in ada.here(), ada.here())
    ada.go("/me")
    check("and is out", "/sign-in" in ada.here(), ada.here())
    ada.sign_in("ada")
    check("she comes again", ada.here() == URL + "/me", ada.here())
    good = secret.read_text()
    secret.write_text("another\n")
    ada.click("header form button")
    ada.sign_in("ada")
    check("a wrong secret lets nobody in", "You are not signed in" in ada.text(), ada.text()[:600])
    secret.write_text(good)
    ada.sign_in("ada")
    check("the right one does, without a restart", ada.here() == URL + "/me", ada.here())
with Browser("eve") as eve:
    eve.sign_in("eve")
    shown = eve.text()
    check("an email that nobody has verified lets nobody in", "You are not signed in" in shown and "verified" in shown, shown[:600])
    answer = eve.here()
    check("and the answer stands at the way back", answer.startswith(URL + "/auth/oidc/sso/callback?"), answer)
    eve.go(answer.removeprefix(URL))
    check("an answer that comes twice lets nobody in", "was not begun in this browser" in eve.text(), eve.text()[:600])
    eve.go("/me")
    check("and eve is out", "/sign-in" in eve.here(), eve.here())
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
