"""Work that is done now and then, and never takes more than its share of a processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """Allows work while what it has taken is at most ``credit_s`` seconds and ``share`` of one core since then.

    Over T seconds, work takes at most ``credit_s + share * T`` seconds of processor time and what its last piece took.
    ``now`` and ``spent`` are clocks in seconds: of the wall, and of this process on its processors.

    >>> pace = Pace(share=0.03, credit_s=3.0)
    >>> with pace.working():
    ...     pass
    >>> pace.is_due()
    True
    """

    def __init__(
        self,
        *,
        share: float,
        credit_s: float,
        now: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.process_time,
    ) -> None:
        self._share = share
        self._most_s = self._credit_s = credit_s
        self._now = now
        self._spent = spent
        self._since = now()

    def is_due(self) -> bool:
        """Whether there is time to spend."""
        self._earn()
        return self._credit_s > 0

    @contextmanager
    def working(self) -> Iterator[None]:
        """What the block takes is spent."""
        self._earn()
        before = self._spent()
        try:
            yield
        finally:
            self._credit_s -= self._spent() - before

    def _earn(self) -> None:
        now = self._now()
        self._credit_s = min(self._most_s, self._credit_s + self._share * (now - self._since))
        self._since = now
