"""What takes time here; `_aio/_wait.py` has the same for an event loop."""

import time
from typing import IO


def pause(seconds: float) -> None:
    time.sleep(seconds)


def some(file: IO[bytes], size: int) -> bytes:
    """A part of a file."""
    return file.read(size)
