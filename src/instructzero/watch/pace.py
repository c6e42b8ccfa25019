"""A limit on the processor time of background work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """A budget of processor time: a credit of ``credit_s`` seconds that refills at ``share`` of one core.

    Over T seconds, work takes at most ``credit_s + share * T`` seconds of processor time, plus the time of its last
    piece.

    Parameters
    ----------
    share
        The share of one core at which the credit refills.
    credit_s
        The initial and maximum credit in seconds.
    now
        The wall clock in seconds.
    spent
        The processor time of this process in seconds.

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
        self._max_credit_s = self._credit_s = credit_s
        self._now = now
        self._spent = spent
        self._since = now()

    def is_due(self) -> bool:
        """Return True if there is credit left."""
        self._earn()
        return self._credit_s > 0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Charge the processor time of the block to the credit."""
        self._earn()
        before = self._spent()
        try:
            yield
        finally:
            self._credit_s -= self._spent() - before

    def _earn(self) -> None:
        now = self._now()
        self._credit_s = min(self._max_credit_s, self._credit_s + self._share * (now - self._since))
        self._since = now
