"""The limit of a run's time, over all its processes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from instructzero.calls.limits import FLAGS, amount
from instructzero.errors import BudgetExhausted
from instructzero.models.deadline import Deadline, TimeIsUp
from instructzero.records.running_time import RunningTime, counting_time


class TimeLimit:
    """The time of a run: ``seconds()`` returns what it has taken so far, in all its processes."""

    def __init__(self, seconds: RunningTime, deadline: Deadline) -> None:
        self.seconds = seconds
        self._deadline = deadline

    def watched(self) -> AbstractContextManager[None]:
        """Return a context manager that ends its block at the limit, whatever the block does; see `Deadline`."""
        return self._deadline.watched()


@contextmanager
def limited_time(directory: Path, limit: float | None, begun: float, *, is_finished: bool) -> Iterator[TimeLimit]:
    """Count the time of the run in a directory from ``begun`` on, and limit it.

    Parameters
    ----------
    directory
        The directory of the run, which this process holds.
    limit
        The maximum running time in seconds, None for no limit.
    begun
        The time by `time.monotonic` at which this process began.
    is_finished
        The run was complete before. It may be opened after its limit is reached, because nothing may be left to do.

    Raises
    ------
    BudgetExhausted
        If the limit is reached, before the block or in it.
    """
    with counting_time(directory, begun) as seconds:
        left = math.inf if limit is None else limit - seconds()
        if limit is not None and left <= 0:
            if not is_finished:
                seconds.forget()
                raise _reached(limit, seconds())
            left = math.inf  # only the budget refuses what is not paid yet
        deadline = Deadline(time.monotonic() + left)
        try:
            with deadline.heeded():
                yield TimeLimit(seconds, deadline)
        except TimeIsUp:
            raise _reached(limit or 0.0, seconds()) from None


def _reached(limit: float, seconds: float) -> BudgetExhausted:
    return BudgetExhausted(
        f"the limit of {amount('seconds', limit)} is reached: this run has taken {seconds:,.0f} seconds, in all its "
        f"processes; raise {FLAGS['seconds']} and run it again, which continues from here and pays nothing twice"
    )
