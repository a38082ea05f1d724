"""What the benchmarks of models share: a random forest and a network, Python with what makes and runs them, and putting one into
production."""

import hashlib
import json
import os
import pathlib
import sys
import time
import urllib.request

from measure import run

HERE = pathlib.Path(__file__).resolve().parent
FEATURES = 20
MAKE = """
import sys, numpy, onnx
from onnx import helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
random = numpy.random.default_rng(7)
X = random.normal(size=(4000, 20)).astype(numpy.float32)
kind = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
forest = RandomForestClassifier(100, max_depth=10, random_state=0).fit(X, kind)
made = to_onnx(forest, X[:1], options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
open(sys.argv[1] + "/forest.onnx", "wb").write(made.SerializeToString())
nodes, weights, name, sizes = [], [], "X", [20, 256, 256, 64, 2]
for number, (rows, columns) in enumerate(zip(sizes, sizes[1:])):
    for kind, shape in ("w", (rows, columns)), ("b", (columns,)):
        values = (random.normal(size=shape) / numpy.sqrt(rows)).astype(numpy.float32)
        weights.append(numpy_helper.from_array(values, f"{kind}{number}"))
    last = number == len(sizes) - 2
    nodes.append(helper.make_node("Gemm", [name, f"w{number}", f"b{number}"], ["y" if last else f"g{number}"]))
    name = f"r{number}"
    if not last:
        nodes.append(helper.make_node("Relu", [f"g{number}"], [name]))
tensor = lambda name, width: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", width])
graph = helper.make_graph(nodes, "network", [tensor("X", 20)], [tensor("y", 2)], weights)
network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
open(sys.argv[1] + "/network.onnx", "wb").write(network.SerializeToString())
"""


def python():
    """An interpreter with the pinned libraries, and where those of the models are."""
    said = run(HERE.parent / "scripts/model-check", "--environment")
    library = dict(line.split("=", 1) for line in said.splitlines())["CHARTROOM_ONNXRUNTIME"]
    packages = pathlib.Path(library).parents[2]
    pins = HERE / "models-peer.txt"
    cache = pathlib.Path(os.environ.get("CI_CACHE", pathlib.Path.home() / ".cache/chartroom"))
    venv = cache / f"models-peer-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"
    if not (venv / "complete").exists():
        run(sys.executable, "-m", "venv", "--clear", venv)
        run(venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", pins)
        (venv / "complete").touch()
    return venv / "bin/python", {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1", "ORT_DISABLE_TELEMETRY": "1"}, library


def upload(service, token, project, name, file):
    service.ask("POST", "/api/v1/models", {"project_id": project, "name": name}, token)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{service.url}/api/v1/models/{name}/versions", file.read_bytes(), headers, method="POST")
    version = json.load(urllib.request.urlopen(request, timeout=60))
    for _ in range(300):
        if version["state"] != "checking":
            break
        time.sleep(0.1)
        version = json.loads(service.ask("GET", f"/api/v1/models/{name}/versions/1", token=token))
    if version["state"] != "ready":
        sys.exit(f"the model is {version}")
    service.ask("PUT", f"/api/v1/models/{name}/aliases/production", {"version": 1}, token)
