"""What every process that runs cells does. Imports nothing that computes, because the threads are set first."""

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
"""The environment of a process that computes on one thread."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cell could not be finished, as it travels between processes."""

    kind: type[Exception]
    message: str

    def error(self) -> Exception:
        return self.kind(self.message)


def succeeded(outcome: Outcome | Failure) -> Outcome:
    """The outcome; raises the error of a failure."""
    if isinstance(outcome, Failure):
        raise outcome.error()
    return outcome


def use_one_thread() -> None:
    """Compute on one thread from now on: workers would slow each other, and sums depend on how they are divided."""
    os.environ.update(THREADS)
    import torch

    torch.set_num_threads(1)


def attempt(plan: CellPlan, models: LocalModels) -> Outcome | Failure:
    """The outcome of a cell, or its error; an interrupt is raised."""
    from instructzero.bench.cell import run_cell

    try:
        with _interruptible():
            return run_cell(plan, models)
    except InstructZeroError as error:
        return Failure(type(error), f"{plan}: {error}")
    except Exception:  # a fault of the program; its traceback would stay in this process
        return Failure(RuntimeError, f"{plan}:\n{traceback.format_exc()}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGINT interrupt the block, whatever it does outside."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
