"""What can go wrong. Everything that this package raises by itself is an `Error`; what the service says is a `Problem`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from ._generated import Import


# Of the fields that are wrong, in the text; `errors` has all of them.
MOST_SHOWN = 5


class Error(Exception):
    """Any failure."""


class Unreachable(Error):
    """The service did not answer, or the connection was lost before it had."""


class Problem(Error):
    """What the service answered instead of what it was asked for (RFC 9457)."""

    def __init__(self, status: int, document: dict[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(document.get("code", ""))
        self.detail = str(document.get("detail") or document.get("title") or f"the service answered {status}")
        self.request_id = str(document.get("instance", ""))
        # Which fields are wrong: `pointer`, `detail` and `code` of each.
        self.errors: list[dict[str, Any]] = list(document.get("errors") or [])
        self.retry_after = retry_after
        shown = self.errors[:MOST_SHOWN]
        fields = [f"{error.get('pointer') or error.get('parameter') or 'the body'}: {error.get('detail')}" for error in shown]
        if len(self.errors) > len(shown):
            fields.append(f"and {len(self.errors) - len(shown)} more")
        known = f" (request {self.request_id})" if self.request_id else ""
        super().__init__("; ".join([self.detail, *fields]) + known)


class Unauthenticated(Problem):
    """401: no token, or one that has ended."""


class Forbidden(Problem):
    """403: you may not do that."""


class NotFound(Problem):
    """404: there is no such thing, or you may not know of it."""


class Conflict(Problem):
    """409: it cannot be done to what is there."""


class PreconditionFailed(Problem):
    """412: somebody else changed it since you read it. `refresh()` it, then change it again."""


class Invalid(Problem):
    """400, 413, 415 or 422: the request is wrong; `errors` names the fields."""


class LoadFailed(Invalid):
    """A file that was refused after its upload; one that is refused at once is `Invalid`. `load` is the import."""

    def __init__(self, load: Import) -> None:
        self.load = load
        code, detail = (load.problem.code, load.problem.detail) if load.problem else (load.state, f"the import ended as {load.state}")
        errors = [
            {"pointer": "/".join(["/rows", str(error.row), *([error.column] if error.column else [])]), "code": error.code,
             "detail": f"row {error.row}: {error.code}"}
            for error in load.errors
        ]
        super().__init__(422, {"code": code, "detail": detail, "errors": errors})


class TooManyRequests(Problem):
    """429: more requests than the service allows; `retry_after` says when to come back."""


class Unavailable(Problem):
    """5xx: the service cannot do it now."""


KINDS: dict[int, type[Problem]] = {
    400: Invalid, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 412: PreconditionFailed,
    413: Invalid, 415: Invalid, 422: Invalid, 429: TooManyRequests,
}

# The service did nothing when it says one of these, so whatever it was asked can be asked again.
NOTHING_DONE = {"overloaded", "database-unavailable", "read-only", "storage-full", "identity-unavailable", "too-many-requests",
                "request-in-flight", "file-pending", "not-ready"}


def problem(answer: httpx.Response) -> Problem:
    """Of an answer whose body has been read."""
    try:
        document = json.loads(answer.content)
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    kind = KINDS.get(answer.status_code, Unavailable if answer.status_code >= 500 else Problem)
    try:
        after = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        after = None
    return kind(answer.status_code, document, after)
