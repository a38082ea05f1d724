"""Datasets: rows out as a frame, files and frames in, versions and comparisons."""

from __future__ import annotations

import io
import os
import pathlib
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, ClassVar

from .. import _generated as shown
from .._problems import LoadFailed
from . import _wait
from .projects import id_of
from .resource import Collection, Resource, given, query

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from .client import AsyncClient

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": PARQUET,
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".arrows": ARROW,
}
# An import of this state is not over.
GOES_ON = {"receiving", "loading"}
PART = 256 * 1024


class Dataset(Resource, shown.Dataset):
    CHANGEABLE: ClassVar[frozenset[str]] = frozenset({"name", "description", "keep_days", "keep_versions"})

    def _path(self) -> str:
        return f"/api/v1/datasets/{self.id}"

    @property
    def versions(self) -> Collection[shown.DatasetVersion]:
        return Collection(self._client, f"{self._path()}/versions", shown.DatasetVersion)

    @property
    def imports(self) -> Collection[shown.Import]:
        return Collection(self._client, f"{self._path()}/imports", shown.Import)

    async def records(
        self,
        filter: Mapping[str, object] | None = None,
        *,
        select: Sequence[str] | None = None,
        sort: str | None = None,
        version: int | None = None,
        limit: int = 200,
    ) -> AsyncIterator[dict[str, Any]]:
        """Records that match, `limit` of them with each request. For many of them `to_polars` and the like are quicker."""
        asked = query({"limit": limit, "sort": sort, "select": select, "version": version, **(filter or {})})
        async for record in self._client.items(f"{self._path()}/records", asked):
            yield record

    async def add(self, records: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
        """Adds one record, or up to 1,000 of them, as one version."""
        body = dict(records) if isinstance(records, Mapping) else [dict(record) for record in records]
        answer = await self._client.request("POST", f"{self._path()}/records", json=body)
        return answer.json()

    # ---- out --------------------------------------------------------------------------------------------------------

    async def to_polars(
        self,
        filter: Mapping[str, object] | None = None,
        *,
        select: Sequence[str] | None = None,
        version: int | None = None,
    ) -> polars.DataFrame:
        import polars

        return polars.read_ipc_stream(io.BytesIO(await self._export("arrow-stream", filter, select, version)))

    async def to_pandas(
        self,
        filter: Mapping[str, object] | None = None,
        *,
        select: Sequence[str] | None = None,
        version: int | None = None,
        **options: Any,
    ) -> pandas.DataFrame:
        """`options` go to pyarrow's `Table.to_pandas`."""
        table = await self.to_arrow(filter, select=select, version=version)
        return table.to_pandas(**options)

    async def to_arrow(
        self,
        filter: Mapping[str, object] | None = None,
        *,
        select: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pyarrow.Table:
        import pyarrow.ipc

        with pyarrow.ipc.open_stream(await self._export("arrow-stream", filter, select, version)) as reader:
            return reader.read_all()

    async def download(
        self,
        path: str | os.PathLike[str],
        filter: Mapping[str, object] | None = None,
        *,
        format: str | None = None,
        select: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pathlib.Path:
        """Writes the records that match into a file, as its ending says: .csv, .ndjson, .parquet, .arrow."""
        target = pathlib.Path(path)
        kind = format or {".jsonl": "ndjson", ".arrows": "arrow-stream"}.get(target.suffix, target.suffix.removeprefix("."))
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with open(beside, "wb") as file:
                async for part in self._client.parts(f"{self._path()}/records", _asked(kind, filter, select, version)):
                    file.write(part)
            # Half of a file never has its name.
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
        return target

    async def _export(
        self, kind: str, filter: Mapping[str, object] | None, select: Sequence[str] | None, version: int | None
    ) -> bytes:
        answer = await self._client.request("GET", f"{self._path()}/records", params=_asked(kind, filter, select, version))
        return answer.content

    # ---- in ---------------------------------------------------------------------------------------------------------

    async def load(
        self,
        source: Any,
        *,
        mode: str = "append",
        type: str | None = None,
        dry_run: bool = False,
        on_error: str | None = None,
        message: str | None = None,
        key: str | None = None,
        timeout: float = 3600.0,
        **options: object,
    ) -> shown.Import:
        """Loads a file, bytes, or a frame of polars, pandas or pyarrow, and waits until it is there.

        `mode` is `append`, `replace` or `upsert`. With the same `key` again it is loaded once, whatever became of the first
        try. `options` are those of the service's document, such as `delimiter` or `null_words`.
        """
        body, kind = _source(source, type)
        asked = query({"mode": mode, "dry_run": dry_run or None, "on_error": on_error, "message": message, **options})
        answer = await self._client.request(
            "POST", f"{self._path()}/imports", params=asked, body=body, headers={"Content-Type": kind}, key=key or str(uuid.uuid4()),
        )
        load = await over(self._client, shown.Import.model_validate(answer.json()), timeout)
        await self.refresh()
        return load

    # ---- what is in it ----------------------------------------------------------------------------------------------

    async def profile(self, *, version: int | None = None) -> shown.DatasetProfile:
        while True:
            answer = await self._client.request("GET", f"{self._path()}/profile", params=query({"version": version}))
            if answer.status_code != 202:
                return shown.DatasetProfile.model_validate(answer.json())
            await _wait.pause(float(answer.headers.get("Retry-After", 1)))

    async def aggregate(
        self, group_by: Sequence[str] = (), measures: Sequence[str] = ("count",), filter: Mapping[str, object] | None = None, *, version: int | None = None
    ) -> Any:
        """Measures such as `count`, `avg:amount`, for each group."""
        asked = query({"group_by": group_by or None, "measures": measures, "version": version, **(filter or {})})
        answer = await self._client.request("GET", f"{self._path()}/aggregate", params=asked)
        return answer.json()

    async def compare(
        self, *, by: str, groups: Sequence[object], measures: Sequence[str], filter: Mapping[str, object] | None = None, **options: object
    ) -> shown.Comparison:
        """Groups beside each other; with `period`, `at` and `base` in one year against another."""
        asked = query({"by": by, "groups": groups, "measures": measures, **options, **(filter or {})})
        answer = await self._client.request("GET", f"{self._path()}/compare", params=asked)
        return shown.Comparison.model_validate(answer.json())

    async def difference(self, start: int, end: int) -> shown.DiffSummary:
        """How many records were added, removed and changed from one version to another."""
        answer = await self._client.request("GET", f"{self._path()}/diff/summary", params=query({"from": start, "to": end}))
        return shown.DiffSummary.model_validate(answer.json())


class Datasets(Collection[Dataset]):
    async def create(
        self,
        name: str,
        *,
        project: Any,
        description: str | None = None,
        columns: Sequence[Mapping[str, Any]] | None = None,
        key: Sequence[str] | None = None,
    ) -> Dataset:
        """`project` is a project or its id. Without `columns` the first file brings them."""
        return await self._create(given(
            project_id=id_of(project), name=name, description=description,
            columns=None if columns is None else [dict(column) for column in columns], key=None if key is None else [*key],
        ))


async def over(client: AsyncClient, load: shown.Import, timeout: float) -> shown.Import:
    """The import when it has ended well; else `LoadFailed`."""
    ends, pause = time.monotonic() + timeout, 0.05
    while load.state in GOES_ON:
        if time.monotonic() > ends:
            raise TimeoutError(f"the import {load.id} is still {load.state}")
        await _wait.pause(pause)
        pause = min(pause * 1.5, 2.0)
        answer = await client.request("GET", f"/api/v1/datasets/{load.dataset_id}/imports/{load.id}")
        load = shown.Import.model_validate(answer.json())
    if load.state not in ("ready", "checked"):
        raise LoadFailed(load)
    return load


def _asked(
    kind: str, filter: Mapping[str, object] | None, select: Sequence[str] | None, version: int | None
) -> dict[str, str]:
    return query({"format": kind, "select": select, "version": version, **(filter or {})})


def _source(source: Any, kind: str | None) -> tuple[Any, str]:
    """What is sent, in a form that can be sent again, and its media type."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        if kind is None:
            raise ValueError("say which type the bytes have, such as type='text/csv'")
        return bytes(source), kind
    if isinstance(source, (str, os.PathLike)):
        path = pathlib.Path(source)
        known = kind or TYPES.get(path.suffix.lower())
        if known is None:
            raise ValueError(f"{path.name}: say its type, such as type='text/csv'; these endings are known: {', '.join(TYPES)}")
        return lambda: file_parts(open(path, "rb")), known
    if hasattr(source, "write_parquet"):  # polars
        out = io.BytesIO()
        source.write_parquet(out)
        return out.getvalue(), PARQUET
    if hasattr(source, "to_parquet"):  # pandas
        out = io.BytesIO()
        source.to_parquet(out, index=False)
        return out.getvalue(), PARQUET
    if hasattr(source, "to_batches"):  # pyarrow
        import pyarrow.parquet

        out = io.BytesIO()
        pyarrow.parquet.write_table(source, out)
        return out.getvalue(), PARQUET
    raise TypeError(f"expected a path, bytes or a frame, not {type(source).__name__}")


async def file_parts(file: IO[bytes]) -> AsyncIterator[bytes]:
    """A file as it is sent, to its end."""
    with file:
        while part := await _wait.some(file, PART):
            yield part
