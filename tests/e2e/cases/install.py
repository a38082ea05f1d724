"""The first install: what is there before what, and how long each step takes."""

import time
from datetime import datetime

from kube import HELM, need, run
from release import Release


def at(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def defaults(space):
    """helm install with the defaults: secrets and database before the first pod"""
    steps(Release(space))


def named_like_the_chart(space):
    """the same as a release called chartroom, whose Service would be in the pods' variables"""
    steps(Release(space, "chartroom"))


def steps(release):
    space, began = release.space, time.time()
    release.install(ready=False)
    returned = time.time()
    release.ready()
    pods = release.pods()
    need(pods, "there is no pod of the API")
    first = min(at(pod["metadata"]["creationTimestamp"]) for pod in pods)
    made = {}
    for what in [f"secret/{release.fullname}-keys", f"secret/{release.fullname}-db", f"secret/{release.fullname}-db-app", f"cluster/{release.cluster}"]:
        found = space.get(what)
        need(found, f"{what} is not there")
        made[what] = at(found["metadata"]["creationTimestamp"])
        need(made[what] <= first, f"{what} was made at {made[what]}, after the first pod of the API at {first}")
    left = [job["metadata"]["name"] for job in space.items("jobs", "--selector", f"app.kubernetes.io/instance={release.name}")]
    need(not left, f"the hooks left Jobs behind: {left}")
    restarts = sum(status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"])
    need(restarts == 0, f"the API's pods restarted {restarts} times")

    # The Jobs are gone by now; their events stay. Whole seconds, as Kubernetes keeps them.
    ends = {
        event["involvedObject"]["name"]: at(event.get("lastTimestamp") or event["eventTime"])
        for event in space.items("events", "--field-selector", "involvedObject.kind=Job,reason=Completed")
    }
    ready = max(at(condition["lastTransitionTime"]) for pod in pods for condition in pod["status"]["conditions"] if condition["type"] == "Ready")
    before = began
    for step, end in [
        ("helm, until the Cluster is made", made[f"cluster/{release.cluster}"].timestamp()),
        ("provision: until it can be written to", ends[f"{release.fullname}-provision"].timestamp()),
        ("migrate", ends[f"{release.fullname}-migrate"].timestamp()),
        ("helm returns", returned),
        ("all pods of the API are ready", max(ready.timestamp(), returned)),
    ]:
        print(f"{max(end - before, 0):6.0f} s  {step}")
        before = end
    print(f"{before - began:6.0f} s  from install to ready")
