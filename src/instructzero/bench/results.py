"""The result of one cell and its files: ``cell.json``, and ``timing.json`` for the seconds that it took.

``cell.json`` holds nothing of the clock or the machine, so it has the same bytes wherever the cell ran.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from instructzero.bench.plan import slug
from instructzero.errors import RunDirectoryError
from instructzero.files import read_text
from instructzero.types import Usage

CELL = "cell.json"
TIMING = "timing.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """The instruction that a run would return after ``budget`` calls, and its mean scores in [0, 1].

    It is the finalist with the best score on validation and confirmation examples together. Without confirmation
    examples it is the best on validation and ``confirmation`` is None. The calls of the confirmation are not part of
    the budget, for any method. ``test_scores[i]`` belongs to test example i in every cell of the same task and seed.
    """

    budget: int
    instruction: str
    validation: float
    confirmation: float | None
    test: float
    test_scores: tuple[float, ...]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Mark:
        """Return the mark that a record of ``cell.json`` describes."""
        return cls(**{**record, "test_scores": tuple(record["test_scores"])})


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of ``method`` on ``task`` with the pair ``models``.

    ``curve`` holds (calls spent, best validation score) after each completely scored trial. ``marks`` holds the
    incumbents at the budgets in rising order, ``plain`` the instruction without a soft prompt, with budget 0. ``usage``
    counts every call of the search, including those answered by the call store; ``usd`` is its cost in dollars at list
    prices, None if a price is not known. ``seconds`` is the wall-clock time of the run, from ``timing.json``.
    """

    method: str
    task: str
    models: str
    seed: int
    curve: tuple[tuple[int, float], ...]
    marks: tuple[Mark, ...]
    plain: Mark
    usage: Usage
    usd: float | None
    seconds: float

    def to_record(self) -> dict[str, Any]:
        """Return the cell without its seconds, as values that JSON can hold."""
        record = asdict(self)
        del record["seconds"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any], seconds: float = 0.0) -> Cell:
        """Return the cell of a `to_record`; raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            **{
                **record,
                "curve": tuple((int(calls), float(best)) for calls, best in record["curve"]),
                "marks": tuple(map(Mark.from_record, record["marks"])),
                "plain": Mark.from_record(record["plain"]),
                "usage": Usage(**record["usage"]),
                "seconds": seconds,
            }
        )


def run_folder(cell: Cell, out: Path) -> Path:
    """Return the run directory of a cell of the bench in ``out``."""
    return out / slug(cell.models) / slug(cell.method) / f"{slug(cell.task)}-{cell.seed}"


def read_cells(out: Path) -> list[Cell]:
    """Read all finished cells under ``out``, sorted by models, method, task and seed.

    Raises
    ------
    RunDirectoryError
        If a file cannot be read or is not a cell.
    """
    cells = [read_cell(path.parent) for path in out.glob(f"*/*/*/{CELL}")]
    return sorted(cells, key=lambda cell: (cell.models, cell.method, cell.task, cell.seed))


def read_cell(folder: Path) -> Cell:
    """Read the finished cell in ``folder``; its seconds are 0 if there is no ``timing.json``.

    Raises
    ------
    RunDirectoryError
        If the file cannot be read or is not a cell.
    """
    timing = folder / TIMING
    try:
        seconds = float(_load(timing)["seconds"]) if timing.exists() else 0.0
        return Cell.from_record(_load(folder / CELL), seconds)
    except OSError as error:
        raise RunDirectoryError(f"cannot read {folder / CELL}: {error.strerror}; check its permissions") from None
    except (KeyError, TypeError, ValueError) as error:
        raise RunDirectoryError(
            f"expected a finished cell in {folder}, got a file that does not fit ({type(error).__name__}: {error}); "
            f"delete {CELL} there and run the bench again, which repeats no paid call"
        ) from None


def _load(path: Path) -> Any:
    return json.loads(read_text(path))
