"""What one cell of a bench found, and how it is kept: ``cell.json`` and, apart from it, the seconds it took.

A cell's file says nothing of the clock or the machine, so that it has the same bytes wherever it ran.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from instructzero.errors import RunDirectoryError
from instructzero.types import Usage

CELL = "cell.json"
TIMING = "timing.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """What would be returned when ``budget`` calls were spent, and its mean scores.

    It is the best of the finalists then on validation and confirmation examples; where there are none of the latter,
    ``confirmation`` is None and it is the best on validation. What the confirmation asks comes on top of the budget,
    for each method alike. ``test_scores[i]`` belongs to test example i, in every cell of the same task and seed.
    """

    budget: int
    instruction: str
    validation: float
    confirmation: float | None
    test: float
    test_scores: tuple[float, ...]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Mark:
        return cls(**{**record, "test_scores": tuple(record["test_scores"])})


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of ``method`` on ``task`` with the pair ``models``.

    ``curve`` holds (calls spent, best validation score) after each completely scored trial, ``marks`` the incumbents at
    the budgets in rising order, ``plain`` the instruction without a soft prompt, with budget 0. ``usage`` is all that
    the search asked, whether or not the call store knew the answer, and ``usd`` what it costs at list prices (None
    where they are not known). ``seconds`` is the wall-clock of the run, from ``timing.json``.
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
        """What JSON can hold, but for the seconds."""
        record = asdict(self)
        del record["seconds"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any], seconds: float = 0.0) -> Cell:
        """The cell of `to_record`; raises KeyError, TypeError or ValueError for anything else."""
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


def read_cells(out: Path) -> list[Cell]:
    """All finished cells under ``out``, sorted by models, method, task and seed.

    Raises `RunDirectoryError` for a file that is no cell.
    """
    cells = [read_cell(path.parent) for path in out.glob(f"*/*/*/{CELL}")]
    return sorted(cells, key=lambda cell: (cell.models, cell.method, cell.task, cell.seed))


def read_cell(folder: Path) -> Cell:
    """The finished cell in ``folder``; without a ``timing.json`` its seconds are 0."""
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
    return json.loads(path.read_text(encoding="utf-8"))
