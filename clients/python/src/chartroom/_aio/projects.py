"""Projects with their members, and posts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, ClassVar

from .. import _generated as shown
from .resource import Collection, Resource, given, segment


class Project(Resource, shown.Project):
    CHANGEABLE: ClassVar[frozenset[str]] = frozenset({"name", "description", "visibility", "expires_at", "reminders"})

    def _path(self) -> str:
        return f"/api/v1/projects/{self.id}"

    @property
    def members(self) -> Members:
        return Members(self._client, f"{self._path()}/members", shown.Member)

    @property
    def audit(self) -> Collection[shown.AuditEvent]:
        """What was done in it; owners see that."""
        return Collection(self._client, f"{self._path()}/audit", shown.AuditEvent)


class Members(Collection[shown.Member]):
    async def put(self, who: object, role: str) -> shown.Member:
        """Adds a member or changes its role. `who` is an id, a username, or `k8s:NAMESPACE/SERVICE-ACCOUNT`."""
        answer = await self._client.request("PUT", f"{self._path}/{segment(who)}", json={"role": role})
        return shown.Member.model_validate(answer.json())

    async def remove(self, who: object) -> None:
        await self._client.request("DELETE", f"{self._path}/{segment(who)}")


class Projects(Collection[Project]):
    async def create(
        self,
        name: str,
        *,
        description: str | None = None,
        visibility: str | None = None,
        expires_at: datetime.datetime | None = None,
        reminders: Sequence[str] | None = None,
    ) -> Project:
        return await self._create(given(
            name=name, description=description, visibility=visibility, expires_at=expires_at,
            reminders=None if reminders is None else [*reminders],
        ))


class Post(Resource, shown.Post):
    CHANGEABLE: ClassVar[frozenset[str]] = frozenset({"title", "content", "published"})

    def _path(self) -> str:
        return f"/api/v1/posts/{self.id}"

    async def vote(self) -> None:
        await self._client.request("PUT", f"{self._path()}/vote")

    async def take_back_vote(self) -> None:
        await self._client.request("DELETE", f"{self._path()}/vote")


class Posts(Collection[Post]):
    async def create(self, title: str, content: str, *, project: Any = None, published: bool | None = None) -> Post:
        """`project` is a project or its id; without one the post is in none."""
        return await self._create(given(title=title, content=content, project_id=id_of(project), published=published))


def id_of(thing: Any) -> str | None:
    """The id of a thing, which may be the id itself."""
    return None if thing is None else str(getattr(thing, "id", thing))
