"""Whether the service serves models to a client that nobody here wrote: NVIDIA's tritonclient, beside Python's onnxruntime.

    service.py URL USERNAME PASSWORD

Prints a line for each check.
"""

import csv
import hashlib
import io
import json
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

import numpy
import onnxruntime
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

import models

URL, USERNAME, PASSWORD = sys.argv[1:]
ROWS = 20
# More than are asked about at once.
RECORDS = 2500
TYPES = {"tensor(float)": "FP32", "tensor(double)": "FP64", "tensor(int64)": "INT64", "tensor(string)": "BYTES", "tensor(uint8)": "UINT8", "tensor(int32)": "INT32"}


def call(method, path, body=None, kind="application/json", token=None):
    """The status and the body."""
    headers = {"content-type": kind}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def sign_in():
    form = urllib.parse.urlencode({"grant_type": "password", "username": USERNAME, "password": PASSWORD}).encode()
    status, answer = call("POST", "/auth/token", form, "application/x-www-form-urlencoded")
    assert status == 200, answer
    return answer["access_token"]


TOKEN = sign_in()
def headers():
    """Anew each time, since the client adds to what it is given."""
    return {"Authorization": f"Bearer {TOKEN}"}


def session(made):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])


def table(value):
    """What a ZipMap made of a table, as the table again."""
    if isinstance(value, list):
        return numpy.array([[row[label] for label in row] for row in value], dtype=numpy.float32)
    return value


def upload(project, name, made):
    """A model that is in production, by its name."""
    status, answer = call("POST", "/api/v1/models", {"project_id": project, "name": name}, token=TOKEN)
    assert status == 201, answer
    status, answer = call("POST", f"/api/v1/models/{name}/versions", made, "application/octet-stream", TOKEN)
    assert status == 201, answer
    until = time.monotonic() + 60
    while answer["state"] == "checking" and time.monotonic() < until:
        time.sleep(0.2)
        _, answer = call("GET", f"/api/v1/models/{name}/versions/1", token=TOKEN)
    assert answer["state"] == "ready", answer
    assert answer["sha256"] == hashlib.sha256(made).hexdigest()
    status, answer = call("PUT", f"/api/v1/models/{name}/aliases/production", {"version": 1}, token=TOKEN)
    assert status == 200, answer


def asked(client, name, python, values, binary):
    """What the service answers, output by output."""
    inputs = []
    for declared, value in zip(python.get_inputs(), values):
        kind = TYPES[declared.type]
        value = numpy.asarray(value)
        if kind == "BYTES":
            value = numpy.array([str(it).encode() for it in value.ravel()], dtype=object).reshape(value.shape)
        tensor = triton.InferInput(declared.name, list(value.shape), kind)
        tensor.set_data_from_numpy(value, binary_data=binary)
        inputs.append(tensor)
    names = [it["name"] for it in client.get_model_metadata(name, headers=headers())["outputs"]]
    outputs = [triton.InferRequestedOutput(it, binary_data=binary) for it in names]
    answer = client.infer(name, inputs, outputs=outputs, headers=headers(), request_id="one")
    told = answer.get_response()
    assert (told["model_name"], told["model_version"], told["id"]) == (name, "1", "one"), told
    return [answer.as_numpy(it) for it in names]


def is_same(one, other, exact):
    if one.dtype.kind in "OUS":
        text = [it.decode() if isinstance(it, bytes) else str(it) for it in other.ravel()]
        return one.shape == other.shape and [str(it) for it in one.ravel()] == text
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return one.tobytes() == other.tobytes() if exact else numpy.array_equal(one, other)


def serves(project, name):
    made, inputs = models.MODELS[name]()
    python = session(made)
    model = f"check-{name}"
    upload(project, model, made)
    client = triton.InferenceServerClient(URL.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model, headers=headers())
    metadata = client.get_model_metadata(model, headers=headers())
    assert [it["name"] for it in metadata["inputs"]] == [it.name for it in python.get_inputs()], metadata
    assert [it["datatype"] for it in metadata["inputs"]] == [TYPES[it.type] for it in python.get_inputs()], metadata
    draw = numpy.random.default_rng(5)
    for _ in range(ROWS):
        values = inputs(draw)
        # JSON has no NaN.
        numbers = [numpy.nan_to_num(it) if it.dtype.kind == "f" else it for it in map(numpy.asarray, values)]
        for binary, given in [(False, numbers), (True, values)]:
            named = dict(zip([it.name for it in python.get_inputs()], given))
            expected = [table(it) for it in python.run(None, named)]
            told = asked(client, model, python, given, binary)
            for wanted, output in zip(expected, told):
                assert is_same(numpy.asarray(wanted), output, binary), (binary, wanted, output)


