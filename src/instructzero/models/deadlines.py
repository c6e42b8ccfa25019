"""One timer for the deadlines of many requests that all have the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")


class Deadlines(Generic[Key]):
    """Reports every key that does not end within ``seconds``. Used from one event loop at a time.

    A timer of its own for every request would be made, and cancelled, for nothing nearly always.

    Parameters
    ----------
    seconds
        The time from the begin of a key to its deadline.
    report
        Receives a key at its deadline.

    >>> async def late():
    ...     missed = []
    ...     deadlines = Deadlines(0.001, missed.append)
    ...     deadlines.begin("quick"), deadlines.begin("slow"), deadlines.end("quick")
    ...     await asyncio.sleep(0.01)
    ...     return missed
    >>> asyncio.run(late())
    ['slow']
    """

    def __init__(self, seconds: float, report: Callable[[Key], object]) -> None:
        self._seconds = seconds
        self._report = report
        self._due: dict[Key, float] = {}  # in the order of the deadlines
        self._alarm: asyncio.TimerHandle | None = None

    def begin(self, key: Key) -> None:
        """Let the time of ``key`` run from now."""
        loop = asyncio.get_running_loop()
        self._due[key] = loop.time() + self._seconds
        if self._alarm is None:
            self._alarm = loop.call_later(self._seconds, self._check)

    def end(self, key: Key) -> None:
        """Forget ``key``."""
        self._due.pop(key, None)
        if not self._due and self._alarm is not None:  # the next key may be in another loop
            self._alarm.cancel()
            self._alarm = None

    def _check(self) -> None:
        loop, self._alarm = asyncio.get_running_loop(), None
        for key, due in list(self._due.items()):
            if due > loop.time():
                self._alarm = loop.call_at(due, self._check)
                break
            del self._due[key]
            self._report(key)
