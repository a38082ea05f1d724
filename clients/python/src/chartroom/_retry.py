"""Which request is sent again, and when."""

from __future__ import annotations

import random

import httpx

from ._problems import NOTHING_DONE, Problem

TRIES = 5
# Longer than this nobody is kept waiting: the caller gets the problem, which says when to come back.
PATIENCE = 60.0

# These name a state and not a change, so to ask twice is to ask once.
REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}


def repeatable(method: str, key: str | None) -> bool:
    """A POST with an `Idempotency-Key` happens once, however often it is sent."""
    return method in REPEATABLE or (method == "POST" and key is not None)


def before_next(attempt: int) -> float:
    """Seconds, longer with each try and never the same for two clients."""
    return random.uniform(0.5, 1.0) * min(0.2 * 2.0**attempt, 5.0)


def after_problem(problem: Problem, method: str, key: str | None, attempt: int) -> float | None:
    """For how long to wait before the request is sent again; None if it is not."""
    again = problem.code in NOTHING_DONE or (problem.status in (502, 503, 504) and repeatable(method, key))
    if not again or attempt + 1 >= TRIES:
        return None
    wait = before_next(attempt) if problem.retry_after is None else problem.retry_after
    return wait if wait <= PATIENCE else None


def after_loss(error: httpx.TransportError, method: str, key: str | None, attempt: int) -> float | None:
    """The same where no answer came. What was never sent can always be sent again."""
    never_sent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    if attempt + 1 >= TRIES or not (never_sent or repeatable(method, key)):
        return None
    return before_next(attempt)
