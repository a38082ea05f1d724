# Made by generate.py from _aio/__init__.py; do not edit.
"""The package for programs that await; `_sync` is made of it."""

from .client import Client
from .datasets import Dataset
from .models import Model
from .projects import Post, Project

__all__ = ["Client", "Dataset", "Model", "Post", "Project"]
