"""Runs the cases in their order, each on its own, and prints what came of them. Started by `run`."""

import importlib
import os
import sys
import time
import traceback

from kube import Failed, Space

# Module and function; what a case is about stands in its first line.
CASES = {
    "operator": "operator.operator",
    "install": "install.defaults",
    "install-named": "install.named_like_the_chart",
    "rights": "rights.rights",
    "reinstall": "lifecycle.reinstall",
    "storage-class": "lifecycle.storage_class",
    "interrupted": "lifecycle.interrupted",
    "serving": "serving.serving",
    "workloads": "workloads.workloads",
    "workers": "workers.workers",
    "models": "models.models",
    "models-apart": "models.apart",
    "models-scaled": "scaling.scaled",
    "models-wider": "scaling.wider",
    "monitoring": "monitoring.monitoring",
    "modes": "modes.modes",
    "missing-rights": "modes.missing_rights",
    "rotation": "rotation.rotation",
    "failover": "failover.failover",
    "followed": "failover.followed",
    "lossy": "failover.lossy",
    "standby": "failover.standby",
    "skaffold": "loop.skaffold",
    "skaffold-dev": "loop.skaffold_dev",
    "skaffold-ha": "loop.skaffold_ha",
    "skaffold-external": "loop.skaffold_external",
}


def main(wanted):
    cases = {name: function(where) for name, where in CASES.items()}
    if wanted == ["--list"]:
        for name, case in cases.items():
            print(f"{name:16} {case.__doc__.splitlines()[0]}")
        return 0
    unknown = [name for name in wanted if name not in cases]
    if unknown:
        print(f"there is no case {' '.join(unknown)}; --list names them", file=sys.stderr)
        return 64
    rows = []
    # Of a cluster that was not made for it, nobody knows how to get an operator into it.
    for name in wanted or (name for name in cases if name != "operator" or "E2E_OPERATOR" in os.environ):
        print(f"\n== {name}: {cases[name].__doc__.splitlines()[0]}", flush=True)
        began, outcome = time.monotonic(), "passed"
        try:
            with Space(f"e2e-{name}") as space:
                cases[name](space)
        except Exception as problem:
            outcome = "FAILED"
            print(f"FAILED: {problem}" if isinstance(problem, Failed) else traceback.format_exc(), flush=True)
        rows.append((outcome, time.monotonic() - began, name))
    print()
    for outcome, seconds, name in rows:
        print(f"{outcome}  {seconds:5.0f} s  {name:16} {cases[name].__doc__.splitlines()[0]}")
    failed = sum(outcome == "FAILED" for outcome, _, _ in rows)
    print(f"\n{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def function(where):
    module, name = where.split(".")
    return getattr(importlib.import_module(f"cases.{module}"), name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
