"""Runs of the command line in processes that start quickly, because they are forked with all modules loaded."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from instructzero.cli import main

LOADED = (
    *("instructzero.api", "instructzero.cli.app", "instructzero.cli.summary", "instructzero.cli.ways_on"),
    *("instructzero.integrations.logging", "instructzero.models.openai", "instructzero.models.scripted"),
    *("instructzero.optimizers.methods.instructzero", "instructzero.progress", "instructzero.report.page"),
    *("instructzero.models.backends.openai", "instructzero.models.backends.scripted", "scipy.optimize", "scipy.stats"),
)

_turn = threading.Lock()
"""Threads take turns: each start polls all processes, and two polls of one process at once lose its exit code."""

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.killed_runs", *LOADED])


class CommandLine:
    """``instructzero`` with some arguments, in a process of its own.

    What it writes goes to the file ``log``, or the terminal of this name, which is then the one that controls it. It
    ignores the signals ``ignored``.
    """

    def __init__(self, arguments: Sequence[str], log: str | Path, *, ignored: Sequence[signal.Signals] = ()) -> None:
        self._process: Any = _FORKED.Process(target=_run, args=([*arguments], log, [*ignored]), daemon=True)
        with _turn:
            self._process.start()
        self.pid = self._process.pid

    @property
    def is_alive(self) -> bool:
        """True while the process runs."""
        with _turn:
            return bool(self._process.is_alive())

    def send(self, number: int) -> None:
        """Send a signal; nothing happens if the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self.is_alive:
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Return the exit code; negative after a signal that the process did not handle."""
        if not self.wait_at_most(seconds):
            self._process.kill()
            raise TimeoutError(f"expected the end of process {self.pid} within {seconds} seconds")
        with _turn:
            code: int = self._process.exitcode
            self._process.close()
        return code

    def wait_at_most(self, seconds: float) -> bool:
        """Wait for the end; return True if it came."""
        deadline = time.monotonic() + seconds
        while self.is_alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True


def _run(arguments: list[str], log: str | Path, ignored: list[signal.Signals]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # pytest may have been started without them
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in ignored else default)
    os.setsid()
    descriptor = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    sys.argv = ["instructzero", *arguments]
    main()


def wait_until(condition: Any, seconds: float = 60.0) -> None:
    """Wait until ``condition()`` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
