"""The figures and the ablation table of the InstructZero paper (Chen et al., ICML 2024), reproduced from own runs.

    fig1     left: the instruction of each method for taxonomy_animal; right: the improvement over APE and over Uniform
             on all tasks except those that both methods solve perfectly
    fig4     test accuracy on 32 tasks: APE, Uniform, InstructZero
    fig5     accuracy of the top 15 % of the instructions after each of five iterations, on five tasks
    fig6     the soft prompts of the initial design and the first two iterations in two dimensions; the best of each is
             numbered, with its instruction
    table1   test scores of the instruction from a hand-written request (Manual), from the exemplars alone
             (w/o Manual), and from the search

The numbering is that of arXiv 2306.03082. `PLANS` holds the bench for each figure: 150 evaluations of 20 calls, every
instruction scored in full, as in the paper; three seeds; the embedded models unless others are named. All plans share
one directory, so that a run for one figure is reused by the others. With other tasks or methods, a figure shows those;
`paper_checks` refuses what a figure cannot show.

Differences from the publication:

- The figures show the method as published (``paper``) and the repaired method (``instructzero``).
- The tasks are the 32 that come with the package; the paper's CS Algorithms has no published test data.
- Scores use the metric of each task; in the paper every answer is right or wrong.
- A text that ``paper`` generates again costs no call, so its 150 evaluations may take fewer than 3,000 calls.
- The paper names only one of the five tasks of fig5, Sum; the others are our choice. An iteration is 25 evaluations for
  every method; the first 25 are the initial design. The accuracy is that on the validation examples.
- The request of Manual has other words than APE's (`manual`), and the embedded writer was not trained to follow
  requests. The cue stands after the exemplars in all three columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from instructzero.bench import paper_figures
from instructzero.bench.manual import manual_result
from instructzero.bench.paper_figures import by_task, label, ordered
from instructzero.bench.plan import slug
from instructzero.bench.results import Cell, run_folder
from instructzero.bench.tables import Table
from instructzero.errors import ConfigurationError
from instructzero.exports.drawing import save
from instructzero.files import make_folder, write_atomically
from instructzero.records.history import History
from instructzero.records.journal import Journal

_COMMON: Mapping[str, Any] = {
    "budgets": [3000],
    "seeds": 3,
    "settings": {"evaluations": 150, "racing": False},
    "out": "runs/paper",
}
_ALL: Mapping[str, Any] = {**_COMMON, "tasks": "all", "methods": ["ape", "uniform", "paper", "instructzero"]}
_OURS: Mapping[str, Any] = {**_COMMON, "methods": ["paper", "instructzero"]}

PLANS: Mapping[str, Mapping[str, Any]] = {
    "fig1": _ALL,
    "fig4": _ALL,
    "fig5": {**_OURS, "tasks": ["sum", "negation", "larger_animal", "letters_list", "cause_and_effect"]},
    "fig6": {**_OURS, "tasks": ["larger_animal"]},
    "table1": {
        **_OURS,
        "tasks": [
            "cause_and_effect", "negation", "translation_en-fr", "sum", "informal_to_formal", "letters_list",
            "larger_animal",
        ],
    },
}  # fmt: skip
"""The plan of the bench for each figure, with the keys of a plan file."""

PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "cause_and_effect": (0.36, 0.56, 0.91),
    "negation": (0.27, 0.01, 0.80),
    "translation_en-fr": (0.02, 0.47, 0.89),
    "sum": (0.00, 0.00, 1.00),
    "informal_to_formal": (0.59, 0.31, 0.63),
    "letters_list": (0.00, 0.15, 1.00),
    "larger_animal": (0.49, 0.81, 0.91),
}
"""The paper's Table 1: Manual, w/o Manual, InstructZero (Vicuna-13B and ChatGPT)."""


