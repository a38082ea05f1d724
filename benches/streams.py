"""What benches/streams measures, once there are callers.

    streams.py URL TOKENS PID PSQL DATABASE_URL STREAMS
"""

import asyncio
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.parse

url, tokens, pid, psql, database, streams = sys.argv[1:]
pid, streams = int(pid), int(streams)
tokens = pathlib.Path(tokens).read_text().split()
place = urllib.parse.urlsplit(url)
SECONDS = 30
END = b"0\r\n\r\n"


def held():
    """Resident memory and that of its own, in MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return [int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024 for name in ("VmRSS", "RssAnon")]


def commits():
    """Statistics are written down about once a second."""
    asked = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    return int(subprocess.run([psql, database, "-XAtqc", asked], check=True, capture_output=True, text=True).stdout)


async def transactions():
    await asyncio.sleep(2)
    before = commits()
    await asyncio.sleep(SECONDS)
    return commits() - before


class Stream:
    async def begin(self, token):
        self.reader, self.writer = await asyncio.open_connection(place.hostname, place.port)
        self.writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:300]
        self.task = asyncio.create_task(self.read())

    async def read(self):
        """What came last, once it is over."""
        last = b""
        while part := await self.reader.read(65536):
            last = (last + part)[-len(END):]
        return last


async def main():
    idle = await transactions()
    before = held()
    every = [Stream() for _ in range(streams)]
    for at in range(0, streams, 50):
        await asyncio.gather(*(one.begin(tokens[number % len(tokens)]) for number, one in enumerate(every[at:at + 50], at)))
    followed = await transactions()
    after = held()
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    last = await asyncio.wait_for(asyncio.gather(*(one.task for one in every)), 60)
    took = time.monotonic() - began
    whole = sum(end == END for end in last)
    print(f"{streams} streams: RSS {before[0]:.1f} to {after[0]:.1f} MiB, of it its own {before[1]:.1f} to {after[1]:.1f} MiB")
    print(f"transactions of the database in {SECONDS} s: {idle} before, {followed} with them")
    print(f"SIGTERM: {whole} of {streams} ended whole within {took:.1f} s")


asyncio.run(main())
