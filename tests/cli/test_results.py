"""The commands ``compare`` and ``export``, and the flag ``--log-to``, on runs of the scripted models."""

from __future__ import annotations

import ast
import csv
import json
from pathlib import Path

import pytest

from tests.command_line import Call

QUICK = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey", "--evaluations", "8", "--initial", "4")


def test_compare_and_export_print_results_of_two_runs(command_line: Call) -> None:
    for method in ("instructzero", "uniform"):
        assert command_line("run", "--task", "words.jsonl", *QUICK, "--method", method, "--out", method)[0] == 0
    code, out, _ = command_line("compare", "instructzero", "uniform")
    assert (code, "A − B" in out, "\x1b" in out) == (0, True, False)
    code, out, _ = command_line("compare", "instructzero", "uniform", "--json")
    results = [json.loads(Path(name, "result.json").read_text()) for name in ("instructzero", "uniform")]
    assert [run["test"]["score"] for run in json.loads(out)["runs"]] == [result["test_score"] for result in results]
    assert command_line("export", "uniform", "--format", "txt")[1] == results[1]["instruction"] + "\n"
    assert ast.parse(command_line("export", "uniform", "--format", "python")[1])
    assert command_line("export", "uniform", "--format", "csv", "--out", "trials.csv")[:2] == (0, "")
    with Path("trials.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == results[1]["evaluations"]


def test_impossible_requests_give_one_sentence_and_exit_code_2(command_line: Call) -> None:
    assert command_line("run", "--task", "words.jsonl", *QUICK, "--out", "here")[0] == 0
    for arguments, said in (
        (("compare", "here"), "expected two or more different run directories"),
        (("compare", "here", "nowhere"), "expected a run directory"),
        (("export", "here", "--format", "curl"), "expected a black box behind an API"),
        (("run", "--task", "words.jsonl", *QUICK, "--log-to", "paper"), "expected --log-to tensorboard"),
    ):
        code, _, err = command_line(*arguments)
        assert code == 2
        assert err.startswith(f"instructzero: {said}")
        assert err.count("\n") == 1


def test_tracker_receives_run_and_resumption_once(command_line: Call) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    asked = ("run", "--task", "words.jsonl", *QUICK, "--out", "here", "--log-to", "tensorboard")
    assert command_line(*asked)[0] == 0
    assert command_line("resume", "here", "--log-to", "tensorboard")[0] == 0
    events = accumulator.EventAccumulator("here/tensorboard")
    events.Reload()
    evaluations = json.loads(Path("here/result.json").read_text())["evaluations"]
    assert [event.step for event in events.Scalars("score")] == list(range(evaluations))
    assert "log_to" not in Path("here/settings.yaml").read_text()
