"""What takes time here and has another name where nothing is awaited."""

import asyncio
from typing import IO


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def some(file: IO[bytes], size: int) -> bytes:
    """A part of a file, read beside the event loop."""
    return await asyncio.to_thread(file.read, size)
