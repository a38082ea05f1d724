"""Follows the feed with httpx-sse, cut off after every fortieth event, and by what is on the way, while somebody changes a project;
parses each event with cloudevents. Arguments: URL, authorization, id of the project, number of the last event to come, and the URL by
which the project is changed."""

import json
import sys
import threading
import time

import httpx
from cloudevents.v1.http import from_json
from httpx_sse import connect_sse

url, authorization, project, last, straight = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
headers = {"authorization": authorization}
start = json.loads(httpx.get(f"{straight}/api/v1/events?after=0", headers=headers).text)["next"]


def change():
    for nth in range(last - start):
        answer = httpx.patch(
            f"{straight}/api/v1/projects/{project}",
            headers={**headers, "content-type": "application/merge-patch+json"},
            content=json.dumps({"description": str(nth)}),
        )
        answer.raise_for_status()
        time.sleep(0.05)


writer = threading.Thread(target=change)
writer.start()
met, cuts, broken, resume = [], 0, 0, "0"
while not met or met[-1] < last:
    try:
        with httpx.Client(headers=headers, timeout=30) as client:
            with connect_sse(client, "GET", f"{url}/api/v1/events", headers={"last-event-id": resume}) as source:
                source.response.raise_for_status()
                messages = (message for message in source.iter_sse() if message.event == "message")
                for nth, message in enumerate(messages, 1):
                    event = from_json(message.data)
                    assert event["sequence"] == message.id, (event["sequence"], message.id)
                    assert event["type"].startswith("chartroom."), event["type"]
                    met.append(int(message.id))
                    resume = message.id
                    if nth == 40 or met[-1] == last:
                        cuts += 1
                        break
    except httpx.TransportError:
        broken += 1
writer.join()
assert met == list(range(1, last + 1)), met
assert broken > 0, "nobody on the way has cut a stream"
print(f"httpx-sse and cloudevents: {len(met)} events over {cuts + broken} streams, {broken} of them cut on the way, each once and in order")
