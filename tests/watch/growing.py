"""A replay of a recorded run, and a server in a thread that watches it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from instructzero.testing.loopback import Loopback
from instructzero.watch.server import serve

HOSTILE = "</script></bdi><img src=https://example.invalid/x onerror=\"document.title='pwned'\">"


class GrowingRun:
    """The run directory at ``path``, in which a recorded run is replayed step by step."""

    def __init__(self, path: Path, recorded: Path) -> None:
        self.path = path
        self.lines = (recorded / "journal.jsonl").read_bytes().splitlines(keepends=True)
        self.written = 0
        self._recorded = recorded

    def begin(self) -> GrowingRun:
        """Create the directory with its settings."""
        self.path.mkdir()
        shutil.copy(self._recorded / "settings.yaml", self.path)
        return self

    def add(self, records: int) -> GrowingRun:
        """Write the next records of the journal."""
        with (self.path / "journal.jsonl").open("ab") as file:
            file.write(b"".join(self.lines[self.written : self.written + records]))
        self.written = min(len(self.lines), self.written + records)
        return self

    def add_until(self, evaluations: int) -> GrowingRun:
        """Write the journal up to this evaluation."""
        trials = [place for place, line in enumerate(self.lines) if json.loads(line)["kind"] == "trial"]
        return self.add(trials[evaluations - 1] + 1 - self.written)

    def end(self) -> GrowingRun:
        """Write the rest, and the result."""
        self.add(len(self.lines))
        shutil.copy(self._recorded / "result.json", self.path)
        return self


class Serving(Loopback):
    """A server that watches these directories while the block runs."""

    def __init__(self, *directories: Path) -> None:
        super().__init__("watch")
        self._directories: Sequence[Path] = directories

    async def _serve(self) -> None:
        listens = asyncio.Event()

        def listening(address: str) -> None:
            parts = urlsplit(address)
            self.query = f"?{parts.query}"
            self._listening(parts.port)
            listens.set()

        serving = asyncio.create_task(serve(self._directories, 0, listening))
        await listens.wait()
        await self._stop.wait()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Return the status and the text of the server's answer to a request with its token, following redirections."""
        return self.ask_without_token(f"{path}{self.query}", **headers)

    def ask_without_token(self, path: str, **headers: str) -> tuple[int, str]:
        """Return the same for exactly this path."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            content = response.read().decode()
            if response.status == 302:
                return self.ask_without_token(response.headers["Location"], **headers)
            return response.status, content

    def get(self, path: str, **headers: str) -> str:
        """Return the text of an answer with status 200."""
        status, content = self.ask(path, **headers)
        assert status == 200, content
        return content

    def state(self, path: str = "/1/state") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(path))
        return found
