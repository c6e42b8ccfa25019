"""The output of the commands: for people, scripts and programs, on terminals of different widths."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command_line import Call

QUICK = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey", "--evaluations", "8", "--initial", "4")
ASKED = ("run", "--task", "words.jsonl", *QUICK)
WIDTHS = [80, 200]


def result_of(directory: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(Path(directory, "result.json").read_text())
    return content


def test_quiet_run_prints_only_instruction(command_line: Call) -> None:
    assert command_line(*ASKED, "--out", "here", "--quiet") == (0, Path("here/instruction.txt").read_text(), "")
    assert command_line("resume", "here", "--quiet") == (0, Path("here/instruction.txt").read_text(), "")


def test_json_run_prints_one_object_and_progress_on_stderr(command_line: Call) -> None:
    code, out, err = command_line(*ASKED, "--out", "here", "--json")
    assert code == 0
    assert out.isascii()
    assert json.loads(out) == {"directory": "here", **result_of("here")}
    assert re.search(r"^\[0:00:\d\d\] task words, method instructzero", err, re.M)
    assert "Best instruction" not in err
    assert command_line("resume", "here", "--json", "--quiet") == (0, out, "")


def test_quiet_run_prints_errors_but_no_warnings(command_line: Call) -> None:
    for flags in (("--quiet",), ("--json",), ("--quiet", "--json")):
        code, out, err = command_line(*ASKED, "--evaluations", "0", *flags)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("instructzero: ")
    strange = ("run", "--task", "words.jsonl", "--writer", "embedded:writer")
    strange += ("--evaluations", "1", "--validation", "2", "--test", "2")
    assert "does not know the task" in command_line(*strange, "--out", "there", "--json")[2]
    assert command_line(*strange, "--out", "there", "--quiet")[2] == ""


def test_json_dry_run_prints_one_object(command_line: Call) -> None:
    code, out, err = command_line(*ASKED, "--dry-run", "--json")
    assert (code, err) == (0, "")
    estimated = json.loads(out)
    assert estimated["calls"] == sorted(estimated["calls"])
    assert set(estimated) == {"calls", "tokens", "dollars", "seconds", "messages", "writer"}
    assert [message["role"] for message in estimated["messages"]] == ["user"]
    assert estimated["messages"][0]["content"].startswith("Instruction: {instruction}\n\nInput: ")


@pytest.mark.parametrize("width", WIDTHS)
def test_summary_fits_width_and_ends_with_use_it(
    command_line: Call, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, err = command_line(*ASKED, "--out", "here", "--baseline", "write the word backwards, letter by letter " * 5)
    lines = out.splitlines()
    assert (err, "\x1b" in out) == ("", False)
    ending = lines[lines.index("Report: instructzero report here --open") + 1 :]
    assert ending[1:3] == ["Use it: the messages as sent", "user:"]
    assert {"  Input: {input}", "  Output:"} <= set(ending)
    assert "In your code: instructzero export here --format python (or messages, curl, dspy," in " ".join(ending)
    summary = lines[lines.index("Best instruction") :]
    assert max(map(len, summary)) <= width
    assert "judge" not in out
    assert re.search(r"\d evaluations · \d distinct", " ".join(summary))


def test_export_figures_writes_and_lists_files(command_line: Call) -> None:
    assert command_line(*ASKED, "--out", "here", "--method", "ape", "--quiet")[0] == 0
    code, out, err = command_line("export", "here", "--format", "figures")
    assert code == 0
    assert sorted(out.splitlines()) == sorted(str(path) for path in Path("here/figures").iterdir())
    assert "here/figures/best-by-calls.pdf" in out.splitlines()
    assert re.search(r"^note: The method ape has no Gaussian process", err, re.M)
    Path("file").touch()
    code, out, err = command_line("export", "here", "--format", "figures", "--out", "file")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("instructzero: cannot write to file: ")
