"""The summary of a bench on the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from instructzero.bench.results import Cell
from instructzero.bench.summary import print_summary, standings
from tests.bench.synthetic import cell, cells

TABLE = {"instructzero": [0.9, 0.5, 0.4], "evoprompt-de": [0.8, 0.55, 0.6], "uniform": [0.2, 0.5, 0.3]}
OUT = Path("runs/bench")


def shown(found: list[Cell], width: int) -> list[str]:
    file = io.StringIO()
    written = [OUT / name for name in ("report.html", "scores.csv", "figures/a.png", "figures/a.pdf")]
    print_summary(Console(file=file, width=width, highlight=False), found, OUT, written)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 200])
def test_print_summary_sorts_methods_by_rank_and_fits_the_width(width: int) -> None:
    lines = shown(cells(TABLE), width)
    assert max(map(len, lines)) <= width
    table = [line.split() for line in lines if line.split()[-1:] in [[name] for name in TABLE]]
    assert table == [
        ["1.33", "0.650", "evoprompt-de"],
        ["1.83", "0.600", "instructzero"],
        ["2.83", "0.333", "uniform"],
    ]
    assert "embedded, 100 calls" in lines
    assert "has the best average rank of 3 methods" in " ".join(line.strip() for line in lines)


def test_print_summary_names_files_once_and_the_page_last() -> None:
    lines = shown(cells(TABLE), 80)
    assert lines[-2:] == [
        "Results in runs/bench: report.html, scores.csv, figures",
        "Report: open runs/bench/report.html in a browser",
    ]


def test_standings_cover_every_pair_of_models_and_budget() -> None:
    found = [cell("uniform", "sum", {10: 0.1, 30: 0.3}, models=models) for models in ("b", "a")]
    assert [(standing.models, standing.budget, standing.means) for standing in standings(found)] == [
        (models, budget, {"uniform": budget / 100}) for models in ("a", "b") for budget in (10, 30)
    ]
    assert "best average rank" not in " ".join(shown(found, 80))


def test_standings_without_common_task_are_empty() -> None:
    assert list(standings([cell("uniform", "sum", {10: 0.1}), cell("ape", "rhymes", {10: 0.1})])) == []
