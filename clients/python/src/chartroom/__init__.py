"""Projects, datasets and models of a Chartroom.

    import chartroom
    df = chartroom.dataset("census/income").to_polars(filter={"year__gte": 2009})

`Client` and `AsyncClient` have everything else.
"""

from __future__ import annotations

from functools import lru_cache

from ._aio import AsyncClient
from ._problems import (
    Conflict,
    Error,
    Forbidden,
    Invalid,
    LoadFailed,
    NotFound,
    PreconditionFailed,
    Problem,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from ._sync import Client, Dataset, Model, Post, Project

__version__ = "0.1.0"

__all__ = [
    "AsyncClient", "Client", "Conflict", "Dataset", "Error", "Forbidden", "Invalid", "LoadFailed", "Model", "NotFound", "Post",
    "PreconditionFailed", "Problem", "Project", "TooManyRequests", "Unauthenticated", "Unavailable", "Unreachable", "dataset", "model",
]


@lru_cache(maxsize=1)
def _client() -> Client:
    return Client()


def dataset(name: str) -> Dataset:
    """A dataset by `PROJECT/NAME` or id, of the service that the environment names."""
    return _client().dataset(name)


def model(name: str) -> Model:
    """A model by its name, of the service that the environment names."""
    return _client().models.get(name)
