"""A time at which work ends, whatever it does at that moment."""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Iterator
from threading import Event, Lock, Thread, get_ident

from instructzero.models.event_loop import Interrupt

_LATE_S = 0.2
"""The time that work has to end by itself: a refusal at the deadline says more than an interrupt."""

_POLL_S, _AGAIN_S = 0.05, 1.0
_LONGEST_S = 3600.0  # `Event.wait` takes no more than some hundred years


class TimeIsUp(BaseException):
    """The deadline has passed. No `Exception`, so that a fallback of a library does not swallow it."""


class Deadline:
    """Raises `TimeIsUp` in a thread once the time ``at`` has passed.

    Parameters
    ----------
    at
        The time by `time.monotonic`.

    >>> deadline = Deadline(time.monotonic())
    >>> with deadline.watched():
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    instructzero.models.deadline.TimeIsUp
    """

    def __init__(self, at: float) -> None:
        self._at = at
        self._interrupt = Interrupt(TimeIsUp)

    def heeded(self) -> contextlib.AbstractContextManager[None]:
        """Let the event loops that this thread makes in the block raise it; they cancel their coroutines first."""
        return self._interrupt.heeded()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """End the block, which this thread runs, at the deadline.

        `EventLoop.finish` goes on to its end, and so does a call of a library that runs no Python code.
        """
        watch = _Watch(self._at + _LATE_S, self._interrupt)
        watch.start()
        try:
            yield
        finally:
            watch.end()


class _Watch:
    """A thread that ends the work of the thread that made it."""

    def __init__(self, at: float, interrupt: Interrupt) -> None:
        self._at = at
        self._interrupt = interrupt
        self._watched = get_ident()
        self._ended, self._lock = Event(), Lock()
        self._thread = Thread(target=self._wait, name="instructzero-deadline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        with self._lock:
            self._ended.set()
        self._thread.join()

    def _wait(self) -> None:
        pause = max(0.0, self._at - time.monotonic())
        while not self._ended.wait(min(pause, _LONGEST_S)):
            if time.monotonic() >= self._at:
                pause = _AGAIN_S if self._interrupts() else _POLL_S
            else:
                pause = self._at - time.monotonic()

    def _interrupts(self) -> bool:
        """Interrupt the work; return False if it must be tried again in a moment."""
        with self._lock:
            if self._ended.is_set() or self._interrupt.send():
                return True
            if self._interrupt.is_deferred:
                return False
            self._interrupt.take()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._watched), ctypes.py_object(TimeIsUp))
            return True
