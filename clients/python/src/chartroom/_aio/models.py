"""Models: versions, aliases with their history, and predictions."""

from __future__ import annotations

import os
import pathlib
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .. import _generated as shown
from .. import _tensors
from . import _wait
from .datasets import file_parts, over
from .projects import id_of
from .resource import Collection, Resource, given, query, segment

if TYPE_CHECKING:
    import numpy


class Model(Resource, shown.Model):
    CHANGEABLE: ClassVar[frozenset[str]] = frozenset({"description"})

    def _path(self) -> str:
        return f"/api/v1/models/{segment(self.name)}"

    @property
    def versions(self) -> Collection[shown.ModelVersion]:
        return Collection(self._client, f"{self._path()}/versions", shown.ModelVersion)

    @property
    def aliases(self) -> Collection[shown.ModelAlias]:
        return Collection(self._client, f"{self._path()}/aliases", shown.ModelAlias)

    async def push(
        self, source: str | os.PathLike[str] | bytes, *, key: str | None = None, wait: float = 300,
    ) -> shown.ModelVersion:
        """Uploads an ONNX file as the next version, and waits until the service has looked at it.

        Its `state` is `ready` then, or `failed`, and `problem` says why. It is still `checking` where `wait` seconds
        were not enough, as when nothing that runs models is up.
        """
        body: Any = source if isinstance(source, bytes) else lambda: file_parts(open(pathlib.Path(os.fspath(source)), "rb"))
        answer = await self._client.request(
            "POST", f"{self._path()}/versions", body=body, headers={"Content-Type": "application/octet-stream"},
            key=key or str(uuid.uuid4()),
        )
        version = shown.ModelVersion.model_validate(answer.json())
        until = time.monotonic() + wait
        while version.state == "checking" and time.monotonic() < until:
            await _wait.pause(0.5)
            version = await self.versions.get(version.version)
        await self.refresh()
        return version

    async def describe(self, version: int, **members: object) -> shown.ModelVersion:
        """Says more of a version: `description`, `licence`, `tags`, `metrics`, `trained_on`."""
        answer = await self._client.request("PATCH", f"{self._path()}/versions/{version}", json=members)
        return shown.ModelVersion.model_validate(answer.json())

    async def move(
        self,
        alias: str,
        version: int | None = None,
        *,
        weights: Mapping[int, float] | None = None,
        shadow: int | None = None,
        reason: str | None = None,
    ) -> shown.ModelAlias:
        """Lets an alias lead to a version, or to several by weight."""
        said = None if weights is None else {str(number): weight for number, weight in weights.items()}
        body = given(version=version, weights=said, shadow=shadow, reason=reason)
        answer = await self._client.request("PUT", f"{self._path()}/aliases/{segment(alias)}", json=body)
        return shown.ModelAlias.model_validate(answer.json())

    async def back(self, alias: str, *, reason: str | None = None) -> shown.ModelAlias:
        """Lets an alias lead again to where it led before its last move."""
        answer = await self._client.request("POST", f"{self._path()}/aliases/{segment(alias)}/back", json=given(reason=reason))
        return shown.ModelAlias.model_validate(answer.json())

    async def remove_alias(self, alias: str) -> None:
        await self._client.request("DELETE", f"{self._path()}/aliases/{segment(alias)}")

    def history(self, alias: str) -> Collection[shown.ModelAlias]:
        """Where an alias led, when, and who moved it."""
        return Collection(self._client, f"{self._path()}/aliases/{segment(alias)}/moves", shown.ModelAlias)

    async def predict(
        self,
        inputs: numpy.ndarray[Any, Any] | Mapping[str, Any],
        *,
        version: int | None = None,
        outputs: Sequence[str] | None = None,
    ) -> dict[str, numpy.ndarray[Any, Any]]:
        """Asks the alias `production`, or one version. `inputs` is an array for each input by name, or the array of the only one."""
        arrays: Mapping[str, Any]
        place = f"/v2/models/{segment(self.name)}" + ("" if version is None else f"/versions/{version}")
        if isinstance(inputs, Mapping):
            arrays = inputs
        else:
            takes = await self._client.request("GET", place)
            named = [one["name"] for one in takes.json()["inputs"]]
            if len(named) != 1:
                raise ValueError(f"{self.name} has {len(named)} inputs; give an array for each by name: {', '.join(named)}")
            arrays = {named[0]: inputs}
        body, headers = _tensors.question(arrays, outputs)
        # It changes nothing, so it can be asked again.
        answer = await self._client.request("POST", f"{place}/infer", body=body, headers=headers, key="")
        return _tensors.answer(answer.content, answer.headers.get("Inference-Header-Content-Length"))

    async def score(self, dataset: Any, *, into: Any, timeout: float = 3600.0, **options: object) -> shown.Import:
        """Scores all records of a dataset into another one, and waits until they are there.

        `options` are those of the service's document, such as `inputs`, the columns that the model takes.
        """
        body = {"dataset": id_of(dataset), "into": id_of(into), **options}
        answer = await self._client.request("POST", f"{self._path()}/batch", json=body)
        return await over(self._client, shown.Import.model_validate(answer.json()), timeout)

    async def keep(self, dataset: Any, *, share: float = 1.0) -> shown.PredictionLog:
        """Keeps this share of the answers, with what was asked, as records of a dataset, instead of what was kept before."""
        body = {"dataset": id_of(dataset), "share": share}
        answer = await self._client.request("PUT", f"{self._path()}/log", json=body)
        return shown.PredictionLog.model_validate(answer.json())

    async def kept(self) -> shown.PredictionLog:
        """Which answers are kept, and what became of them. `NotFound` says that none are."""
        answer = await self._client.request("GET", f"{self._path()}/log")
        return shown.PredictionLog.model_validate(answer.json())

    async def keep_none(self) -> None:
        """Keeps no answers any more. Records that were loaded stay in the dataset."""
        await self._client.request("DELETE", f"{self._path()}/log")

    async def lineage(self, version: int) -> shown.Lineage:
        """What a version was made from, and what was made with it."""
        answer = await self._client.request("GET", "/api/v1/lineage", params=query({"of": f"model:{self.name}@{version}"}))
        return shown.Lineage.model_validate(answer.json())


class Models(Collection[Model]):
    async def create(self, name: str, *, project: Any, description: str | None = None) -> Model:
        """`project` is a project or its id."""
        return await self._create(given(project_id=id_of(project), name=name, description=description))
