"""Stands in for a metrics adapter, in a pod: answers external.metrics.k8s.io with how many questions to models wait.

    python3 adapter.py METRIC HOST FOLDER

It asks each address of HOST, a headless Service of the API's pods, for /metrics. What they add to the seconds that questions have
waited, by the second, is the number of questions that wait on average: the PromQL sum(rate(model_queue_seconds_sum[10s])). FOLDER has
tls.crt and tls.key. It needs no right in the cluster and lets in whoever reaches it, since the number is no secret.
"""

import collections
import datetime
import http.server
import json
import re
import socket
import ssl
import sys
import threading
import time
import urllib.request

METRIC, HOST, FOLDER = sys.argv[1:]
GROUP, WINDOW, EVERY = "external.metrics.k8s.io/v1beta1", 10, 1
SUM = re.compile(r"^model_queue_seconds_sum\{[^}]*\} (\S+)$", re.M)

lock = threading.Lock()
# Of each address: when, and how many seconds were waited by then.
known = collections.defaultdict(collections.deque)


def waited(address):
    with urllib.request.urlopen(f"http://{address}:9090/metrics", timeout=2) as answer:
        return sum(float(value) for value in SUM.findall(answer.read().decode()))


def look():
    addresses = {found[4][0] for found in socket.getaddrinfo(HOST, None, socket.AF_INET)}
    for address in addresses:
        try:
            sample = time.monotonic(), waited(address)
        except OSError as error:
            print(f"{address}: {error}", flush=True)
            continue
        with lock:
            samples = known[address]
            if samples and sample[1] < samples[-1][1]:
                # Another process counts from nought.
                samples.clear()
            samples.append(sample)
    with lock:
        for address, samples in list(known.items()):
            while samples and samples[0][0] < time.monotonic() - WINDOW:
                samples.popleft()
            if not samples:
                del known[address]


def look_forever():
    while True:
        try:
            look()
        except OSError as error:
            print(f"{HOST}: {error}", flush=True)
        time.sleep(EVERY)


def waiting():
    """None where nothing is known."""
    with lock:
        pairs = [(samples[0], samples[-1]) for samples in known.values() if len(samples) > 1]
    rates = [(last - first) / (until - since) for (since, first), (until, last) in pairs]
    return sum(rates) if rates else None


def value():
    """A list of one, as adapters answer, or of none."""
    number = waiting()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    one = {"metricName": METRIC, "metricLabels": {}, "timestamp": now, "value": f"{round((number or 0) * 1000)}m"}
    return {"kind": "ExternalMetricValueList", "apiVersion": GROUP, "metadata": {}, "items": [] if number is None else [one]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 60

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == f"/apis/{GROUP}":
            resource = {"name": METRIC, "singularName": "", "namespaced": True, "kind": "ExternalMetricValueList", "verbs": ["get"]}
            self.say(200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": [resource]})
        elif re.fullmatch(f"/apis/{GROUP}/namespaces/[^/]+/{METRIC}", path):
            self.say(200, value())
        else:
            self.say(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})

    def say(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


threading.Thread(target=look_forever, daemon=True).start()
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(f"{FOLDER}/tls.crt", f"{FOLDER}/tls.key")
server = http.server.ThreadingHTTPServer(("", 8443), Handler)
# In the thread of its connection, so that a silent one keeps nobody else out.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
