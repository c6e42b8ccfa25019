"""The report of a run that started from the user's instructions."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import instructzero
from instructzero.models.scripted import ScriptedWriter
from instructzero.report import write_report
from instructzero.report.data import collect
from instructzero.report.html import escape
from instructzero.report.source import read_source
from tests.report.conftest import SIZES, WORDS, embedded

LINES = "Take the word.\n\nRules:\n- repeat it <b>"
STARTS = [LINES, *(f"do number {number} with the word" for number in range(6))]
ROWS = [(word, word[::-1]) for word in WORDS]


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose starts are all wrong, so that a found instruction wins."""
    directory = tmp_path_factory.mktemp("switched") / "run"
    instructzero.optimize(
        ROWS, writer=ScriptedWriter(), blackbox="scripted:obey", start=STARTS, directory=directory, **SIZES
    )
    return directory


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("kept") / "run"
    instructzero.optimize(
        ROWS,
        writer=ScriptedWriter(),
        blackbox="scripted:obey",
        method="dro",
        start=["Reverse\nit.", *STARTS],
        stop_early=False,
        directory=directory,
        **SIZES,
    )
    return directory


def test_switch_is_the_verdict_and_the_users_instruction_stays_visible(switched: Path) -> None:
    data = collect(read_source(switched))
    assert data["statements"]["verdict"] == data["result"]["verdict"]
    assert data["statements"]["verdict"].startswith("Switch: ")
    assert [row["role"] for row in data["scores"]] == ["best", "plain", "start"]
    roles = {row["text"]: row["roles"] for row in data["instructions"]}
    assert roles[data["result"]["instruction"]] == ["best", "challenger"]
    assert roles[data["result"]["starts"][0]["instruction"]] == ["start"]
    duels = next(part["duels"] for part in data["examples"]["parts"] if part["name"] == "test")
    assert duels.keys() == {"plain", "start"}
    assert "compared with the instruction that you started from" in " ".join(data["statements"]["comparisons"])
    assert data["lineage"]["kind"] != "start"


def test_keep_is_the_verdict_and_the_challenger_stays_visible(kept: Path) -> None:
    data = collect(read_source(kept))
    assert data["statements"]["verdict"] == "Keep yours: no instruction was shown to be better."
    challenger = data["result"]["challenger"]["instruction"]
    assert challenger != data["result"]["plain"]["instruction"]
    assert {row["role"]: row["text"] for row in data["scores"]}["challenger"] == challenger
    assert data["lineage"]["kind"] == "start"
    assert data["run"]["best_is_start"]
    (kept / "report.html").unlink()
    write_report(kept)
    page = (kept / "report.html").read_text(encoding="utf-8")
    assert "Best instruction (yours)" in page
    assert "Reverse\nit." in page
    assert "The best instruction is your own instruction, from which the search started." in page
    assert embedded(kept / "report.html")["result"]["instruction"] == "Reverse\nit."


def test_given_texts_have_no_point_and_no_prediction(kept: Path) -> None:
    """There are more of them than evaluations that a prediction needs, and the surrogate of ``dro`` has none."""
    source = read_source(kept)
    data = collect(source)
    own = [trial for trial in source.history.trials if trial.proposal.given is None]
    assert data["space"]["evaluated"] == len(own) < data["run"]["evaluations"]
    predicted = {point["evaluation"] for point in data["belief"].get("points", [])}
    assert not predicted & {trial.number + 1 for trial in source.history.trials if trial.proposal.given is not None}


def test_running_search_shows_the_start_and_no_challenger(switched: Path, tmp_path: Path) -> None:
    shutil.copytree(switched, tmp_path / "run")
    lines = (switched / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for kept in (3, 5, len(STARTS) + 3, -3):
        (tmp_path / "run/journal.jsonl").write_bytes(b"".join(lines[:kept]))
        source = replace(read_source(tmp_path / "run"), result=None)
        assert "challenger" not in source.references
        assert ("start" in source.references) == (kept != 3)
        assert collect(source)["statements"]["verdict"].startswith("This run has not finished yet.")


def test_text_of_the_user_is_escaped(switched: Path) -> None:
    page = (switched / "report.html").read_text(encoding="utf-8")
    assert escape(LINES) in page
    assert "- repeat it <b>" not in page
