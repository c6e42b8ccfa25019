"""The latencies of requests, and the requests whose answers are late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from instructzero.models.deadlines import Deadlines

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
        self._deadlines: Deadlines[int] = Deadlines(timeout, self._check)
        self._sent: dict[int, tuple[float, int, float]] = {}
        self._answers, self._seconds = 0, 0.0

    def sent(self, number: int) -> None:
        """Note that request ``number`` is sent now."""
        self._sent[number] = asyncio.get_running_loop().time(), self._answers, self._seconds
        self._deadlines.begin(number)

    def answered(self, number: int) -> float | None:
        """Return the seconds that the answer to request ``number`` took; None if it was not sent."""
        if number not in self._sent:
            return None
        seconds = asyncio.get_running_loop().time() - self._sent[number][0]
        self._answers += 1
        self._seconds += seconds
        return seconds

    def ended(self, number: int) -> None:
        """Forget request ``number``."""
        self._sent.pop(number, None)
        self._deadlines.end(number)

    def _check(self, number: int) -> None:
        _, answers, seconds = self._sent[number]
        if self._is_slow(self._answers - answers, self._seconds - seconds):
            self._report(number)

    def _is_slow(self, answers: int, seconds: float) -> bool:
        return answers == 0 or seconds / answers >= _SLOW * self._timeout
