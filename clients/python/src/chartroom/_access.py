"""Which service is asked, and with which token: the same places in the same order as the command line `chartroom`."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from ._problems import Error

# Where a pod has the token of its service account that is meant for Chartroom.
OF_A_POD = pathlib.Path("/var/run/secrets/chartroom/token")


class Access:
    """The URL of a service, and a function that gives the token to send with a request."""

    def __init__(self, url: str | None, token: str | Callable[[], str] | None) -> None:
        chosen = url or os.environ.get("CHARTROOM_URL")
        if not chosen:
            kept = _kept()
            context = kept.get("contexts", {}).get(kept.get("current"))
            if context is None:
                raise Error("no service to ask: pass url=, set CHARTROOM_URL, or sign in with `chartroom login`")
            chosen = str(context["url"])
        self.url = chosen.rstrip("/")
        self.token = self._found(token)

    def _found(self, token: str | Callable[[], str] | None) -> Callable[[], str]:
        if callable(token):
            return token
        value = token or os.environ.get("CHARTROOM_TOKEN")
        named = os.environ.get("CHARTROOM_TOKEN_FILE")
        if not value and not named and not OF_A_POD.exists():
            value = self._kept_token()
        if value:
            known = value.strip()
            return lambda: known
        file = pathlib.Path(named) if named else OF_A_POD

        def read() -> str:
            # At each request: Kubernetes replaces the file before the token in it ends.
            try:
                return file.read_text(encoding="ascii").strip()
            except OSError as error:
                raise Error(f"the token file {file} cannot be read: {error.strerror}") from error

        return read

    def _kept_token(self) -> str:
        """Of `chartroom login`; it goes to no other service than the one that it is of."""
        kept = _kept()
        contexts = kept.get("contexts", {})
        current = [contexts[kept["current"]]] if kept.get("current") in contexts else []
        for context in [*current, *contexts.values()]:
            if context["url"].rstrip("/") == self.url:
                return str(context["token"])
        raise Error("no token: pass token=, set CHARTROOM_TOKEN or CHARTROOM_TOKEN_FILE, or sign in with `chartroom login`")


def _kept() -> dict[str, Any]:
    """What `chartroom login` has written; empty where there is nothing."""
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    file = pathlib.Path(folder, "chartroom", "credentials")
    try:
        mode = file.stat().st_mode & 0o777
        if os.name == "posix" and mode & 0o077:
            raise Error(f"the file {file}: others may read or write it (mode {mode:03o}), and it has tokens; run `chmod 600 {file}`")
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # What the decoder says could quote what stands there.
        raise Error(f"the file {file} cannot be read; remove it and sign in again with `chartroom login`") from error
    return kept if isinstance(kept, dict) else {}
