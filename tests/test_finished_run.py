"""Reading finished runs, and the errors for other directories."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import instructzero
from instructzero.errors import RunDirectoryError
from instructzero.finished_run import FinishedRun, recorded_task
from instructzero.records.directory import RunDirectory
from tests.run_directories import write_run


def test_read_returns_result_and_payments(tmp_path: Path) -> None:
    run = FinishedRun.read(write_run(tmp_path / "run", instruction="Reverse.", test=(1, 0, 1)))
    assert run.instruction == "Reverse."
    assert (run.validation.scores, run.test.scores) == ((1, 1, 0), (1, 0, 1))
    assert run.confirmation is not None
    assert run.confirmation.scores == (1, 0)
    assert run.usage.calls == 3 + 1 + 3 + 2 + 3 + 3
    assert run.dollars() == pytest.approx(15 * (10 * 0.15 + 0.60) / 1e6)


def test_dollars_are_none_without_price(tmp_path: Path) -> None:
    assert FinishedRun.read(write_run(tmp_path, blackbox="openai:mine")).dollars() is None


def test_read_without_settings_raises(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"expected a run directory with a settings.yaml"):
        FinishedRun.read(tmp_path)


def test_read_of_unfinished_run_names_resume(tmp_path: Path) -> None:
    (write_run(tmp_path) / "result.json").unlink()
    with pytest.raises(RunDirectoryError, match="finish it with 'instructzero resume"):
        FinishedRun.read(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"instruction": "x", "usage": {}}'])
def test_read_of_damaged_result_raises(tmp_path: Path, content: str) -> None:
    (write_run(tmp_path) / "result.json").write_text(content)
    with pytest.raises(RunDirectoryError, match=r"result.json is damaged"):
        FinishedRun.read(tmp_path)


def test_read_without_test_results_raises(tmp_path: Path) -> None:
    journal = write_run(tmp_path) / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:3]))
    with pytest.raises(RunDirectoryError, match="expected the test results of the best instruction"):
        FinishedRun.read(tmp_path)
    journal.unlink()
    with pytest.raises(RunDirectoryError, match="expected the test results of the best instruction"):
        FinishedRun.read(tmp_path)


def test_examples_of_a_run_whose_metric_reads_columns_are_found_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "column_metric.py").write_text("def score(prediction, example): return 1.0\n", encoding="utf-8")
    lines = [json.dumps({"input": word, "output": word[::-1], "kind": "noun"}) for word in "abcdefghijklmn"]
    (tmp_path / "words.jsonl").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    instructzero.optimize(
        "words.jsonl", writer="scripted:phrases", blackbox="scripted:obey", metric="column_metric:score",
        evaluations=4, initial=4, directory="run",
    )  # fmt: skip
    del sys.modules["column_metric"]
    run = FinishedRun.read(tmp_path / "run")
    task, missing = recorded_task(RunDirectory(run.path), run.settings, run.header)
    assert (missing, "column_metric" in sys.modules) == ("", False)
    assert task is not None
    assert len(task.test) == len(run.test.scores)
    other, missing = recorded_task(RunDirectory(run.path), run.settings, {**run.header, "test": "another digest"})
    assert other is None
    assert "have changed since" in missing
