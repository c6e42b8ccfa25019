"""The progress of a bench: one line for each finished cell."""

from __future__ import annotations

import time
from collections.abc import Callable

from instructzero.bench.cell import Outcome
from instructzero.terminal import format_cost, format_seconds
from instructzero.types import Usage


class BenchProgress:
    """Reports each finished cell: its test scores, the cells done, calls and cost paid so far, and the time left.

    The time left is estimated from the cells that this process ran, not from those of an earlier one.

    Parameters
    ----------
    total
        The number of cells of the plan.
    say
        Prints one line.
    clock
        The time in seconds.
    """

    def __init__(self, total: int, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._say, self._clock = total, say, clock
        self._started = clock()
        self._kept = self._run = 0
        self._paid = Usage()
        self._usd: float | None = 0.0

    def kept(self, outcomes: list[Outcome]) -> None:
        """Count the cells that an earlier bench finished."""
        for outcome in outcomes:
            self._pay(outcome)
        self._kept += len(outcomes)
        if outcomes:
            self._say(f"{len(outcomes):,} of {self._total:,} runs were finished before")

    def finished(self, outcome: Outcome) -> None:
        """Report a cell that has just finished."""
        self._pay(outcome)
        self._run += 1
        cell, done = outcome.cell, self._kept + self._run
        tests = ", ".join(f"{mark.test:.2f} at {mark.budget:,}" for mark in cell.marks)
        elapsed = self._clock() - self._started
        left = elapsed / self._run * (self._total - done)
        self._say(
            f"[{format_seconds(elapsed)}] {done:,} of {self._total:,}: {cell.method} on {cell.task}, {cell.models}, "
            f"seed {cell.seed}: test {tests} (plain {cell.plain.test:.2f}); {self._paid.calls:,} calls paid, "
            f"{format_cost(self._usd)}, {format_seconds(left)} left"
        )

    def _pay(self, outcome: Outcome) -> None:
        self._paid += outcome.paid
        self._usd = None if self._usd is None or outcome.usd is None else self._usd + outcome.usd
