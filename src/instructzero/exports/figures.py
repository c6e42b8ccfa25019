"""The figures of the report of a run, drawn for papers: the data of the HTML page, saved as PNG, SVG and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from instructzero.errors import RunDirectoryError
from instructzero.exports.drawing import FAINT, GAP, INK, PALETTE, house_style, new_figure, require_matplotlib, save
from instructzero.exports.targets import check_links
from instructzero.files import make_folder, sharing
from instructzero.report.data import collect
from instructzero.report.source import Record, read_source
from instructzero.terminal import excerpt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ROLE_NAMES = {"best": "best", "plain": "plain", "baseline": "yours", "start": "start", "challenger": "challenger"}
_BLUE, _ORANGE = PALETTE[0], PALETTE[1]
_WRONG = "#f6d5b8"
_MAPS = {"pca": "principal component", "tsne": "t-SNE"}
_ORIGINS = {
    "soft prompt": ("o", "under a soft prompt"),
    "continuation": ("D", "continued first words"),
    "request": ("s", "on request"),
    "own": ("^", "yours"),
    "plain": ("v", "plain"),
}
"""The marker and the name in the legend of each origin of a text; see `instructzero.report.origins`."""

_LABEL = 52  # maximum characters of an instruction beside its row


def export_figures(directory: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Draw all figures of the run in ``directory``, finished or not, into the folder ``out``.

    Returns the paths of the files, and one sentence for each figure that is missing.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed, or a link in a run directory leads to ``out``.
    RunDirectoryError
        If there is no run in ``directory``, or ``out`` cannot be written.
    """
    require_matplotlib()
    source = read_source(directory)
    check_links(out)
    try:
        with sharing(source.settings.share):
            make_folder(out)
            data = collect(source)
            paths = [path for name, figure in draw(data).items() for path in save(figure, out / name)]
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {out}: {error.strerror}; choose another folder") from None
    return paths, [data[part]["note"] for part in ("texts", "space", "belief") if "note" in data[part]]


def draw(data: Record) -> dict[str, Figure]:
    """Return the figures of ``data`` (from `instructzero.report.data.collect`) by the names of their files."""
    with house_style():
        return dict(_drawn(data))


def _drawn(data: Record) -> Iterator[tuple[str, Figure]]:
    end = data["trajectory"]["end"]
    if end:
        yield "best-by-calls", _course(data, "calls", "calls to the black box")
    if end and end["usd"]:
        yield "best-by-cost", _course(data, "usd", "dollars at list price")
    if data["rounds"]:
        yield "scores-by-round", _rounds(data)
    for part, name in (("space", "map"), ("texts", "texts")):
        points = data[part].get("points", [])
        for method in _MAPS:
            if points and method in points[0]:
                yield f"{name}-{method}", _map(data, data[part], method)
    if "points" in data["belief"]:
        yield "belief", _belief(data)
    for part in data["examples"]["parts"]:
        yield f"answers-{part['name']}", _answers(data, part)


def _value_name(data: Record) -> str:
    return "validation score minus length penalty" if data["run"]["length_penalty"] else "validation score"


