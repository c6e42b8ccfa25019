"""Drawing functions for the figures of the InstructZero paper, which `paper` describes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from instructzero.bench.figures import spread
from instructzero.bench.results import Cell
from instructzero.bench.scores import Array
from instructzero.exports.drawing import GAP, INK, PALETTE, house_style, new_figure
from instructzero.records.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {
    "ape": "APE",
    "uniform": "Uniform",
    "paper": "InstructZero (as published)",
    "instructzero": "InstructZero (repaired)",
}
COLOURS = {"ape": PALETTE[1], "uniform": PALETTE[5], "paper": PALETTE[3], "instructzero": PALETTE[0]}
BASELINES = ("ape", "uniform")
EXAMPLE = "taxonomy_animal"
ITERATION = 25  # evaluations per iteration
ITERATIONS = 5
TOP = 0.15
FEWEST = 4  # points of a projection

_OTHERS = (PALETTE[2], PALETTE[4], *PALETTE)  # colours of the methods that the paper does not have

Runs = Mapping[tuple[str, str, int], History]
"""Journals by method, task and seed."""


def by_task(cells: Sequence[Cell], method: str) -> dict[str, float]:
    """Return the mean test score over the seeds, at the largest budget, by task."""
    found: dict[str, list[float]] = {}
    for cell in cells:
        if cell.method == method:
            found.setdefault(cell.task, []).append(cell.marks[-1].test)
    return {task: float(np.mean(scores)) for task, scores in found.items()}


def gains(cells: Sequence[Cell], search: str, baseline: str) -> list[float]:
    """Return the score of ``search`` minus that of ``baseline`` on each task, except where both are perfect."""
    first, second = by_task(cells, search), by_task(cells, baseline)
    common = sorted(first.keys() & second.keys())
    return [first[task] - second[task] for task in common if not first[task] == second[task] == 1]


def improvements(cells: Sequence[Cell]) -> Figure:
    """Draw Figure 1: the instructions for one task, and histograms of the improvement over the baselines."""
    methods, colours = _present(cells), _colours({cell.method for cell in cells})
    searches = [name for name in methods if name not in BASELINES]
    baselines = [name for name in BASELINES if name in methods]
    with house_style():
        figure = new_figure(9.5, 1.2 + 1.7 * max(1, len(searches), 0.6 * len(methods)))
        left, right = np.ravel(figure.subfigures(1, 2, width_ratios=(1, 1.25), squeeze=False))
        _quote(left.subplots(), [cell for cell in cells if cell.task == example(cells)], methods)
        if searches and baselines:
            grid = right.subplots(len(searches), len(baselines), sharex=True, sharey=True, squeeze=False)
            for row, search in zip(grid, searches, strict=True):
                for axes, baseline in zip(row, baselines, strict=True):
                    _histogram(axes, gains(cells, search, baseline), search, baseline, colours[search])
            right.supxlabel("improvement in accuracy", fontsize=9)
            right.supylabel("tasks", fontsize=9)
    return figure


def _present(cells: Sequence[Cell]) -> list[str]:
    return ordered({cell.method for cell in cells})


def ordered(methods: Collection[str]) -> list[str]:
    """Return the methods of the paper in its order, then the others by name."""
    return [*(name for name in LABELS if name in methods), *sorted(name for name in methods if name not in LABELS)]


def label(method: str) -> str:
    """Return the name of a method in the figures."""
    return LABELS.get(method, method)


def _colours(methods: Collection[str]) -> dict[str, str]:
    others = [name for name in ordered(methods) if name not in COLOURS]
    return COLOURS | {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(others)}


def example(cells: Sequence[Cell]) -> str:
    """Return the task whose instructions Figure 1 quotes: that of the paper, or else the first one."""
    tasks = sorted({cell.task for cell in cells})
    return EXAMPLE if EXAMPLE in tasks else tasks[0]


def _quote(axes: Axes, cells: Sequence[Cell], methods: Sequence[str]) -> None:
    """Write the instruction of each method for one task, that of the ``cells``, with its first seed."""
    colours, step = _colours(methods), 0.94 / max(4, len(methods))
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0, 1, f"Task: {cells[0].task}", fontweight="bold", va="top")
    for place, method in enumerate(methods):
        found = sorted((cell for cell in cells if cell.method == method), key=lambda cell: cell.seed)
        if found:
            mark, top = found[0].marks[-1], 0.9 - step * place
            axes.text(0, top, f"{label(method)}: {mark.test:.2f}", color=INK, va="top", fontweight="bold", fontsize=8)
            axes.plot([-0.02, -0.02], [top, top - 0.8 * step], color=colours[method], linewidth=3, clip_on=False)
            quote = textwrap.shorten(mark.instruction, 150, placeholder=" …")
            axes.text(0, top - 0.28 * step, "\n".join(textwrap.wrap(f"“{quote}”", 48)), va="top", fontsize=8)


def _histogram(axes: Axes, values: Sequence[float], search: str, baseline: str, colour: str) -> None:
    edges = np.linspace(-1.05, 1.05, 22).tolist()  # a bin around 0
    axes.hist(np.round(values, 9).tolist(), bins=edges, color=colour, edgecolor=GAP)
    axes.axvline(0, color=INK, linewidth=0.8)
    mean = f"mean {np.mean(values):+z.2f}, {len(values)} tasks" if values else "no tasks"
    axes.set_title(f"{label(search)} − {label(baseline)}\n{mean}", fontsize=8)
    axes.set_xticks([-1, -0.5, 0, 0.5, 1])


def accuracies(cells: Sequence[Cell], columns: int = 8) -> Figure:
    """Draw Figure 4: a bar for each method on each task, ``columns`` tasks in a row, and a mark for each seed."""
    methods, colours = _present(cells), _colours({cell.method for cell in cells})
    scores = {method: by_task(cells, method) for method in methods}
    tasks = sorted({cell.task for cell in cells})
    columns = min(columns, len(tasks))
    lines = [tasks[start : start + columns] for start in range(0, len(tasks), columns)]
    width = 0.8 / len(methods)
    with house_style():
        figure = new_figure(10, 0.6 + 1.55 * len(lines))
        grid = figure.subplots(len(lines), 1, squeeze=False)[:, 0]
        for axes, line in zip(grid, lines, strict=True):
            for place, method in enumerate(methods):
                at = np.arange(len(line)) - 0.4 + width * (place + 0.5)
                axes.bar(
                    at, [scores[method].get(task, 0.0) for task in line], width * 0.92,
                    color=colours[method], label=label(method),
                )  # fmt: skip
                for spot, task in zip(at, line, strict=True):
                    seeds = [c.marks[-1].test for c in cells if c.method == method and c.task == task]
                    axes.plot([spot] * len(seeds), seeds, "_", color=INK, markersize=5, markeredgewidth=0.8)
            axes.set(xlim=(-0.5, columns - 0.5), ylim=(0, 1.04), yticks=[0, 0.5, 1])
            axes.set_xticks(range(len(line)), [_broken(task) for task in line], fontsize=8.5)
            axes.tick_params(axis="x", length=0)
            axes.grid(True, axis="y")
            axes.set_axisbelow(True)
        handles, names = grid[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(methods), frameon=False, fontsize=9)
        figure.supylabel("test accuracy", fontsize=9)
    return figure


def _broken(task: str) -> str:
    return textwrap.fill(task.replace("_", " "), 16, break_on_hyphens=False)


def top_scores(history: History) -> list[float]:
    """Return the mean score of the top 15 % of the distinct instructions, after the start and each iteration."""
    found = []
    for iteration in range(ITERATIONS + 1):
        past = [trial for trial in history.complete_trials() if trial.number < ITERATION * (iteration + 1)]
        scores = sorted({trial.instruction: trial.score for trial in past}.values(), reverse=True)
        found.append(float(np.mean(scores[: math.ceil(TOP * len(scores))])) if scores else math.nan)
    return found


def top_instructions(runs: Runs) -> Figure:
    """Draw Figure 5: a panel for each method, and in it a line for each task, the mean over the seeds."""
    methods = ordered({method for method, *_ in runs})
    tasks = sorted({task for _, task, _ in runs})
    with house_style():
        figure = new_figure(1 + 4.4 * len(methods), 3.6)
        grid = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for axes, method in zip(grid, methods, strict=True):
            ends = {}
            for place, task in enumerate(tasks):
                curves = [top_scores(history) for key, history in runs.items() if key[:2] == (method, task)]
                if curves:
                    means = np.nanmean(curves, axis=0)
                    ends[task] = (means[-1], PALETTE[place % len(PALETTE)])
                    axes.plot(range(ITERATIONS + 1), means, "o-", color=ends[task][1], markersize=3.5)
            axes.set(xlim=(-0.2, ITERATIONS + 0.2), xlabel="iteration (25 evaluations)", ylim=(-0.03, 1.05))
            axes.set_title(label(method), fontsize=9)
            axes.grid(True)
            _name_lines(axes, ends)
        grid[0].set_ylabel("validation accuracy, top 15 % of instructions")
    return figure


def _name_lines(axes: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write the name of each task beside the end of its line."""
    names = sorted(ends, key=lambda name: ends[name][0])
    places = spread([ends[name][0] for name in names], gap=0.062, low=0, high=1.05)
    for name, place in zip(names, places, strict=True):
        value, colour = ends[name]
        axes.plot([ITERATIONS + 0.1, ITERATIONS + 0.35], [value, place], color=colour, linewidth=1, clip_on=False)
        axes.annotate(name, (ITERATIONS + 0.42, place), va="center", fontsize=8, annotation_clip=False)


