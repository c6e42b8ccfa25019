"""The instruction that each cell of a bench found, with a link to its run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from instructzero.bench.parts import Captioned, Section
from instructzero.bench.plan import slug
from instructzero.bench.results import Cell, run_folder
from instructzero.bench.tables import Table, score

_CAPTION = (
    "The instruction that each run would return at its largest budget, and the plain one, by task; the highest test "
    "score of a task is bold."
)
_INTRODUCTION = f"{_CAPTION} The number of the seed leads to the report of the run."


def instructions_section(cells: Sequence[Cell], out: Path) -> Section:
    """Return the section with a folded table for each task."""
    tables = [_of_task([cell for cell in cells if cell.task == task], task, out) for task in _tasks(cells)]
    return Section("Instructions found", (_INTRODUCTION, *tables), searchable=True)


def _of_task(cells: Sequence[Cell], task: str, out: Path) -> Captioned:
    """Return the table of one task: the best instructions first, and the plain ones of the same seeds among them."""
    rows = [(cell.models, cell.method, cell.seed, cell.marks[-1].test, cell.marks[-1].instruction) for cell in cells]
    links = {row: _link(cell, out) for row, cell in zip(rows, cells, strict=True)}
    plain = {(cell.models, "plain", cell.seed, cell.plain.test, cell.plain.instruction): None for cell in cells}
    ordered = sorted([*links, *plain], key=lambda row: (row[0], -row[3], row[1], row[2]))
    best = max(row[3] for row in ordered)
    found = tuple((method, models, str(seed), score(test), text) for models, method, seed, test, text in ordered)
    table = Table(
        ("method", "models", "seed", "test score", "instruction"),
        found,
        frozenset((number, 3) for number, row in enumerate(ordered) if row[3] == best),
        {(number, 2): links[row] for number, row in enumerate(ordered) if row in links},
    )
    count = f"{len(cells):,} run{'' if len(cells) == 1 else 's'}"
    return Captioned(
        f"instructions-{slug(task)}", f"{task}: {count}, best test score {score(best)}", table, folded=True
    )


def instructions_table(cells: Sequence[Cell], out: Path) -> Captioned:
    """Return the tables of all tasks as one, for a file."""
    tables = {task: _of_task([cell for cell in cells if cell.task == task], task, out).table for task in _tasks(cells)}
    rows = tuple((task, *row) for task, table in tables.items() for row in table.rows)
    header = next(iter(tables.values())).header
    starts, best = 0, set()
    for table in tables.values():
        best |= {(starts + row, column + 1) for row, column in table.best}
        starts += len(table.rows)
    return Captioned("instructions", _CAPTION, Table(("task", *header), rows, frozenset(best)))


def _tasks(cells: Sequence[Cell]) -> list[str]:
    return sorted({cell.task for cell in cells})


def _link(cell: Cell, out: Path) -> str:
    """Return the address of the report of a cell, relative to that of the bench; without one, that of its folder."""
    folder = run_folder(cell, out)
    page = folder / "report.html"
    place = (page if page.exists() else folder).relative_to(out).as_posix()
    return quote(place if page.exists() else f"{place}/")