def file_of(path):
    request = urllib.request.Request(URL + path, headers=headers())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def dataset(project, columns, records):
    """A new dataset with these records, by its id."""
    columns = [{"name": name, "type": kind} for name, kind in columns]
    body = {"project_id": project, "name": f"{time.monotonic_ns()}", "columns": columns}
    status, answer = call("POST", "/api/v1/datasets", body, token=TOKEN)
    assert status == 201, answer
    if records:
        file = io.StringIO()
        csv.writer(file).writerows([[it["name"] for it in columns], *records])
        path = f"/api/v1/datasets/{answer['id']}/imports"
        status, told = call("POST", path, file.getvalue().encode(), "text/csv", TOKEN)
        assert status == 201, told
    return answer["id"]


def scored(project, name, columns, records):
    """What a dataset says after it is scored, column by column."""
    begins = {"dataset": dataset(project, columns, records), "into": dataset(project, [], []), "columns": []}
    status, answer = call("POST", f"/api/v1/models/{name}/batch", begins, token=TOKEN)
    assert status == 202, answer
    path = f"/api/v1/datasets/{begins['into']}"
    until = time.monotonic() + 120
    while not answer["ended_at"] and time.monotonic() < until:
        time.sleep(0.2)
        _, answer = call("GET", f"{path}/imports/{answer['id']}", token=TOKEN)
    assert (answer["state"], answer["rows_written"]) == ("ready", len(records)), answer
    names, *rows = csv.reader(io.StringIO(file_of(f"{path}/records?format=csv").decode()))
    return dict(zip(names, zip(*rows)))


def scores(project, name):
    """Each record of a dataset has the answers that Python has for it, to the last digit."""
    _, inputs = models.MODELS[name]()
    # The one that was uploaded: some are made of other random numbers each time.
    python = session(file_of(f"/api/v1/models/check-{name}/versions/1/bytes"))
    draw, parts = numpy.random.default_rng(6), []
    while sum(len(it[0]) for it in parts) < RECORDS:
        parts.append([numpy.nan_to_num(it) if it.dtype.kind == "f" else it for it in map(numpy.asarray, inputs(draw))])
    given = [numpy.concatenate(it) for it in zip(*parts)]
    # In a file, no text is no value.
    given = [numpy.where(it == "", "nowhere", it) if it.dtype.kind == "O" else it for it in given]
    columns, values = [], []
    for declared, value in zip(python.get_inputs(), given):
        wide = value.reshape(len(value), -1)
        one = wide.shape[1] == 1
        kind = "text" if value.dtype.kind == "O" else "float64"
        columns += [(declared.name if one else f"{declared.name}{at}", kind) for at in range(wide.shape[1])]
        values += [[str(it) if kind == "text" else repr(float(it)) for it in column] for column in wide.T]
    told = scored(project, f"check-{name}", columns, list(zip(*values)))
    names = [it.name for it in python.get_outputs()]
    expected = [table(it) for it in python.run(None, dict(zip([it.name for it in python.get_inputs()], given)))]
    for output, wanted in zip(names, expected):
        wanted = numpy.asarray(wanted)
        wide = wanted.reshape(len(wanted), -1)
        named = [output] if wide.shape[1] == 1 else [f"{output}_{at}" for at in range(wide.shape[1])]
        for column, came in zip(wide.T, (told.pop(it) for it in named)):
            wrong = numpy.flatnonzero(numpy.array(came).astype(column.dtype) != column)
            assert not len(wrong), (output, len(wrong), column[wrong[:5]], [came[at] for at in wrong[:5]])
    assert not told, told


def refuses(project):
    """The control: what is wrong is an error of the client, which says what was expected."""
    client = triton.InferenceServerClient(URL.removeprefix("http://"))
    name = f"check-{models.SHORT[0]}"
    wrong = triton.InferInput("x", [1, 3], "FP32")
    wrong.set_data_from_numpy(numpy.zeros((1, 3), dtype=numpy.float32), binary_data=False)
    for given, expected in [(headers(), "the model takes"), ({}, "")]:
        try:
            client.infer(name, [wrong], headers=given)
        except InferenceServerException as error:
            assert expected in str(error), error
        else:
            raise AssertionError("a shape that does not fit was taken, or nobody was asked who they are")
    status, answer = call("POST", f"/api/v1/models/{name}/versions", b"no model", "application/octet-stream", TOKEN)
    assert (status, answer["state"]) == (201, "failed") and answer["problem"], answer
    status, answer = call("DELETE", f"/api/v1/projects/{project}", token=TOKEN)
    assert (status, answer["code"]) == (409, "alias-in-use"), answer


def main():
    status, project = call("POST", "/api/v1/projects", {"name": "Models"}, token=TOKEN)
    assert status == 201, project
    checks = [(f"{name} through the service", lambda name=name: serves(project["id"], name)) for name in models.SHORT]
    checks += [(f"{name} scores a dataset", lambda name=name: scores(project["id"], name)) for name in ["forest", "columns"]]
    checks.append(("what does not fit is refused in words", lambda: refuses(project["id"])))
    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"ok      {name}")
        except Exception:
            failed += 1
            print(f"FAILED  {name}")
            traceback.print_exc()
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
