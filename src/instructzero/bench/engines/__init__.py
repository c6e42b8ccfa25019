"""Engines run the cells of a bench: processes on this machine, a Ray cluster, or a Slurm cluster."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Collection, Generator, Sequence
from typing import TYPE_CHECKING, Protocol

from instructzero.errors import InstructZeroError

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.plan import CellPlan, Plan

LIVES = 4
"""The maximum number of times that a cell is started, if the process that runs it dies every time."""

STOP_S = 15.0
"""Seconds that an interrupted cell has to store the answers of its open requests."""


class Engine(Protocol):
    """Runs cells on workers. A worker runs one cell at a time, on one thread."""

    def map(self, plans: Sequence[CellPlan]) -> Generator[Outcome, None, None]:
        """Yield the outcome of each cell, in the order in which the cells finish.

        If a worker dies, only its current cell is affected: another worker starts that cell again. The first error of a
        cell is raised. No cell is running any more when the iterator ends, whether it was exhausted, closed or
        interrupted, and every paid answer is kept.
        """
        ...


def lost(plan: CellPlan) -> InstructZeroError:
    """Return the error of a cell that was started `LIVES` times."""
    return InstructZeroError(
        f"{plan}: the process that runs it died {LIVES} times, possibly because memory ran out; run the bench again "
        "with fewer --workers to continue"
    )


def take(waiting: deque[CellPlan], running: Collection[CellPlan]) -> CellPlan | None:
    """Remove and return the first waiting cell that shares its call store with no running cell, or None.

    Several processes may write to one SQLite file, but several machines may not.
    """
    busy = {plan.settings.store for plan in running}
    for place, plan in enumerate(waiting):
        if plan.settings.store not in busy:
            del waiting[place]
            return plan
    return None


def make_engine(plan: Plan) -> Engine:
    """Return the engine of the plan.

    Raises
    ------
    ConfigurationError
        If the engine is not installed.
    """
    if plan.engine == "ray":
        from instructzero.bench.engines.ray import RayEngine

        return RayEngine(plan.workers)
    if plan.engine == "slurm":
        from instructzero.bench.engines.slurm import SlurmEngine

        # A new folder every time: submitit unpickles the results that it finds, and --out may come from somebody else.
        return SlurmEngine(plan.workers, plan.out.resolve() / "jobs" / secrets.token_hex(4))
    from instructzero.bench.engines.processes import ProcessEngine

    return ProcessEngine(plan.workers)
