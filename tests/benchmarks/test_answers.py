"""The benchmark of the local black box, on the embedded one; the measured numbers are not checked."""

from __future__ import annotations

import pytest

from benchmarks import answers
from instructzero.models.packed import embedded_folder


def test_both_ways_are_listed_with_the_same_answers(capsys: pytest.CaptureFixture[str]) -> None:
    answers.main([str(embedded_folder() / "blackbox"), "--inputs", "3", "--tokens", "6", "--rounds", "2"])
    printed = capsys.readouterr().out
    table = [line for line in printed.splitlines() if line.startswith("|")][2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert [row[1] for row in rows] == list(answers.WAYS)
    assert {row[-1] for row in rows} == {"12 of 12"}
    assert "12 questions" in printed
