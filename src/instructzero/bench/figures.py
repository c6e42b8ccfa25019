"""The figures of a bench: SVG elements for the page; `instructzero.exports.drawing.save` writes files for print.

The first six methods have the six colours of the palette. Further methods repeat the colours with dashed and dotted
lines, and every line is labelled with its method.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from instructzero.bench.comparisons import anytime
from instructzero.bench.ranks import Ranking
from instructzero.bench.results import Cell
from instructzero.bench.scores import Array, Scores, in_order
from instructzero.exports.drawing import FAINT, GAP, INK, PALETTE, house_style, new_figure
from instructzero.terminal import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (1.2, 1.2)))
_POINTS = 200  # per curve


def to_svg(figure: Figure) -> str:
    """Return the figure as an ``<svg>`` element without a background; its texts are SVG text.

    The colours follow the light or dark scheme of the page: they are the text colour and the CSS variables ``--faint``,
    ``--page`` and ``--series-0`` to ``--series-5``.
    """
    buffer = io.StringIO()
    with house_style():
        figure.savefig(buffer, format="svg", facecolor="none", metadata={"Date": None, "Creator": None})
    content = buffer.getvalue()
    content = re.sub(r"\s*<metadata>.*?</metadata>", "", content[content.index("<svg") :], flags=re.DOTALL)
    content = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", content)  # ids would occur twice in a page with several figures
    variables = {INK: "currentColor", FAINT: f"var(--faint, {FAINT})", GAP: f"var(--page, {GAP})"}
    variables |= {colour: f"var(--series-{place}, {colour})" for place, colour in enumerate(PALETTE)}
    return re.sub(r"(?<=[:\"] )#[0-9a-f]{6}\b", lambda found: variables.get(found[0], found[0]), content)


def looks(methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour, dashes and width of the line of every method; the same methods always get the same looks."""
    return {
        name: {
            "color": PALETTE[place % len(PALETTE)],
            "linestyle": _DASHES[place // len(PALETTE) % len(_DASHES)],
            "linewidth": 2.4 if place == 0 else 1.5,
        }
        for place, name in enumerate(in_order(methods))
    }


def anytime_curves(cells: Sequence[Cell], budget: int) -> Figure:
    """Draw the mean best validation score against the calls spent, with a band for each method.

    The band is a within-task 95 % interval of the mean (Cousineau, 2005; Morey, 2008): the difficulty of a task, which
    all methods share, is removed, so that the bands compare methods as a paired comparison does.

    Parameters
    ----------
    cells
        Cells of the same tasks and seeds for every method (`scores.comparable`).
    budget
        The calls to the black box at the right end of the axis.
    """
    methods = in_order(cell.method for cell in cells)
    grid = np.linspace(0, budget, _POINTS + 1)
    values = np.stack([anytime([cell for cell in cells if cell.method == name], grid) for name in methods], axis=1)
    with house_style():
        figure = new_figure(7, 4)
        axes = figure.add_subplot()
        means, halves = values.mean(axis=0), interval_halves(values)
        for place, look in enumerate(looks(methods).values()):
            axes.plot(grid, means[place], **look, solid_capstyle="butt", drawstyle="steps-post")
            low, high = np.clip([means[place] - halves[place], means[place] + halves[place]], 0, 1)
            axes.fill_between(grid, low, high, step="post", color=look["color"], alpha=0.13, linewidth=0)
        axes.set(xlabel="calls to the black box", ylabel="best validation score, mean over tasks", xlim=(0, budget))
        axes.grid(True)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        _label_ends(axes, budget, dict(zip(methods, means[:, -1], strict=True)))
    return figure


def interval_halves(values: Array) -> Array:
    """Return half the width of the 95 % interval of each mean, shape (k, points), for ``values``, shape (n, k, points).

    With several methods, the mean of each task over the methods is subtracted first and the variance is corrected by
    k / (k - 1) (Morey, 2008). A single task has intervals of width 0.
    """
    tasks, methods, points = values.shape
    if tasks == 1:
        return np.zeros((methods, points))
    if methods == 1:
        return np.asarray(1.96 * values.std(axis=0, ddof=1) / np.sqrt(tasks))
    left = values - values.mean(axis=1, keepdims=True)
    return np.asarray(1.96 * left.std(axis=0, ddof=1) / np.sqrt(tasks) * np.sqrt(methods / (methods - 1)))


def _label_ends(axes: Axes, right: float, ends: dict[str, float]) -> None:
    """Write the name of each line beside its right end; names that would overlap are moved apart."""
    styles = looks(list(ends))
    low, high = axes.get_ylim()
    names = sorted(ends, key=lambda name: ends[name])
    places = spread([ends[name] for name in names], gap=0.052 * (high - low), low=low, high=high)
    for name, place in zip(names, places, strict=True):
        look = {**styles[name], "linewidth": 1.2, "clip_on": False}
        axes.plot([right, right * 1.03, right * 1.09], [ends[name], place, place], **look)
        weight = "bold" if styles[name]["linewidth"] > 2 else "normal"
        axes.annotate(
            short(name), (right * 1.1, place), va="center", fontweight=weight, annotation_clip=False, fontsize=8.5
        )


def spread(places: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move rising ``places`` as little as necessary to be ``gap`` apart, within [low, high] if there is room.

    >>> [round(place, 2) for place in spread([0.5, 0.5, 0.9], gap=0.1, low=0, high=1)]
    [0.45, 0.55, 0.9]
    """
    # Neighbours that touch form a block, which is centred at the mean of the original places of its members.
    blocks: list[list[float]] = []  # centre, members
    for place in places:
        blocks.append([place, 1])
        while len(blocks) > 1 and blocks[-1][0] - blocks[-2][0] < gap * (blocks[-1][1] + blocks[-2][1]) / 2:
            centre, members = blocks.pop()
            before = blocks[-1]
            before[0] = (before[0] * before[1] + centre * members) / (before[1] + members)
            before[1] += members
    moved = [centre + gap * (index - (members - 1) / 2) for centre, members in blocks for index in range(int(members))]
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], high - gap * (len(moved) - 1 - index))
    return [max(place, low + gap * index) for index, place in enumerate(moved)]


def critical_difference_diagram(ranking: Ranking) -> Figure:
    """Draw the average ranks on a line, the best on the left (Demšar, 2006).

    Bars join methods whose ranks do not differ significantly.
    """
    count = len(ranking.methods)
    half = (count + 1) // 2
    groups = ranking.groups()
    depth = 0.45 + 0.16 * len(groups)  # of the first name below the line
    with house_style():
        figure = new_figure(7, 1.0 + 0.27 * half + 0.12 * len(groups))
        axes = figure.add_subplot()
        left, right = 1.0, float(max(count, 2))
        axes.set(xlim=(left - 0.32 * (right - left), right + 0.32 * (right - left)), ylim=(-depth - 0.42 * half, 1.1))
        axes.axis("off")
        axes.plot([left, right], [0, 0], color=INK, linewidth=1)
        for tick in range(1, int(right) + 1):
            axes.plot([tick, tick], [0, 0.12], color=INK, linewidth=1)
            axes.text(tick, 0.2, str(tick), ha="center", va="bottom", fontsize=8)
        for place, (name, rank) in enumerate(zip(ranking.methods, ranking.ranks, strict=True)):
            on_left = place < half
            level = -depth - 0.42 * (place if on_left else count - 1 - place)
            edge = left - 0.03 * (right - left) if on_left else right + 0.03 * (right - left)
            axes.plot([rank, rank, edge], [0, level, level], color=FAINT, linewidth=0.9)
            text = f"{short(name)}  {rank:.2f}" if on_left else f"{rank:.2f}  {short(name)}"
            nudge = -0.01 * (right - left) if on_left else 0.01 * (right - left)
            weight = "bold" if place == 0 else "normal"
            axes.text(
                edge + nudge,
                level,
                text,
                ha="right" if on_left else "left",
                va="center",
                fontweight=weight,
                fontsize=8.5,
            )
        for number, group in enumerate(groups):
            over = 0.004 * (right - left)
            ends = [ranking.rank_of(group[0]) - over, ranking.rank_of(group[-1]) + over]
            axes.plot(ends, [-0.25 - 0.16 * number] * 2, color=INK, linewidth=3.2, solid_capstyle="butt")
        _draw_scale(axes, ranking, left)
    return figure


def _draw_scale(axes: Axes, ranking: Ranking, left: float) -> None:
    """Draw the critical difference as a length on the scale of the ranks."""
    end = left + ranking.critical_difference
    axes.plot([left, left, left, end, end, end], [0.72, 0.88, 0.8, 0.8, 0.72, 0.88], color=INK, linewidth=1)
    axes.text(
        end + 0.02 * len(ranking.ranks),
        0.8,
        f"critical difference {ranking.critical_difference:.2f}",
        va="center",
        fontsize=8,
    )


def heat_map(scores: Scores) -> Figure:
    """Draw the mean score of each method on each task.

    The hardest task is on top and the best method on the left; the best score of a row is bold.
    """
    columns = np.argsort(-scores.array.mean(axis=0), kind="stable")
    order = np.argsort(scores.array.mean(axis=1), kind="stable")
    array = scores.array[np.ix_(order, columns)]
    tasks, methods = array.shape
    with house_style():
        figure = new_figure(max(3.6, 2.2 + 0.62 * methods), 1.1 + 0.25 * tasks)
        axes = figure.add_subplot()
        axes.pcolormesh(array, cmap="Blues", vmin=0, vmax=1, edgecolors=GAP, linewidth=0.8)
        axes.set(ylim=(tasks, 0))
        for (row, column), value in np.ndenumerate(array):
            best = value == array[row].max() > array[row].min()
            axes.text(
                column + 0.5, row + 0.5, f"{value:.2f}".replace("0.", "."), ha="center", va="center", fontsize=7.5,
                color="white" if value > 0.6 else "black", fontweight="bold" if best else "normal",
            )  # fmt: skip
        names = [short(scores.methods[column]) for column in columns]
        axes.set_xticks(np.arange(methods) + 0.5, names, rotation=35, ha="left", rotation_mode="anchor")
        axes.set_yticks(np.arange(tasks) + 0.5, [short(scores.tasks[task]) for task in order])
        axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
        axes.spines[:].set_visible(False)
    return figure
