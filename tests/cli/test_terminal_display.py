"""The commands on a terminal, from recorded frames."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("pyte", reason="a recording of a terminal needs pyte")
from benchmarks.animated_terminal import Frame
from benchmarks.terminal_recording import record, words

PROGRAM = (sys.executable, "-m", "instructzero")
QUICK = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey", "--evaluations", "8", "--initial", "4")


def colours(frame: Frame) -> set[str]:
    return {span.colour for line in frame.lines for span in line if span.colour}


def test_help_has_colours_unless_no_color_is_set(tmp_path: Path) -> None:
    plain, _ = record((*PROGRAM, "report", "--help"), folder=tmp_path, NO_COLOR="1")
    coloured, _ = record((*PROGRAM, "report", "--help"), folder=tmp_path)
    assert words(plain[-1]) == words(coloured[-1])
    assert "--open" in words(plain[-1])
    assert (bool(colours(coloured[-1])), colours(plain[-1]) <= {"#8b949e"}) == (True, True)  # faint text is no colour


@pytest.mark.parametrize("columns", [80, 200])
def test_run_on_terminal_shows_display_and_ends_with_summary(task_file: Path, tmp_path: Path, columns: int) -> None:
    asked = ("run", "--task", task_file.name, *QUICK, "--out", "here", "--baseline", "repeat the word " * 8)
    frames, code = record((*PROGRAM, *asked), columns=columns, rows=36, folder=tmp_path)
    shown = [words(frame) for frame in frames]
    assert code == 0
    assert any("best so far" in text and "calls paid" in text for text in shown)
    assert "best so far" not in shown[-1]
    lines = shown[-1].splitlines()
    assert "Report: instructzero report here --open" in lines
    assert (tmp_path / "here/instruction.txt").read_text().strip() in shown[-1]
    said = " ".join(" ".join(lines).split())
    assert said.endswith(
        "In your code: instructzero export here --format python (or messages, curl, dspy, promptfoo, inspect, "
        "langchain)"
    )
    assert " ".join(("repeat the word " * 8).split()) in said  # wrapped between words
