"""What people do with mails, on a service that sends them, read by Python's own parser.

    use.py URL FOLDER NAME

FOLDER is where the mail server keeps what comes; NAME is of nobody yet.
"""

import email
import email.policy
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

url, folder, name = sys.argv[1:]
first, second = "a long way to the sea", "another way to the sea"


def ask(method, target, body=None, token=None, kind="application/json"):
    data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    request = urllib.request.Request(url + target, data, {"content-type": kind}, method=method)
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def expect(wanted, answer):
    assert answer[0] == wanted, answer
    return answer[1]


def signed_in(who, password):
    form = urllib.parse.urlencode({"grant_type": "password", "username": who, "password": password})
    answer = ask("POST", "/auth/token", form.encode(), kind="application/x-www-form-urlencoded")
    return expect(200, answer)["access_token"]


def mail(to, subject):
    """The one mail with this subject, which is removed."""
    for _ in range(300):
        for file in Path(folder).glob("*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if message["to"] == to and subject in message["subject"]:
                file.unlink()
                return message
        time.sleep(0.1)
    raise AssertionError(f"no mail {subject!r} to {to}")


def link(message, what):
    """What the link has behind its `=`, the same in both forms."""
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    start = f"{url}/mail#{what}="
    token = text.split(start, 1)[1].split()[0]
    assert f'href="{start}{token}"' in html, html
    return token


ann, bob = f"{name}-ann", f"{name}-bob"
for who in (ann, bob):
    address = f"{who}@example.org"
    body = {"email": address, "username": who, "password": first}
    expect(201, ask("POST", "/api/v1/users", body))
    message = mail(address, "Confirm your address")
    assert message["from"] == "Chartroom <chartroom@example.com>", message["from"]
    assert message["auto-submitted"] == "auto-generated"
    assert message["message-id"].startswith("<") and message["date"].datetime
    assert not message.defects, message.defects
    expect(204, ask("POST", "/auth/email/confirm", {"token": link(message, "confirm")}))
    me = expect(200, ask("GET", "/api/v1/me", token=signed_in(who, first)))
    assert me["email_state"] == "ok", me
print("addresses are confirmed")

expect(202, ask("POST", "/auth/password-reset", {"email": f"{bob}@example.org"}))
message = mail(f"{bob}@example.org", "A new password")
reset = {"token": link(message, "reset"), "new": second}
expect(204, ask("POST", "/auth/password-reset/confirm", reset))
expect(422, ask("POST", "/auth/password-reset/confirm", reset))
of_ann, of_bob = signed_in(ann, first), signed_in(bob, second)
print("a password is set by a link")

project = expect(201, ask("POST", "/api/v1/projects", {"name": "Zensus äöü <1>"}, of_ann))["id"]
guest = f"{name}-guest@example.org"
invitations = f"/api/v1/projects/{project}/invitations"
invitation = expect(201, ask("POST", invitations, {"email": guest, "role": "editor"}, of_ann))["id"]
message = mail(guest, "Invitation to the project \"Zensus äöü <1>\"")
assert not message.defects, message.defects
for _ in range(100):
    shown = expect(200, ask("GET", f"{invitations}/{invitation}", token=of_ann))
    if shown["letter"] == "sent":
        break
    time.sleep(0.1)
assert shown["letter"] == "sent", shown
accept = {"token": link(message, "invite"), "password": first, "username": f"{name}-guest"}
accepted = expect(200, ask("POST", "/auth/invitations/accept", accept))
assert accepted["role"] == "editor" and accepted["project_id"] == project, accepted
expect(422, ask("POST", "/auth/invitations/accept", accept))
of_guest = signed_in(guest, first)
assert expect(200, ask("GET", "/api/v1/me", token=of_guest))["email_state"] == "ok"
assert expect(200, ask("GET", f"/api/v1/projects/{project}", token=of_guest))["role"] == "editor"
print("an invitation is accepted by a newcomer")

added = "/api/v1/me/preferences/chartroom.member.added"
expect(200, ask("PUT", added, {"mail": "now"}, of_bob))
me = expect(200, ask("GET", "/api/v1/me", token=of_bob))["id"]
expect(201, ask("PUT", f"/api/v1/projects/{project}/members/{me}", {"role": "viewer"}, of_ann))
message = mail(f"{bob}@example.org", "Zensus äöü <1>")
assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
stop = message["list-unsubscribe"].strip("<>")
assert stop.startswith(url), stop
stop = stop.removeprefix(url)
expect(405, ask("GET", stop))
mode = lambda: [it["mail"] for it in expect(200, ask("GET", "/api/v1/me/preferences", token=of_bob))["items"]
                if it["type"] == "chartroom.member.added"]
assert mode() == ["now"]
expect(204, ask("POST", stop, b"List-Unsubscribe=One-Click", kind="application/x-www-form-urlencoded"))
assert mode() == ["off"]
print("a mail stops by its own link")
