"""The latencies of requests, and the requests whose answers are late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_SLOW = 1 / 2  # share of the timeout


class Late:
    """Measures latencies, and reports late answers of a slow server, with one timer for all requests.

    A request without an answer after ``timeout`` seconds is reported if the answers that came in the meantime took half
    of the timeout or more in the mean, or if none came. A single slow answer among quick ones is long by itself, and
    says nothing about the server.

    Parameters
    ----------
    timeout
        Seconds after which an answer is late.
    report
        Receives the number of a late request.
    """

    def __init__(self, timeout: float, report: Callable[[int], None]) -> None:
        self._timeout = timeout
        self._report = report
        self._waiting: dict[int, tuple[float, int, float]] = {}  # in the order of sending
        self._overdue: dict[int, float] = {}
        self._answers, self._seconds = 0, 0.0
        self._alarm: asyncio.TimerHandle | None = None

    def sent(self, number: int) -> None:
        """Note that request ``number`` is sent now."""
        loop = asyncio.get_running_loop()
        self._waiting[number] = loop.time(), self._answers, self._seconds
        if self._alarm is None:
            self._alarm = loop.call_later(self._timeout, self._check)

    def answered(self, number: int) -> float | None:
        """Return the seconds that the answer to request ``number`` took; None if it was not sent."""
        sent = self._waiting[number][0] if number in self._waiting else self._overdue.get(number)
        if sent is None:
            return None
        seconds = asyncio.get_running_loop().time() - sent
        self._answers += 1
        self._seconds += seconds
        return seconds

    def ended(self, number: int) -> None:
        """Forget request ``number``."""
        if self._waiting.pop(number, None) is None:
            self._overdue.pop(number, None)
        if not self._waiting and self._alarm is not None:  # the next request may be in another loop
            self._alarm.cancel()
            self._alarm = None

    def _check(self) -> None:
        loop, self._alarm = asyncio.get_running_loop(), None
        for number, (sent, answers, seconds) in list(self._waiting.items()):
            if sent + self._timeout > loop.time():
                self._alarm = loop.call_at(sent + self._timeout, self._check)
                break
            del self._waiting[number]
            self._overdue[number] = sent
            if self._is_slow(self._answers - answers, self._seconds - seconds):
                self._report(number)

    def _is_slow(self, answers: int, seconds: float) -> bool:
        return answers == 0 or seconds / answers >= _SLOW * self._timeout
