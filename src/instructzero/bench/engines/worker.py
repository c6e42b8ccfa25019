"""Functions of every process that runs cells. Imports no numerical library, because the threads are set first."""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.errors import InstructZeroError
from instructzero.models.stopping import SIGNALS, Stop

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.local_models import LocalModels
    from instructzero.bench.plan import CellPlan

THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""The environment variables of a process that computes on one thread."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The type and message of the error of a cell, which can be sent between processes."""

    kind: type[Exception]
    message: str

    def error(self) -> Exception:
        """Return the error to raise."""
        return self.kind(self.message)


def succeeded(outcome: Outcome | Failure) -> Outcome:
    """Return the outcome; raises the error of a failure."""
    if isinstance(outcome, Failure):
        raise outcome.error()
    return outcome


def use_one_thread() -> None:
    """Compute on one thread: several would slow down other workers, and sums depend on how they are divided."""
    os.environ.update(THREADS)
    import torch

    torch.set_num_threads(1)


def attempt(plan: CellPlan, models: LocalModels) -> Outcome | Failure:
    """Run a cell; returns its outcome or its error. An interrupt is raised."""
    from instructzero.bench.cell import run_cell

    stop = Stop(_ending_signals(), once=True)
    try:
        with stop, stop.working():
            return run_cell(plan, models)
    except InstructZeroError as error:
        return Failure(type(error), f"{plan}: {error}")
    except Exception:
        if stop.number is not None:  # a library has made another exception of the interrupt
            raise KeyboardInterrupt from None
        # a bug; the traceback cannot be sent as an object
        return Failure(RuntimeError, f"{plan}:\n{traceback.format_exc()}")


def _ending_signals() -> list[int]:
    """Return the signals that interrupt a cell: SIGINT even if it is ignored outside, others if nobody handles them."""
    return [signal.SIGINT, *(number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL)]
