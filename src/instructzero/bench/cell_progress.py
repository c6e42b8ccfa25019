"""The progress of a running cell, in a small file of its folder that any machine with the folder can read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from instructzero.files import read_text, write_atomically
from instructzero.progress import Tally
from instructzero.records.observers import RunPlan
from instructzero.types import Completion, Trial

PROGRESS = "progress.json"
_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class CellProgress:
    """What a running cell has done: its stage, what it has reached of its limits, and its best validation score."""

    stage: str
    reached: str
    best: float | None
    plain: float | None

    def __str__(self) -> str:
        best = "none yet" if self.best is None else f"{self.best:.2f}"
        plain = "" if self.plain is None else f" (plain {self.plain:.2f})"
        return f"{self.stage}: {self.reached}, best so far {best}{plain}"


@contextmanager
def reporting(folder: Path) -> Iterator[Tally]:
    """Yield an observer that keeps the progress of the cell in ``folder`` in its file, until the block ends."""
    path = folder / PROGRESS
    try:
        yield _Reporter(path)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def read_progress(folder: Path) -> CellProgress | None:
    """Return the progress of the cell in ``folder``; None if it is not running, or the file holds something else."""
    try:
        values = json.loads(read_text(folder / PROGRESS))
        best, plain = (None if values[name] is None else float(values[name]) for name in ("best", "plain"))
        return CellProgress(str(values["stage"]), str(values["reached"]), best, plain)
    except (OSError, ValueError, TypeError, KeyError):
        return None


class _Reporter(Tally):
    """Writes the file at most every `_EVERY_S` seconds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._next = 0.0

    def run_started(self, plan: RunPlan) -> None:
        super().run_started(plan)
        self._write()

    def answered(self, completion: Completion, cached: bool) -> None:
        super().answered(completion, cached)
        self._write()

    def trial_finished(self, trial: Trial) -> None:
        super().trial_finished(trial)
        self._write()

    def testing_started(self, answers: int) -> None:
        super().testing_started(answers)
        self._write()

    def _write(self) -> None:
        """Write the file if it is time; the run does not depend on it."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_S
        best, plain = (None if scored is None else scored[1] for scored in (self.best, self.plain))
        now = CellProgress(self.stage, self.reached(), best, plain)
        with suppress(OSError):
            write_atomically(self._path, json.dumps(asdict(now)) + "\n")