def draw(name: str, cells: Sequence[Cell], out: Path) -> list[Path]:
    """Draw a figure or table of the paper, one for each pair of models, in ``out/paper``.

    ``table1`` asks writer and black box for the results of Manual, and keeps them in the directory of each cell.
    Returns the paths of the files written.

    Parameters
    ----------
    name
        A key of `PLANS`.
    cells
        Finished cells, of the tasks and methods of the plan or of others.
    out
        The folder of the bench.

    Raises
    ------
    ConfigurationError
        If the name is unknown, or there are no cells.
    """
    if name not in PLANS:
        raise ConfigurationError(f"expected one of {', '.join(PLANS)} of the paper, got {name!r}")
    if not cells:
        raise ConfigurationError(
            f"expected finished runs for {name} in {out}, got none; run the bench of this figure first: instructzero "
            f"bench --paper {name}"
        )
    return [
        path
        for models in sorted({cell.models for cell in cells})
        for path in _DRAWERS[name]([cell for cell in cells if cell.models == models], out, f"{name}-{slug(models)}")
    ]


def _figure_1(cells: Sequence[Cell], out: Path, name: str) -> list[Path]:
    return save(paper_figures.improvements(cells), out / "paper" / name)


def _figure_4(cells: Sequence[Cell], out: Path, name: str) -> list[Path]:
    return save(paper_figures.accuracies(cells), out / "paper" / name)


def _figure_5(cells: Sequence[Cell], out: Path, name: str) -> list[Path]:
    histories = {(cell.method, cell.task, cell.seed): _history(cell, out) for cell in cells}
    return save(paper_figures.top_instructions(histories), out / "paper" / name)


def _figure_6(cells: Sequence[Cell], out: Path, name: str) -> list[Path]:
    """Draw one figure for each method and task, from its first seed."""
    first: dict[tuple[str, str], Cell] = {}
    for cell in sorted(cells, key=lambda cell: (cell.method, cell.task, cell.seed)):
        first.setdefault((cell.method, cell.task), cell)
    several = len({cell.task for cell in cells}) > 1
    paths = []
    for cell in first.values():
        path = out / "paper" / "-".join([name, slug(cell.method), *([slug(cell.task)] if several else [])])
        paths += save(paper_figures.explored(_history(cell, out), f"{cell.task}, {label(cell.method)}"), path)
    return paths


def _table_1(cells: Sequence[Cell], out: Path, name: str) -> list[Path]:
    one_of_each = {(cell.task, cell.seed): cell for cell in cells}  # Manual does not depend on the method
    manual = {key: manual_result(run_folder(cell, out)).test for key, cell in one_of_each.items()}
    table = ablation(cells, manual)
    paths = {
        out / "paper" / f"{name}.md": table.markdown(),
        out / "paper" / f"{name}.csv": table.csv(),
    }
    for path, text in paths.items():
        make_folder(path.parent)
        write_atomically(path, text)
    return list(paths)


_DRAWERS: Mapping[str, Callable[[Sequence[Cell], Path, str], list[Path]]] = {
    "fig1": _figure_1,
    "fig4": _figure_4,
    "fig5": _figure_5,
    "fig6": _figure_6,
    "table1": _table_1,
}


def ablation(cells: Sequence[Cell], manual: Mapping[tuple[str, int], float]) -> Table:
    """Return the paper's Table 1 with our numbers, followed by the published ones of its own tasks.

    Parameters
    ----------
    cells
        The cells of one pair of models.
    manual
        The test scores of Manual by task and seed.
    """
    methods = ordered({cell.method for cell in cells})
    plain: dict[str, dict[int, float]] = {}
    for cell in cells:
        plain.setdefault(cell.task, {})[cell.seed] = cell.plain.test
    found = {method: by_task(cells, method) for method in methods}
    body = []
    for task in (*(task for task in PUBLISHED if task in plain), *sorted(plain.keys() - PUBLISHED.keys())):
        asked = [score for (other, _), score in manual.items() if other == task]
        ours = [np.mean(asked), np.mean(list(plain[task].values()))]
        scores = [f"{value:.2f}" for value in ours]
        scores += [f"{found[method][task]:.2f}" if task in found[method] else "" for method in methods]
        published = [f"{value:.2f}" for value in PUBLISHED[task]] if task in PUBLISHED else ["", "", ""]
        body.append((task, *scores, *published))
    header = ["task", "Manual", "w/o Manual", *map(label, methods)]
    return Table((*header, "paper: Manual", "paper: w/o Manual", "paper: InstructZero"), tuple(body))


def _history(cell: Cell, out: Path) -> History:
    path = run_folder(cell, out) / "journal.jsonl"
    if not path.exists():
        raise ConfigurationError(
            f"expected the journal of a run at {path}, found none; delete cell.json there and run the bench again"
        )
    return Journal(path, repair=False).history
