"""Where cells are run: processes on this machine, a Ray cluster, or a Slurm cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Sequence
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


def take(waiting: deque[CellPlan], running: Collection[CellPlan]) -> CellPlan | None:
    """The first cell that waits and shares its answers with none of the running ones, or None.

    SQLite's files bear any number of processes, but one machine at a time.
    """
    busy = {plan.settings.store for plan in running}
    for place, plan in enumerate(waiting):
        if plan.settings.store not in busy:
            del waiting[place]
            return plan
    return None


def make_engine(plan: Plan) -> Engine:
    """The engine of the plan; raises `ConfigurationError` where it is not installed."""
    if plan.engine == "ray":
        from instructzero.bench.engines.ray import RayEngine

        return RayEngine(plan.workers)
    if plan.engine == "slurm":
        from instructzero.bench.engines.slurm import SlurmEngine

        return SlurmEngine(plan.workers, plan.out.resolve() / "jobs")
    from instructzero.bench.engines.processes import ProcessEngine

    return ProcessEngine(plan.workers)
