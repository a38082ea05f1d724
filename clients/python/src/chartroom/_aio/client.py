"""The connection to a service: sends requests, again where that is safe, and has all lists."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx

from .. import _generated as shown
from .. import _retry
from .._access import Access
from .._problems import Error, NotFound, Unreachable, problem
from . import _wait
from .datasets import Dataset, Datasets
from .models import Model, Models
from .projects import Post, Posts, Project, Projects
from .resource import Collection, given, segment

AGENT = "chartroom-python/0.1.0"


class AsyncClient:
    """`url` and `token` are found as the command line finds them: `CHARTROOM_URL`, `CHARTROOM_TOKEN`, and in a pod the token there."""

    def __init__(
        self, url: str | None = None, token: str | Callable[[], str] | None = None, *, timeout: float = 30.0
    ) -> None:
        access = Access(url, token)
        self.url = access.url
        self._token = access.token
        self._http = httpx.AsyncClient(timeout=timeout, headers={"User-Agent": AGENT})

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    # ---- lists ------------------------------------------------------------------------------------------------------

    @property
    def projects(self) -> Projects:
        return Projects(self, "/api/v1/projects", Project)

    @property
    def posts(self) -> Posts:
        return Posts(self, "/api/v1/posts", Post)

    @property
    def datasets(self) -> Datasets:
        return Datasets(self, "/api/v1/datasets", Dataset)

    @property
    def models(self) -> Models:
        return Models(self, "/api/v1/models", Model)

    @property
    def tokens(self) -> Tokens:
        return Tokens(self, "/api/v1/me/tokens", shown.ApiToken)

    @property
    def notifications(self) -> Collection[shown.Notification]:
        return Collection(self, "/api/v1/me/notifications", shown.Notification)

    @property
    def jobs(self) -> Collection[shown.Job]:
        """For administrators."""
        return Collection(self, "/api/v1/jobs", shown.Job)

    @property
    def users(self) -> Collection[shown.User]:
        return Collection(self, "/api/v1/users", shown.User)

    async def me(self) -> shown.Me:
        answer = await self.request("GET", "/api/v1/me")
        return shown.Me.model_validate(answer.json())

    async def dataset(self, name: str) -> Dataset:
        """A dataset by `PROJECT/NAME`, where PROJECT is a name or an id, or by its id."""
        try:
            return await self.datasets.get(uuid.UUID(name))
        except ValueError:
            project, _, own = name.partition("/")
        if not project or not own:
            raise ValueError(f"expected PROJECT/NAME, or the id of a dataset, not {name!r}")
        found = [one async for one in self.datasets.list(project_id=await self._project(project), name=own)]
        if not found:
            raise NotFound(404, {"code": "not-found", "detail": f"the project {project!r} has no dataset {own!r} that you can read"})
        return await self.datasets.get(found[0].id)

    async def _project(self, name: str) -> str:
        try:
            return str(uuid.UUID(name))
        except ValueError:
            found = [str(one.id) async for one in self.projects.list(name=name)]
        if not found:
            raise NotFound(404, {"code": "not-found", "detail": f"none of your projects has the name {name!r}"})
        if len(found) > 1:
            raise Error(f"{len(found)} of your projects have the name {name!r}; name one by its id: {', '.join(found)}")
        return found[0]

    # ---- requests ---------------------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
        etag: str | None = None,
    ) -> httpx.Response:
        """Any call of the API. A POST has an `Idempotency-Key`, so it is sent again when an answer is lost, and happens once.

        `body` is bytes, or a function that gives them in parts, for each try anew. `etag` goes into `If-Match`.
        """
        said = dict(headers or {})
        if method == "POST" and key is None:
            key = str(uuid.uuid4())
        if method == "POST" and key:
            said["Idempotency-Key"] = f'"{key}"'
        if etag is not None:
            said["If-Match"] = etag
        if method == "PATCH":
            said["Content-Type"] = "application/merge-patch+json"
        attempt = 0
        while True:
            said["Authorization"] = f"Bearer {self._token()}"
            try:
                answer = await self._http.request(
                    method, self.url + path, json=json, params=params, headers=said, content=body() if callable(body) else body
                )
            except httpx.TransportError as error:
                wait = _retry.after_loss(error, method, key, attempt)
                if wait is None:
                    raise Unreachable(f"{method} {self.url}{path}: {error or type(error).__name__}") from error
            else:
                if answer.is_success or answer.status_code == 304:
                    return answer
                if method == "DELETE" and attempt and answer.status_code == 404:
                    # The answer to an earlier try was lost.
                    return answer
                failed = problem(answer)
                wait = _retry.after_problem(failed, method, key, attempt)
                if wait is None:
                    raise failed
            await _wait.pause(wait)
            attempt += 1

    async def items(self, path: str, params: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """What a list has, page after page, as the service says it."""
        asked = dict(params)
        while True:
            answer = await self.request("GET", path, params=asked)
            page = answer.json()
            for item in page["items"]:
                yield item
            if page.get("next") is None:
                return
            asked["cursor"] = page["next"]

    async def parts(self, path: str, params: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A large answer as it comes. It is not asked for again once it has begun: what came is with the caller already."""
        attempt = 0
        while True:
            said = {"Authorization": f"Bearer {self._token()}"}
            try:
                async with self._http.stream("GET", self.url + path, params=params, headers=said) as answer:
                    if answer.is_success:
                        async for part in answer.aiter_bytes():
                            attempt = _retry.TRIES
                            yield part
                        return
                    await answer.aread()
                    failed = problem(answer)
            except httpx.TransportError as error:
                wait = _retry.after_loss(error, "GET", None, attempt)
                if wait is None:
                    raise Unreachable(f"GET {self.url}{path}: {error or type(error).__name__}") from error
            else:
                wait = _retry.after_problem(failed, "GET", None, attempt)
                if wait is None:
                    raise failed
            await _wait.pause(wait)
            attempt += 1


class Tokens(Collection[shown.ApiToken]):
    async def create(
        self, name: str, *, access: str = "read", expires_at: datetime.datetime | None = None
    ) -> shown.CreatedApiToken:
        """A token for a program. Its secret is in this answer alone."""
        answer = await self._client.request(
            "POST", self._path, json=given(name=name, access=access, expires_at=expires_at)
        )
        return shown.CreatedApiToken.model_validate(answer.json())

    async def revoke(self, id: object) -> None:
        await self._client.request("DELETE", f"{self._path}/{segment(id)}")
