"""A thing of the service that knows how to save itself, and lists of things."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import quote

from pydantic import ConfigDict, PrivateAttr

from .._base import Shown
from .._problems import PreconditionFailed

if TYPE_CHECKING:
    from .client import AsyncClient

T = TypeVar("T", bound=Shown)


def segment(value: object) -> str:
    """A part of a path."""
    return quote(str(value), safe="")


def query(values: Mapping[str, object]) -> dict[str, str]:
    """Filters as the service reads them; what is None is left out."""
    said = {}
    for name, value in values.items():
        if isinstance(value, bool):
            said[name] = "true" if value else "false"
        elif isinstance(value, (datetime.datetime, datetime.date)):
            said[name] = value.isoformat()
        elif isinstance(value, (list, tuple)):
            said[name] = ",".join(str(part) for part in value)
        elif value is not None:
            said[name] = str(value)
    return said


def given(**members: Any) -> dict[str, Any]:
    """The members of a body that were given."""
    return {
        name: value.isoformat() if isinstance(value, datetime.datetime) else value
        for name, value in members.items()
        if value is not None
    }


class Resource(Shown):
    """It keeps the `ETag` that it was read with, so that `save` never overwrites what somebody else wrote since."""

    model_config = ConfigDict(validate_assignment=True)

    CHANGEABLE: ClassVar[frozenset[str]] = frozenset()

    _client: AsyncClient = PrivateAttr()
    _etag: str | None = PrivateAttr(default=None)
    _read: dict[str, Any] = PrivateAttr(default_factory=dict)

    def _path(self) -> str:
        raise NotImplementedError

    def _bind(self, client: AsyncClient, etag: str | None) -> None:
        self._client = client
        self._etag = etag
        self._read = self.model_dump(mode="json")

    def _take(self, document: Any, etag: str | None) -> None:
        fresh = type(self).model_validate(document)
        for name in type(self).model_fields:
            self.__dict__[name] = fresh.__dict__[name]
        self.__pydantic_extra__ = fresh.__pydantic_extra__
        self._etag = etag
        self._read = self.model_dump(mode="json")

    def changes(self) -> dict[str, Any]:
        """What you have assigned since it was read or saved."""
        now = self.model_dump(mode="json")
        return {name: value for name, value in now.items() if value != self._read.get(name)}

    async def refresh(self) -> None:
        """Reads it again. What you assigned and did not save is gone."""
        answer = await self._client.request("GET", self._path())
        self._take(answer.json(), answer.headers.get("ETag"))

    async def save(self) -> None:
        """Sends what you assigned. `PreconditionFailed` says that somebody else was quicker; nothing is saved then."""
        changes = self.changes()
        fixed = sorted(set(changes) - self.CHANGEABLE)
        if fixed:
            raise AttributeError(f"{', '.join(fixed)}: cannot be changed; these can: {', '.join(sorted(self.CHANGEABLE)) or 'none'}")
        if not changes:
            return
        if self._etag is None:
            await self._still_as_listed()
        answer = await self._client.request("PATCH", self._path(), json=changes, etag=self._etag)
        self._take(answer.json(), answer.headers.get("ETag"))

    async def _still_as_listed(self) -> None:
        """A list shows no `ETag` of its items."""
        answer = await self._client.request("GET", self._path())
        now = type(self).model_validate(answer.json()).model_dump(mode="json")
        if any(now.get(name) != self._read.get(name) for name in self.CHANGEABLE):
            raise PreconditionFailed(412, {
                "code": "precondition-failed",
                "detail": "it has changed since it was listed; refresh() it, then change it again",
            })
        self._etag = answer.headers.get("ETag")

    async def delete(self) -> None:
        await self._client.request("DELETE", self._path())


class Collection(Generic[T]):
    """A list of the service: an iterator that asks for a page when the last one is used up."""

    def __init__(self, client: AsyncClient, path: str, kind: type[T]) -> None:
        self._client = client
        self._path = path
        self._kind = kind

    async def list(self, *, limit: int = 100, sort: str | None = None, **filters: object) -> AsyncIterator[T]:
        """Everything that matches, `limit` of it with each request. The filters are those of the service's document."""
        async for item in self._client.items(self._path, query({"limit": limit, "sort": sort, **filters})):
            yield self._made(item, None)

    async def get(self, id: object) -> T:
        answer = await self._client.request("GET", f"{self._path}/{segment(id)}")
        return self._made(answer.json(), answer.headers.get("ETag"))

    async def _create(self, members: dict[str, Any]) -> T:
        answer = await self._client.request("POST", self._path, json=members)
        return self._made(answer.json(), answer.headers.get("ETag"))

    def _made(self, document: Any, etag: str | None) -> T:
        made = self._kind.model_validate(document)
        if isinstance(made, Resource):
            made._bind(self._client, etag)
        return made
