"""Uses the package as a program would, against a service that runs.

    tour.py URL TOKEN TOKEN_OF_ANOTHER [--wrong]

With --wrong one expectation is false, so that the tour has to fail. Last line: N passed, N failed.
"""

import asyncio
import datetime
import json
import os
import pathlib
import socket
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy
import onnx
import pandas
import polars
import pyarrow

import chartroom

URL, TOKEN, OTHER, *OPTIONS = sys.argv[1:]
SUFFIX = uuid.uuid4().hex[:8]
CSV = b"race,year,income\nWhite,2009,39618\nAsian,2009,44653\nWhite,2019,45361\nAsian,2019,52128\n"

steps: list[Callable[[chartroom.Client], None]] = []


def step(function: Callable[[chartroom.Client], None]) -> Callable[[chartroom.Client], None]:
    steps.append(function)
    return function


def refused(kind: type[Exception], action: Callable[[], object]) -> Any:
    try:
        action()
    except kind as error:
        assert type(error) is kind, (type(error), kind)
        return error
    raise AssertionError(f"expected {kind.__name__}")


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    for name in ("CHARTROOM_URL", "CHARTROOM_TOKEN", "CHARTROOM_TOKEN_FILE"):
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def answering(answers: list[tuple[int, dict[str, str], str]]) -> Iterator[tuple[str, list[str]]]:
    """A service that says what it is told to, once each, and then 200; and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.command} {self.headers.get('Idempotency-Key', '-')}")
            status, headers, body = answers.pop(0) if answers else (200, {}, "{}")
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PATCH = do_DELETE = do

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def cutting(cuts: int) -> Iterator[tuple[str, list[int]]]:
    """A way to the service on which the first answers are lost: the service has done what it was asked, and nobody hears of it."""
    host, port = URL.rpartition("/")[2].split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    lost: list[int] = []

    def send(client: socket.socket, service: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                service.sendall(data)
        except OSError:
            pass

    def one(client: socket.socket) -> None:
        with client, socket.create_connection((host, int(port))) as service:
            threading.Thread(target=send, args=(client, service), daemon=True).start()
            while answer := service.recv(65536):
                if len(lost) < cuts:
                    lost.append(len(answer))
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(answer)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lost
    finally:
        listener.close()


@step
def projects_are_made_listed_changed_and_deleted(client: chartroom.Client) -> None:
    names = {f"tour {SUFFIX} {number}" for number in range(7)}
    made = [client.projects.create(name=name) for name in sorted(names)]
    listed = [project.name for project in client.projects.list(limit=3, name__contains=f"tour {SUFFIX}")]
    assert sorted(listed) == sorted(names), listed
    project = made[0]
    project.description = "changed"
    project.expires_at = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
    project.save()
    again = client.projects.get(project.id)
    assert again.description == ("something else" if "--wrong" in OPTIONS else "changed") and again.expires_at == project.expires_at
    project.description = None
    project.save()
    assert client.projects.get(project.id).description is None
    for project in made:
        project.delete()
    refused(chartroom.NotFound, lambda: client.projects.get(made[0].id))


@step
def a_change_that_crosses_another_is_refused_and_nothing_is_lost(client: chartroom.Client) -> None:
    mine = client.projects.create(name=f"crossing {SUFFIX}")
    theirs = client.projects.get(mine.id)
    theirs.description = "theirs"
    theirs.save()
    mine.description = "mine"
    refused(chartroom.PreconditionFailed, mine.save)
    assert client.projects.get(mine.id).description == "theirs"
    mine.refresh()
    mine.description = "mine, after reading theirs"
    mine.save()
    # What comes from a list has no ETag of its own.
    listed = next(client.projects.list(name=mine.name))
    mine.description = "quicker"
    mine.save()
    listed.description = "too late"
    refused(chartroom.PreconditionFailed, listed.save)
    listed.refresh()
    listed.name = f"crossed {SUFFIX}"
    listed.save()
    assert client.projects.get(mine.id).name == f"crossed {SUFFIX}"
    listed.role = "viewer"
    refused(AttributeError, listed.save)
    listed.delete()


@step
def every_failure_has_its_class(client: chartroom.Client) -> None:
    wrong = refused(chartroom.Invalid, lambda: client.projects.create(name=""))
    assert wrong.status == 422 and wrong.errors[0]["pointer"] == "/name" and wrong.request_id in str(wrong), wrong.errors
    refused(chartroom.NotFound, lambda: client.projects.get(uuid.uuid4()))
    refused(chartroom.Unauthenticated, lambda: chartroom.Client(URL, "nobody's").me())
    refused(chartroom.Unreachable, lambda: chartroom.Client("http://127.0.0.1:1", "x", timeout=1).me())
    refused(chartroom.Invalid, lambda: next(client.projects.list(nmae="x")))
    project = client.projects.create(name=f"failures {SUFFIX}")
    client.datasets.create("same", project=project)
    refused(chartroom.Conflict, lambda: client.datasets.create("same", project=project))
    with chartroom.Client(URL, OTHER) as other:
        refused(chartroom.NotFound, lambda: other.projects.get(project.id))
        project.members.put(other.me().id, "viewer")
        seen = other.projects.get(project.id)
        assert seen.role == "viewer"
        seen.description = "not mine"
        refused(chartroom.Forbidden, seen.save)
    with answering([(429, {"Retry-After": "3600"}, '{"code": "too-many-requests"}')]) as (url, _):
        later = refused(chartroom.TooManyRequests, lambda: chartroom.Client(url, "x").request("GET", "/"))
        assert later.retry_after == 3600.0
    project.delete()


@step
def what_is_safe_is_sent_again_and_nothing_else(client: chartroom.Client) -> None:
    busy = (503, {"Retry-After": "0"}, '{"code": "overloaded"}')
    unknown = (503, {"Retry-After": "0"}, '{"code": "outcome-unknown"}')
    with answering([busy, busy]) as (url, asked):
        chartroom.Client(url, "x").request("POST", "/", json={})
        assert len(asked) == 3 and len(set(asked)) == 1 and asked[0] != "POST -", asked
    with answering([unknown]) as (url, asked):
        chartroom.Client(url, "x").request("POST", "/", json={})
        assert len(asked) == 2 and len(set(asked)) == 1, asked
    with answering([busy]) as (url, asked):
        chartroom.Client(url, "x").request("PATCH", "/", json={})
        assert len(asked) == 2, asked
    with answering([unknown]) as (url, asked):
        refused(chartroom.Unavailable, lambda: chartroom.Client(url, "x").request("PATCH", "/", json={}))
        assert len(asked) == 1, asked
    with answering([(429, {"Retry-After": "1"}, '{"code": "too-many-requests"}')]) as (url, asked):
        began = time.monotonic()
        chartroom.Client(url, "x").request("GET", "/")
        assert len(asked) == 2 and time.monotonic() - began >= 1.0, asked
    with answering([busy] * 9) as (url, asked):
        refused(chartroom.Unavailable, lambda: chartroom.Client(url, "x").request("GET", "/"))
        assert len(asked) == 5, asked


@step
def a_lost_answer_makes_nothing_twice(client: chartroom.Client) -> None:
    name = f"once {SUFFIX}"
    with cutting(2) as (url, lost), chartroom.Client(url, TOKEN) as shaky:
        project = shaky.projects.create(name=name)
        assert len(lost) == 2, lost
    assert [found.id for found in client.projects.list(name=name)] == [project.id]
    dataset = client.datasets.create("rows", project=project)
    with cutting(1) as (url, lost), chartroom.Client(url, TOKEN) as shaky:
        loaded = shaky.datasets.get(dataset.id).load(CSV, type="text/csv")
        assert len(lost) == 1 and loaded.rows_written == 4, lost
    dataset.refresh()
    assert dataset.rows == 4 and dataset.version == 1
    with cutting(1) as (url, lost), chartroom.Client(url, TOKEN) as shaky:
        shaky.request("DELETE", f"/api/v1/projects/{project.id}")
        assert len(lost) == 1
    refused(chartroom.NotFound, lambda: client.projects.get(project.id))


@step
def files_and_frames_go_in_and_come_out(client: chartroom.Client) -> None:
    project = client.projects.create(name=f"census {SUFFIX}")
    dataset = client.datasets.create("income", project=project)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "income.csv")
        file.write_bytes(CSV)
        key = str(uuid.uuid4())
        first = dataset.load(file, key=key)
        assert first.state == "ready" and first.rows_written == 4 and dataset.rows == 4
        assert dataset.load(file, key=key).id == first.id and dataset.rows == 4
        for ending in ("csv", "ndjson", "parquet", "arrow"):
            target = dataset.download(pathlib.Path(folder, f"out.{ending}"))
            assert target.stat().st_size > 0
        assert pathlib.Path(folder, "out.csv").read_bytes().replace(b"\r\n", b"\n") == CSV
        refused(chartroom.Invalid, lambda: dataset.download(pathlib.Path(folder, "out.xyz")))
        assert sorted(path.name for path in pathlib.Path(folder).iterdir()) == [
            "income.csv", "out.arrow", "out.csv", "out.ndjson", "out.parquet"]
    frame = dataset.to_polars(filter={"year__gte": 2019}, select=["race", "income"])
    assert isinstance(frame, polars.DataFrame)
    assert sorted(frame.rows()) == [("Asian", 52128), ("White", 45361)], frame
    assert sorted(dataset.to_pandas()["income"].tolist()) == [39618, 44653, 45361, 52128]
    assert dataset.to_arrow().num_rows == 4
    dataset.load(polars.DataFrame({"race": ["Black"], "year": [2019], "income": [38796]}))
    dataset.load(pandas.DataFrame({"race": ["Black"], "year": [2009], "income": [33362]}))
    dataset.load(pyarrow.table({"race": ["Other"], "year": [2009], "income": [1]}))
    assert dataset.rows == 7 and [version.version for version in dataset.versions.list(sort="version")] == [1, 2, 3, 4]
    assert dataset.to_polars(version=1).height == 4
    assert sorted(record["income"] for record in dataset.records({"race": "Black"}, limit=1)) == [33362, 38796]
    compared = dataset.compare(by="race", groups=["White", "Asian"], measures=["income"], period="year", at=2019, base=2009)
    said = {one.group: round(one.percent_change or 0, 2) for one in compared.measures[0].values}
    assert said == {"White": 14.5, "Asian": 16.74}, said
    assert dataset.difference(1, 4).added == 3
    assert dataset.profile().rows == 7
    at_once = refused(chartroom.Invalid, lambda: dataset.load(b"race,year,income\nWhite,soon,1\n", type="text/csv"))
    assert at_once.errors[0]["pointer"] == "/rows/2/year" and "/rows/2/year" in str(at_once), at_once.errors
    assert dataset.load(b"race,year,income\nWhite,2020,1\n", type="text/csv", dry_run=True).state == "checked" and dataset.rows == 7
    # In two lines, as in the package's first example.
    assert client.dataset(f"census {SUFFIX}/income").id == dataset.id
    refused(chartroom.NotFound, lambda: client.dataset(f"census {SUFFIX}/outcome"))
    refused(chartroom.NotFound, lambda: client.dataset("nobody has this/income"))
    twin = client.projects.create(name=f"census {SUFFIX}")
    several = refused(chartroom.Error, lambda: client.dataset(f"census {SUFFIX}/income"))
    assert str(twin.id) in str(several) and str(project.id) in str(several)
    assert client.dataset(f"{project.id}/income").id == dataset.id == client.dataset(str(dataset.id)).id
    twin.delete()
    project.delete()


@step
def a_load_that_fails_after_its_upload_says_why(client: chartroom.Client) -> None:
    project = client.projects.create(name=f"later {SUFFIX}")
    dataset = client.datasets.create("rows", project=project)
    load = dataset.load(CSV, type="text/csv").model_dump(mode="json")
    shown = client.request("GET", f"/api/v1/datasets/{dataset.id}").text
    goes_on = json.dumps({**load, "state": "loading"})
    over = json.dumps({**load, "state": "refused", "problem": {"code": "rows-refused", "detail": "1 record cannot be taken"},
                       "errors": [{"row": 4, "column": "year", "code": "not-int", "value": "soon"}]})
    with answering([(200, {}, shown), (202, {}, goes_on), (200, {}, goes_on), (200, {}, over)]) as (url, asked):
        told = chartroom.Client(url, "x").datasets.get(dataset.id)
        failed = refused(chartroom.LoadFailed, lambda: told.load(CSV, type="text/csv"))
        assert len(asked) == 4 and failed.load.state == "refused" and failed.errors[0]["pointer"] == "/rows/4/year", failed.errors
        assert isinstance(failed, chartroom.Invalid) and "1 record cannot be taken" in str(failed)
    project.delete()


class Unchecked:
    """A service in which nothing runs models: nobody looks at what is pushed."""

    def __init__(self, client: chartroom.Client, version: Any) -> None:
        self.client = client
        self.version = version.model_dump(mode="json") | {"state": "checking"}

    def request(self, method: str, path: str, **rest: Any) -> object:
        if "/versions" in path:
            return httpx.Response(200, json=self.version)
        return self.client.request(method, path, **rest)


@step
def a_model_answers_with_arrays(client: chartroom.Client) -> None:
    project = client.projects.create(name=f"models {SUFFIX}")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "x"], ["twice"])], "twice",
        [value("x", onnx.TensorProto.FLOAT, [None, 2])], [value("twice", onnx.TensorProto.FLOAT, [None, 2])])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    name = f"twice-{SUFFIX}"
    model = client.models.create(name, project=project)
    version = model.push(made.SerializeToString())
    assert version.state == "ready", version.problem
    assert model.push(b"no model").state == "failed"
    refused(chartroom.Conflict, lambda: model.move("production", 2))
    model.move("production", 1, reason="the first")
    asked = numpy.array([[1, 2], [3, 4.5]], dtype="float32")
    assert (model.predict(asked)["twice"] == asked * 2).all()
    assert (model.predict({"x": asked}, version=1, outputs=["twice"])["twice"] == asked * 2).all()
    wrong = refused(chartroom.Invalid, lambda: model.predict({"y": asked}))
    assert "x" in wrong.detail
    answers = client.datasets.create("answers", project=project)
    refused(chartroom.NotFound, model.kept)
    assert model.keep(answers, share=0.5).share == 0.5
    assert model.kept().dataset == answers.id
    model.keep_none()
    refused(chartroom.NotFound, model.kept)
    third = model.push(made.SerializeToString())
    model.move("production", third.version)
    back = model.back("production")
    assert back.weights == {"1": 1}, back
    assert [move.weights for move in model.history("production").list(sort="move")] == [{"1": 1}, {"3": 1}, {"1": 1}]
    unchecked: Any = Unchecked(client, third)
    model._client = unchecked
    assert model.push(b"looked at by nobody", wait=0.6).state == "checking"
    refused(chartroom.Conflict, project.delete)
    model.remove_alias("production")
    project.delete()


@step
def who_has_signed_in_on_the_command_line_needs_to_say_nothing(client: chartroom.Client) -> None:
    with tempfile.TemporaryDirectory() as folder, environment(XDG_CONFIG_HOME=folder):
        refused(chartroom.Error, chartroom.Client)
        file = pathlib.Path(folder, "chartroom", "credentials")
        file.parent.mkdir()
        kept = {"url": URL, "user": "ann", "kind": "given", "token": TOKEN}
        other = {**kept, "url": "http://127.0.0.1:1", "token": "of another service"}
        file.write_text(json.dumps({"current": "here", "contexts": {"here": kept, "there": other}}))
        file.chmod(0o600)
        assert chartroom.Client().me().id == client.me().id
        assert chartroom.Client("http://127.0.0.1:1")._token() == "of another service"
        refused(chartroom.Error, lambda: chartroom.Client("http://127.0.0.1:2"))
        file.chmod(0o640)
        readable = refused(chartroom.Error, chartroom.Client)
        assert "chmod 600" in str(readable), readable


@step
def posts_and_tokens(client: chartroom.Client) -> None:
    post = client.posts.create(f"Tour {SUFFIX}", "Words", published=True)
    post.vote()
    post.refresh()
    assert post.votes == 1 and post.voted
    post.take_back_vote()
    post.delete()
    token = client.tokens.create(f"tour {SUFFIX}", access="read")
    with chartroom.Client(URL, token.secret) as reader:
        assert reader.me().id == client.me().id
        refused(chartroom.Forbidden, lambda: reader.projects.create(name="not allowed"))
    client.tokens.revoke(token.id)


@step
def the_same_without_waiting_for_each(client: chartroom.Client) -> None:
    async def tour() -> None:
        async with chartroom.AsyncClient(URL, TOKEN) as several:
            made = await asyncio.gather(*(several.projects.create(name=f"beside {SUFFIX} {number}") for number in range(5)))
            listed = [one.name async for one in several.projects.list(limit=2, name__contains=f"beside {SUFFIX}")]
            assert sorted(listed) == sorted(one.name for one in made)
            dataset = await several.datasets.create("income", project=made[0])
            await dataset.load(CSV, type="text/csv")
            assert (await dataset.to_polars()).height == 4
            assert [record["year"] async for record in dataset.records({"race": "White"}, sort="year")] == [2009, 2019]
            theirs = await several.projects.get(made[1].id)
            theirs.description = "theirs"
            await theirs.save()
            made[1].description = "mine"
            try:
                await made[1].save()
            except chartroom.PreconditionFailed:
                pass
            else:
                raise AssertionError("expected PreconditionFailed")
            await asyncio.gather(*(one.delete() for one in made))

    asyncio.run(tour())


passed = failed = 0
with chartroom.Client(URL, TOKEN) as asking:
    for function in steps:
        try:
            function(asking)
        except Exception:
            failed += 1
            print(f"FAILED  {function.__name__}")
            traceback.print_exc()
        else:
            passed += 1
            print(f"ok      {function.__name__.replace('_', ' ')}")
print(f"{passed} passed, {failed} failed")
sys.exit(bool(failed))
