#!/usr/bin/env python3
"""Writes a post into a project whose owner has made this workload an editor. The standard library is enough."""

import json
import os
import socket
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ["CHARTROOM_URL"]
PROJECT = os.environ["PROJECT_ID"]
TOKEN = os.environ.get("TOKEN_FILE", "/var/run/secrets/chartroom/token")


def call(method, path, body=None):
    # The same key for every try: the same post is written once.
    key = str(uuid.uuid4())
    for left in reversed(range(5)):
        # Read for every request: the kubelet renews the file before the token in it ends.
        with open(TOKEN, encoding="ascii") as file:
            headers = {"Authorization": f"Bearer {file.read().strip()}"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers |= {"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
        request = urllib.request.Request(URL + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or not left:
                raise SystemExit(f"{method} {path}: {error.read().decode()}") from error
            time.sleep(int(error.headers.get("Retry-After", 1)))


print(call("GET", f"/api/v1/projects/{PROJECT}"))
print(call("POST", "/api/v1/posts", {"project_id": PROJECT, "title": "From a pod", "content": f"Written by {socket.gethostname()}."}))
