"""Functions of every process that runs cells. Imports no numerical library, because the threads are set first."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.errors import InstructZeroError

if TYPE_CHECKING:
    from instructzero.bench.cell import LocalModels, Outcome
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

    try:
        with _interruptible():
            return run_cell(plan, models)
    except InstructZeroError as error:
        return Failure(type(error), f"{plan}: {error}")
    except Exception:  # a bug; the traceback cannot be sent as an object
        return Failure(RuntimeError, f"{plan}:\n{traceback.format_exc()}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGINT interrupt the block, even if it is ignored outside."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
