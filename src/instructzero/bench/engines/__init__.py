"""Where cells are run: processes on this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Protocol

from instructzero.errors import InstructZeroError

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.plan import CellPlan, Plan

LIVES = 4
"""How often a cell is begun before its bench gives up on it, where the process that runs it keeps dying."""

STOP_S = 15.0
"""Seconds that an interrupted cell has to keep the answers that are on their way."""


class Engine(Protocol):
    """Runs cells on workers, each of which runs one cell at a time, on one thread."""

    def map(self, plans: Sequence[CellPlan]) -> Generator[Outcome, None, None]:
        """What became of each, in the order in which they are finished.

        A worker that dies costs only the cell it was at, which another begins again. The first error of a cell is
        raised, and nothing runs any more when the iterator ends, whether it was exhausted, closed or interrupted; what
        was paid until then is kept.
        """
        ...


def lost(plan: CellPlan) -> InstructZeroError:
    """The error of a cell that was begun too often."""
    return InstructZeroError(
        f"{plan}: the process that runs it died {LIVES} times, perhaps for want of memory; run the bench again with "
        "fewer --workers, which goes on from here"
    )


def make_engine(plan: Plan) -> Engine:
    """The engine of the plan; raises `ConfigurationError` where it is not installed."""
    if plan.engine == "ray":
        from instructzero.bench.engines.ray import RayEngine

        return RayEngine(plan.workers)
    from instructzero.bench.engines.processes import ProcessEngine

    return ProcessEngine(plan.workers)
