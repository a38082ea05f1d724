"""The package for programs that await; `_sync` is made of it."""

from .client import AsyncClient
from .datasets import Dataset
from .models import Model
from .projects import Post, Project

__all__ = ["AsyncClient", "Dataset", "Model", "Post", "Project"]
