"""The printed comparison of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from instructzero.cli.comparison_table import print_comparison
from tests.run_directories import write_run

GOOD, BAD = (1,) * 20, (0,) * 14 + (1,) * 6


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    long = "Write the letters of the word in the opposite order, beginning with the last of them; \x1b[2J say no more."
    write_run(Path("runs/words-instructzero-0"), instruction=long, test=GOOD)
    write_run(Path("runs/words-evoprompt-ga-0"), instruction="Reverse it.", test=BAD, method="evoprompt-ga")
    write_run(Path("runs/mine"), instruction="[bold]Turn[/bold] round.", test=BAD, blackbox="openai:mine")
    return [Path("runs/words-instructzero-0"), Path("runs/words-evoprompt-ga-0"), Path("runs/mine")]


@pytest.mark.parametrize("width", [80, 200])
def test_table_fits_width_and_shows_all_runs_and_pairs(
    paths: list[Path], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_comparison(paths)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown
    flat = " ".join(shown.split())
    assert "0.667 0.500 1.000 [0.84, 1.00]" in flat
    assert "evoprompt-ga 0" in flat
    assert "[bold]Turn[/bold] round." in flat
    assert "A − B +0.700 [" in flat
    assert "adjusted " in flat
    assert flat.count("the difference is significant (p = ") == 2
    assert "$0.0001" in flat
    assert "—" in flat
    assert "p-values adjusted by Holm" in flat
    best = "instructzero export runs/words-instructzero-0 --format python"
    assert shown.splitlines()[-1] == f"Export the best: {best}"


def test_two_runs_print_no_adjusted_p_value(paths: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(paths[:2])
    assert "adjusted" not in capsys.readouterr().out


def test_json_comparison_is_one_object_in_ascii(paths: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(paths, as_json=True)
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert "\x1b" not in shown
    content = json.loads(shown)
    assert (len(content["runs"]), len(content["pairs"])) == (3, 3)
