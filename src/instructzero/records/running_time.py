"""The time that a run has taken, over all its processes, in a file of its directory."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path
from threading import Event, Thread

from instructzero.files import open_regular, read_text

NAME = "running-time"
"""The file's name. It holds the seconds in which a process ran the run; the pauses between processes do not count."""

TICK_S = 0.5
"""A process that is killed loses at most about this time."""

_WIDTH = 20  # bytes, always the same, so that a write replaces the content at once


def read_running_time(directory: Path) -> float:
    """Return the seconds that the run in a directory has taken, 0 if they are not known."""
    try:
        seconds = float(read_text(directory / NAME))
    except (OSError, ValueError):
        return 0.0
    return seconds if 0 <= seconds < math.inf else 0.0


class RunningTime:
    """The running time of a run: ``before`` of earlier processes, and since ``begun``, by `time.monotonic`."""

    def __init__(self, before: float, begun: float) -> None:
        self._before = before
        self._begun = begun
        self._counts = True

    def __call__(self) -> float:
        """Return the running time in seconds."""
        return self._before + (time.monotonic() - self._begun if self._counts else 0.0)

    def forget(self) -> None:
        """Do not count this process, which had nothing to do."""
        self._counts = False


@contextmanager
def counting_time(directory: Path, begun: float) -> Iterator[RunningTime]:
    """Add the time of the block to the running time of the run in a directory, as it passes.

    The file is written by a thread of its own; if it cannot
    be written, as on a full disk, the run goes on.

    Parameters
    ----------
    directory
        The directory of the run, which this process holds.
    begun
        The time by `time.monotonic` at which this process began with the run; a change of the system's clock does not
        matter.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with counting_time(Path(folder), time.monotonic() - 60) as first:
    ...         pass
    ...     with counting_time(Path(folder), time.monotonic() - 60) as second:
    ...         print(round(second()))
    120
    """
    seconds = RunningTime(read_running_time(directory), begun)
    ended = Event()
    write = partial(_write_until, ended, directory / NAME, seconds)
    thread = Thread(target=copy_context().run, args=(write,), daemon=True)  # with the mode that new files have here
    thread.start()
    try:
        yield seconds
    finally:
        ended.set()
        thread.join()


def _write_until(ended: Event, path: Path, seconds: Callable[[], float]) -> None:
    with suppress(OSError), os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT), "wb", buffering=0) as file:
        is_last = False
        while not is_last:
            is_last = ended.wait(TICK_S)
            with suppress(OSError):
                os.pwrite(file.fileno(), f"{seconds():.3f}\n".rjust(_WIDTH).encode(), 0)
                os.fsync(file.fileno())