def flattened(points: ArrayLike) -> tuple[Array, str]:
    """Project points of shape (n, d) to two dimensions.

    Returns the projected points, shape (n, 2), and the name of the projection: t-SNE, or PCA if scikit-learn is not
    installed. Fewer than `FEWEST` points are placed in a row.
    """
    values = np.asarray(points, dtype=np.float64)
    if len(values) < FEWEST:
        return np.stack([np.arange(len(values)), np.zeros(len(values))], axis=1), "number"
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        centred = values - values.mean(axis=0)
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
        return np.asarray(centred @ directions[:2].T), "PCA"
    perplexity = min(30.0, (len(values) - 1) / 3)
    placed = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(values)
    return np.asarray(placed, dtype=np.float64), "t-SNE"


def explored(history: History, title: str, iterations: int = 3) -> Figure:
    """Draw Figure 6: the points of the first iterations, sized by score, and the best instruction of each iteration."""
    trials = [
        trial for trial in history.complete_trials() if trial.proposal.z and trial.number < ITERATION * iterations
    ]
    placed, how = flattened([trial.proposal.z or () for trial in trials])
    numbers = np.array([trial.number // ITERATION for trial in trials])
    scores = np.array([trial.score for trial in trials])
    with house_style():
        figure = new_figure(9.5, 3.8)
        axes, words = figure.subplots(1, 2, width_ratios=(1.1, 1))
        words.axis("off")
        words.set(xlim=(0, 1), ylim=(0, 1))
        for iteration in range(iterations):
            own = np.flatnonzero(numbers == iteration)
            if len(own):
                colour = PALETTE[iteration % len(PALETTE)]
                axes.scatter(*placed[own].T, s=12 + 130 * scores[own] ** 2, color=colour, alpha=0.55, edgecolor=GAP)
                best = own[np.argmax(scores[own])]
                axes.annotate(
                    str(iteration + 1), placed[best], ha="center", va="center", fontweight="bold", fontsize=9,
                    bbox={"boxstyle": "circle,pad=0.2", "facecolor": GAP, "edgecolor": colour, "linewidth": 1.6},
                )  # fmt: skip
                top = 0.95 - 0.32 * iteration
                _describe(
                    words, top, f"{iteration + 1}   accuracy {scores[best]:.2f}", trials[best].instruction, colour
                )
        axes.set(xticks=[], yticks=[], title=f"{title}: soft prompts by {how}", xlabel="larger: higher accuracy")
        axes.spines[:].set_visible(False)
        axes.title.set_fontsize(9)
    return figure


def _describe(axes: Axes, top: float, head: str, instruction: str, colour: str) -> None:
    axes.plot([0, 0], [top, top - 0.26], color=colour, linewidth=3)
    axes.text(0.04, top, head, va="top", fontweight="bold", fontsize=8.5)
    quote = textwrap.shorten(instruction, 170, placeholder=" …")
    axes.text(0.04, top - 0.07, "\n".join(textwrap.wrap(f"“{quote}”", 52)), va="top", fontsize=8.5)