def _course(data: Record, unit: str, name: str) -> Figure:
    """Draw all evaluations and the best value so far as steps; hollow dots were not scored on all examples."""
    dots, steps, end = (data["trajectory"][key] for key in ("dots", "steps", "end"))
    figure = new_figure(6, 3.6)
    axes = figure.add_subplot()
    for complete, face, label in ((True, FAINT, None), (False, "none", "eliminated in a race")):
        chosen = [dot for dot in dots if dot["complete"] is complete]
        if chosen:
            axes.scatter(
                [dot[unit] for dot in chosen], [dot["value"] for dot in chosen],
                s=11, facecolor=face, edgecolor=FAINT, linewidth=0.7, alpha=0.75, label=label,
            )  # fmt: skip
    corners = [(dot[unit], dot["value"]) for dot in steps]
    if corners:
        axes.step(*np.array([*corners, (end[unit], corners[-1][1])]).T, where="post", color=_BLUE, linewidth=1.8)
        axes.plot(*np.array(corners).T, "o", color=_BLUE, markersize=4.5)
    _reference_lines(axes, data)
    axes.set(xlabel=name, ylabel=_value_name(data), xlim=(0, 1.02 * end[unit]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if unit == "calls" else f"${value:.6g}")
    _frame_scores(axes, [dot["value"] for dot in dots])
    if not all(dot["complete"] for dot in dots):
        figure.legend(loc="outside upper right", frameon=False, fontsize=8)
    return figure


def _reference_lines(axes: Axes, data: Record) -> None:
    """Draw lines at the scores of the plain instruction and the user's own; equal scores share a line."""
    lines: dict[float, list[str]] = {}
    for row in data["instructions"]:
        hidden = ("best", "challenger") if "best" in row["roles"] else ()
        if names := [ROLE_NAMES[role] for role in row["roles"] if role not in hidden]:
            lines.setdefault(row["value"], []).extend(names)
    for value, names in lines.items():
        axes.axhline(value, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            ", ".join(names), (1, value), (0, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", fontsize=8,
        )  # fmt: skip


def _frame_scores(axes: Axes, values: Sequence[float]) -> None:
    """Show the whole range of scores, including values that a length penalty has brought below 0."""
    axes.set(ylim=(min(-0.03, *values), 1.03), yticks=[0, 0.25, 0.5, 0.75, 1])
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def _rounds(data: Record) -> Figure:
    """Draw a box for each round, and mean and range of the best 15 % of all instructions so far."""
    rounds = data["rounds"]
    places = list(range(len(rounds)))
    names = ["–".join(map(str, dict.fromkeys((row["first"], row["last"])))) for row in rounds]
    figure = new_figure(max(4.5, min(9.0, 1.6 + 0.24 * len(rounds))), 3.6)
    axes = figure.add_subplot()
    boxes = [dict(zip(("whislo", "q1", "med", "q3", "whishi"), row["quantiles"], strict=True)) for row in rounds]
    look = {"color": FAINT, "linewidth": 0.9}
    axes.bxp(
        boxes, positions=places, widths=0.6, showfliers=False, showcaps=False, boxprops=look, whiskerprops=look,
        medianprops={"color": INK, "linewidth": 1.2},
    )  # fmt: skip
    low, mean, high = np.array([row["top"] for row in rounds]).T
    axes.fill_between(places, low, high, color=_BLUE, alpha=0.15, linewidth=0)
    axes.plot(places, mean, "o-", color=_BLUE, markersize=3.5, label="best 15 % so far: mean and range")
    every = -(-len(rounds) // 20)
    axes.set_xticks(places[::every], names[::every])
    axes.set(xlabel="round", ylabel=_value_name(data), xlim=(-0.7, len(rounds) - 0.3))
    _frame_scores(axes, [box["whislo"] for box in boxes])
    figure.legend(loc="outside upper right", frameon=False, fontsize=8)
    return figure


def _map(data: Record, part: Record, method: str) -> Figure:
    """Draw the evaluated points or texts twice, coloured by score and by round; larger marks have higher scores.

    Dark rings mark the best point of each round, the orange ring the best one of all. The shape is that of the origin.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = new_figure(8.5, 3.8)
    points, rows = part["points"], data["instructions"]
    values = np.array([rows[point["row"]]["value"] for point in points])
    rounds = np.array([point["round"] or 0 for point in points])
    for axes, name, colours, top in zip(
        figure.subplots(1, 2), ("score", "round"), (values, rounds), (1, max(1, rounds.max())), strict=True
    ):
        look = ScalarMappable(Normalize(0, top), "cividis")
        _marks(axes, data, points, method, look.to_rgba(colours))
        figure.colorbar(look, ax=axes, label=name, shrink=0.85)
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(True)
        axes.set_adjustable("datalim")
        _name_axes(axes, part["explained"], method)
    if len({point["origin"] for point in points}) > 1:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=8)
    return figure


def _marks(axes: Axes, data: Record, points: Sequence[Record], method: str, colours: NDArray[np.float64]) -> None:
    """Draw the points by origin, with rings around the best ones."""
    places = np.array([point[method] for point in points])
    rows = [data["instructions"][point["row"]] for point in points]
    sizes = (4 + 6 * np.array([row["value"] for row in rows]).clip(0, 1)) ** 2
    best = np.array(["best" in row["roles"] for row in rows])
    leaders = np.array([bool(point.get("leader")) for point in points]) & ~best
    origins = np.array([point["origin"] for point in points])
    for origin, (marker, name) in _ORIGINS.items():
        mine = origins == origin
        if mine.any():
            shape: dict[str, Any] = {"marker": marker, "label": name}
            axes.scatter(
                places[mine, 0], places[mine, 1], s=sizes[mine], c=colours[mine], edgecolor=GAP, linewidth=0.4, **shape
            )
        for marked, edge, width in ((leaders & mine, INK, 1.0), (best & mine, _ORANGE, 2.0)):
            axes.scatter(
                places[marked, 0],
                places[marked, 1],
                s=sizes[marked],
                facecolor="none",
                edgecolor=edge,
                linewidth=width,
                marker=marker,
            )


def _name_axes(axes: Axes, explained: Sequence[float], method: str) -> None:
    if method == "pca":
        first, second = (f"{100 * share:.0f} % of the variance" for share in explained)
        axes.set(xlabel=f"first {_MAPS[method]}, {first}", ylabel=f"second, {second}")
    else:
        axes.set(xlabel=_MAPS[method])


def _belief(data: Record) -> Figure:
    """Draw the score of each evaluation against the surrogate's prediction, with one standard deviation."""
    belief = data["belief"]
    points = belief["points"]
    means, spreads, outcomes = (np.array([point[key] for point in points]) for key in ("mean", "sd", "outcome"))
    figure = new_figure(4.6, 4.0)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.errorbar(
        means, outcomes, xerr=spreads, fmt="o", color=_BLUE, markersize=3.6, alpha=0.75, ecolor=FAINT, elinewidth=0.7
    )
    low, high = float((means - spreads).min()), float((means + spreads).max())
    axes.set(xlim=(max(-0.5, min(-0.03, low)), min(1.5, max(1.03, high))), ylim=(-0.03, 1.03))
    axes.set(xlabel="predicted score", ylabel="observed score")
    axes.set_title(
        f"{belief['within']:,} of {len(points):,} within one standard deviation, {belief['within_two']:,} within two",
        fontsize=8,
    )
    axes.grid(True)
    axes.set_axisbelow(True)
    return figure


def _answers(data: Record, part: Record) -> Figure:
    """Draw a row for each instruction and a column for each example, coloured by the score of the answer.

    Cells are white where the example was not scored.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Patch

    scores = np.array([row["scores"] for row in part["rows"]], dtype=np.float64)  # None becomes NaN
    count, columns = scores.shape
    figure = new_figure(3.4 + min(9.0, max(2.5, 0.085 * columns)), 1.0 + 0.22 * count)
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("answers", [_WRONG, _BLUE])
    axes.pcolormesh(np.ma.masked_invalid(scores), cmap=colours, vmin=0, vmax=1, edgecolors=GAP, linewidth=0.4)
    axes.set(ylim=(count, 0), xlabel=f"{part['name']} example")
    labels = [_label(data["instructions"][row["row"]]) for row in part["rows"]]
    axes.set_yticks(np.arange(count) + 0.5, labels, fontsize=8)
    every = 1 if columns <= 10 else -(-columns // 100) * 10
    axes.set_xticks(
        [place + 0.5 for place in range(0, columns, every)],
        [f"{example['number']:,}" for example in part["examples"][::every]],
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    kinds = [Patch(facecolor=_BLUE, label="right"), Patch(facecolor=_WRONG, label="wrong")]
    kinds += [Patch(facecolor="white", edgecolor=FAINT, label="not scored")] if np.isnan(scores).any() else []
    figure.legend(handles=kinds, loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def _label(row: Record) -> str:
    """Return the label of an instruction's row: its roles and its text, without characters that SVG cannot hold."""
    names = ", ".join(ROLE_NAMES[role] for role in row["roles"])
    text = excerpt(row["text"], _LABEL) or "(empty)"
    return f"{names}: {text}" if names else text
