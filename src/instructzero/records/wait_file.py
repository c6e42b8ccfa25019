"""The wait of a run for a service, in a file beside the journal, for those who watch the run from another process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from instructzero.files import read_text, write_atomically
from instructzero.records.observers import Observer

_NAME = "waiting.json"


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait: the role whose model does not answer, the time of the next attempt in Unix seconds, and the reason."""

    role: str
    until: float
    reason: str


def read_wait(directory: Path) -> Wait | None:
    """Return the wait of the run in a directory, None if it does not wait now."""
    try:
        wait = Wait(**json.loads(read_text(directory / _NAME)))
        return wait if wait.until > time.time() else None
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def noting_waits(directory: Path, observer: Observer) -> Iterator[Callable[[str, float, str], None]]:
    """Yield a function that passes `Observer.waiting` on, and writes the wait into a file, which is removed at the end.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, noting_waits(Path(folder), Observer()) as waiting:
    ...     waiting("judge", 120.0, "too many requests")
    ...     print(read_wait(Path(folder)).reason)
    too many requests
    """
    path = directory / _NAME

    def waiting(role: str, seconds: float, reason: str) -> None:
        with suppress(OSError):  # the run goes on without it
            write_atomically(path, json.dumps(asdict(Wait(role, time.time() + seconds, reason))) + "\n")
        observer.waiting(role, seconds, reason)

    try:
        yield waiting
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
