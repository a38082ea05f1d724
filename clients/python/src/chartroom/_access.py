"""Which service is asked, and with which token: the same places in the same order as the command line `chartroom`."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

from ._problems import Error

# Where a pod has the token of its service account that is meant for Chartroom.
OF_A_POD = pathlib.Path("/var/run/secrets/chartroom/token")


class Access:
    """The URL of a service, and a function that gives the token to send with a request."""

    def __init__(self, url: str | None, token: str | Callable[[], str] | None) -> None:
        chosen = url or os.environ.get("CHARTROOM_URL")
        if not chosen:
            raise Error("no service to ask: pass url=, or set CHARTROOM_URL")
        self.url = chosen.rstrip("/")
        self.token = self._found(token)

    @staticmethod
    def _found(token: str | Callable[[], str] | None) -> Callable[[], str]:
        if callable(token):
            return token
        value = token or os.environ.get("CHARTROOM_TOKEN")
        if value:
            known = value.strip()
            return lambda: known
        named = os.environ.get("CHARTROOM_TOKEN_FILE")
        file = pathlib.Path(named) if named else OF_A_POD
        if not named and not file.exists():
            raise Error("no token: pass token=, or set CHARTROOM_TOKEN or CHARTROOM_TOKEN_FILE")

        def read() -> str:
            # At each request: Kubernetes replaces the file before the token in it ends.
            try:
                return file.read_text(encoding="ascii").strip()
            except OSError as error:
                raise Error(f"the token file {file} cannot be read: {error.strerror}") from error

        return read
