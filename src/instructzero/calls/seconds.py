"""The part of a budget that is a limit of time."""

from __future__ import annotations

import math
from collections.abc import Callable

from instructzero.calls.limits import FLAGS, amount

_FADING = 0.9
"""A long latency counts less from answer to answer."""


class Seconds:
    """Tells whether there is time for another request before a limit.

    A request is not begun if its answer may come after the limit, when it is lost: the longest latency of the last
    answers must be left, but no more than a tenth of the limit; or what is kept, if that is more.

    Parameters
    ----------
    limit
        The maximum running time in seconds; None for no limit.
    before
        The running time so far.
    clock
        Returns the time in seconds.

    Attributes
    ----------
    kept
        The seconds that are held back.
    """

    def __init__(self, limit: float | None, before: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._before = before
        self._clock = clock
        self._started = clock()
        self._latency = 0.0
        self.kept = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since construction."""
        return self._clock() - self._started

    @property
    def left(self) -> float:
        """The seconds until the limit is reached; infinity without one."""
        return math.inf if self._limit is None else self._limit - self._before - self.elapsed

    @property
    def suffice(self) -> bool:
        """True if another request may begin."""
        return self._limit is None or self.left > max(self.kept, self._latency)

    def answered(self, begun: float) -> None:
        """Note an answer to a request that began when `elapsed` was ``begun``."""
        if self._limit is not None:
            latency = max(self.elapsed - begun, _FADING * self._latency)
            self._latency = min(latency, self._limit / 10)

    def explanation(self) -> str:
        """Return a sentence about why no request may begin."""
        words = ""
        if self.kept:
            words = f" except for the {self.kept:.0f} seconds held back for the final selection and test"
        if self._latency > self.kept and self.left > 0:
            words = f" before another answer, which takes about {max(1.0, self._latency):.0f} s"
        limit = amount("seconds", self._limit or 0)
        return (
            f"the limit of {limit} is reached{words}; raise {FLAGS['seconds']} and run it again, which continues from "
            "here and pays nothing twice"
        )
