"""Figures for papers: the data of the HTML page, drawn from a run with hostile texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import instructzero
from instructzero.errors import RunDirectoryError
from instructzero.exports.figures import draw, export_figures
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey
from instructzero.report.data import collect
from instructzero.report.source import read_source
from tests.conftest import WORDS
from tests.report.conftest import MORE, NASTY, SIZES, whole
from tests.run_directories import write_run

MAPS = {"map-pca", "map-tsne", "texts-pca", "texts-tsne"}
SEARCH = {"best-by-calls", "best-by-cost", "scores-by-round", *MAPS, "belief"}
ANSWERS = {"answers-test", "answers-confirmation", "answers-validation"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with prices and a baseline; some instructions and all answers are `NASTY`."""
    phrases = [f"{phrase}{more}" for more in MORE for phrase in PHRASES]
    hostile = [f"{phrase} {whole(nasty)}" for phrase, nasty in zip(PHRASES, NASTY, strict=True)]
    directory = tmp_path_factory.mktemp("figures") / "run"
    instructzero.optimize(
        [(word, word[::-1]) for word in WORDS],
        writer=ScriptedWriter(hostile + phrases),
        blackbox=ScriptedBlackBox(lambda prompt: f"{obey(prompt)[:20]} {NASTY[len(prompt) % len(NASTY)]}"),
        metric="f1",
        baseline="repeat the input",
        input_price=100.0,
        output_price=200.0,
        directory=directory,
        exemplars=3,
        validation=8,
        confirmation=6,
        test=6,
        **SIZES,
    )
    return directory


@pytest.fixture(scope="module")
def data(run: Path) -> dict[str, Any]:
    return collect(read_source(run))


@pytest.fixture(scope="module")
def drawn(data: dict[str, Any]) -> dict[str, Any]:
    return draw(data)


def test_draw_returns_every_figure(drawn: dict[str, Any]) -> None:
    assert drawn.keys() == SEARCH | ANSWERS


@pytest.mark.parametrize(("name", "unit"), [("best-by-calls", "calls"), ("best-by-cost", "usd")])
def test_best_score_figures_have_the_data_of_the_page(
    drawn: dict[str, Any], data: dict[str, Any], name: str, unit: str
) -> None:
    (axes,) = drawn[name].axes
    steps = [(dot[unit], dot["value"]) for dot in data["trajectory"]["steps"]]
    staircase, corners = axes.lines[:2]
    assert staircase.get_xydata().tolist() == [
        [x, y] for x, y in [*steps, (data["trajectory"]["end"][unit], steps[-1][1])]
    ]
    assert corners.get_xydata().tolist() == [[x, y] for x, y in steps]
    dots = [tuple(place) for dots in axes.collections for place in dots.get_offsets().tolist()]
    assert sorted(dots) == sorted((dot[unit], dot["value"]) for dot in data["trajectory"]["dots"])
    assert {"plain", "yours"} <= {name for text in axes.texts for name in text.get_text().split(", ")}


def test_rounds_figure_has_the_data_of_the_page(drawn: dict[str, Any], data: dict[str, Any]) -> None:
    (axes,) = drawn["scores-by-round"].axes
    (line,) = (drawn for drawn in axes.lines if drawn.get_label().startswith("best 15 %"))
    assert line.get_ydata().tolist() == [row["top"][1] for row in data["rounds"]]
    medians = [drawn.get_ydata()[0] for drawn in axes.lines if drawn.get_color() == "#1a1a1a"]
    assert medians == [row["quantiles"][2] for row in data["rounds"]]


@pytest.mark.parametrize("name", sorted(MAPS))
def test_maps_have_the_points_of_the_page_by_score_and_by_round(
    drawn: dict[str, Any], data: dict[str, Any], name: str
) -> None:
    part, method = name.split("-")
    points = data["space" if part == "map" else part]["points"]
    by_score, by_round, *_ = drawn[name].axes
    for axes in (by_score, by_round):
        shown = [place for marks in axes.collections if marks.get_label()[0] != "_" for place in marks.get_offsets()]
        assert sorted(map(tuple, shown)) == sorted(tuple(point[method]) for point in points)


@pytest.mark.parametrize("name", sorted(MAPS))
def test_maps_ring_the_best_instruction_in_the_shape_of_its_origin(
    drawn: dict[str, Any], data: dict[str, Any], name: str
) -> None:
    part, method = name.split("-")
    points = data["space" if part == "map" else part]["points"]
    best = [tuple(point[method]) for point in points if "best" in data["instructions"][point["row"]]["roles"]]
    orange = [
        tuple(place)
        for marks in drawn[name].axes[0].collections
        if len(marks.get_facecolor()) == 0 and marks.get_linewidth()[0] == 2.0
        for place in marks.get_offsets()
    ]
    assert orange == best != []


def test_belief_figure_has_the_data_of_the_page(drawn: dict[str, Any], data: dict[str, Any]) -> None:
    (axes,) = drawn["belief"].axes
    points = data["belief"]["points"]
    assert axes.lines[1].get_xydata().tolist() == [[point["mean"], point["outcome"]] for point in points]
    bars = [bar[:, 0].tolist() for bar in axes.collections[0].get_segments()]
    assert bars == [pytest.approx([point["mean"] - point["sd"], point["mean"] + point["sd"]]) for point in points]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_answers_figures_have_the_data_of_the_page(drawn: dict[str, Any], data: dict[str, Any], name: str) -> None:
    (part,) = (found for found in data["examples"]["parts"] if f"answers-{found['name']}" == name)
    (axes,) = drawn[name].axes
    asked = [[np.nan if score is None else score for score in row["scores"]] for row in part["rows"]]
    np.testing.assert_array_equal(axes.collections[0].get_array().filled(np.nan).reshape(len(asked), -1), asked)
    assert axes.get_yticklabels()[0].get_text().startswith("best")


def test_export_figures_with_hostile_texts_writes_valid_files(run: Path, tmp_path: Path) -> None:
    paths, notes = export_figures(run, tmp_path / "out")
    names = SEARCH | ANSWERS
    assert {path.name for path in paths} == {f"{name}.{end}" for name in names for end in ("png", "svg", "pdf")}
    assert notes == []
    assert all(path.stat().st_size > 1_000 for path in paths)
    for path in paths:
        if path.suffix == ".svg":
            ElementTree.parse(path)


def test_draw_leaves_out_figures_without_data(tmp_path: Path) -> None:
    figures = draw(collect(read_source(write_run(tmp_path / "run"))))
    assert "map-tsne" not in figures
    assert "belief" not in figures


def test_export_figures_without_run_raises_error(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"expected a run directory with a settings\.yaml"):
        export_figures(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
