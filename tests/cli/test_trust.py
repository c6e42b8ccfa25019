"""Resuming a run that somebody else sent: a question in a terminal, and a refusal that names --trust elsewhere."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import instructzero
from instructzero.cli.commands.run import resume_command
from instructzero.errors import RunDirectoryError
from instructzero.records import begun
from tests.command_line import Call

SPY = """
import pathlib
pathlib.Path(__file__).with_name("ran").touch()
def score(prediction, outputs): return float(prediction in outputs)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def own(scripted: dict[str, Any], tmp_path: Path) -> Path:
    """A run that was begun on this machine."""
    instructzero.optimize(**scripted, directory=tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def received(own: Path, tmp_path: Path) -> Path:
    """The same run with the name of another machine, and a metric that says when it is imported."""
    (tmp_path / "spy.py").write_text(SPY, encoding="utf-8")
    sys.modules.pop("spy", None)
    folder = tmp_path / "received"
    shutil.copytree(own, folder)
    (folder / "run-id").write_text("e" * 32 + "\n", encoding="utf-8")
    (folder / "journal.jsonl").unlink()
    change(folder, metric="spy:score")
    return folder


def change(folder: Path, **settings: object) -> None:
    known = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
    (folder / "settings.yaml").write_text(yaml.safe_dump(known | settings), encoding="utf-8")


def test_run_begun_here_is_resumed_without_a_question(command_line: Call, own: Path) -> None:
    assert command_line("resume", own, "--quiet")[0] == 0


def test_copied_run_of_this_machine_is_resumed_without_a_question(command_line: Call, own: Path) -> None:
    own.rename(own.with_name("moved"))
    assert command_line("resume", own.with_name("moved"), "--quiet")[0] == 0


def test_received_run_is_refused_without_a_terminal_and_runs_no_code(
    command_line: Call, received: Path, tmp_path: Path
) -> None:
    change(received, blackbox="openai:m", base_url="http://evil.invalid/v1", key_env="SECRET")
    code, out, err = command_line("resume", received)
    assert (code, out) == (2, "")
    for part in ("spy:score", "http://evil.invalid/v1", "SECRET", "--trust"):
        assert part in err
    assert len(err) < 520
    assert not (tmp_path / "ran").exists()


def test_own_run_with_another_host_is_refused(command_line: Call, own: Path) -> None:
    change(own, blackbox="openai:m", base_url="http://evil.invalid/v1")
    code, _, err = command_line("resume", own)
    assert code == 2
    assert "It would send data to http://evil.invalid/v1.\n  It would send the values of OPENAI_API_KEY." in err


def test_task_file_that_names_code_is_named(command_line: Call, received: Path, tmp_path: Path) -> None:
    task = tmp_path / "words.json"
    task.write_text('{"metric": "spy:score", "examples": [{"input": "a", "output": "b"}]}', encoding="utf-8")
    change(received, task=str(task), metric=None)
    assert "run the code spy:score" in command_line("resume", received)[2]


def test_trust_resumes_and_is_remembered(command_line: Call, received: Path, tmp_path: Path) -> None:
    assert command_line("resume", received, "--trust", "--quiet")[0] == 0
    assert (tmp_path / "ran").exists()
    assert command_line("resume", received, "--quiet")[0] == 0


def test_same_run_command_needs_no_question(command_line: Call, received: Path, scripted: dict[str, Any]) -> None:
    flags = [part for name, value in scripted.items() for part in (f"--{name}", value)]
    assert command_line("run", *flags, "--metric", "spy:score", "--out", received, "--quiet")[0] == 0
    assert command_line("resume", received, "--quiet")[0] == 0


@pytest.mark.parametrize(("said", "resumed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_terminal_is_asked(
    received: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    said: str,
    resumed: bool,
    scripted: dict[str, Any],
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(said))
    monkeypatch.setattr(sys, "stderr", shown)
    if resumed:
        resume_command(received, quiet=True)
    else:
        with pytest.raises(RunDirectoryError, match=r"is not resumed; .* add --trust"):
            resume_command(received, quiet=True)
    assert "run the code spy:score" in shown.getvalue()
    assert (tmp_path / "ran").exists() == resumed


@pytest.mark.parametrize("abort", [KeyboardInterrupt, EOFError])
def test_ctrl_c_and_ctrl_d_at_the_question_are_a_no(
    received: Path, monkeypatch: pytest.MonkeyPatch, abort: type[BaseException]
) -> None:
    class Aborting(Terminal):
        def readline(self, *_: object) -> str:
            raise abort

    monkeypatch.setattr(sys, "stdin", Aborting())
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(RunDirectoryError, match=r"is not resumed; .* add --trust"):
        resume_command(received, quiet=True)


def test_question_hides_no_code_and_no_host_behind_many_others(received: Path, command_line: Call) -> None:
    headers = [f"X-Team-{number}: env:TEAM_{number}" for number in range(9)]
    host = f"{'a' * 60}.{'b' * 60}.{'c' * 60}.evil.invalid"
    change(received, blackbox="openai:m", base_url=f"http://{host}/v1", header=headers)
    err = command_line("resume", received)[2]
    for line in (f"send data to http://{host}/v1.", *(f"send the values of TEAM_{number}." for number in range(9))):
        assert f"\n  It would {line}" in err


def test_without_a_state_folder_a_run_ends_and_resume_names_trust(
    command_line: Call, scripted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/state")
    instructzero.optimize(**scripted, directory=tmp_path / "run")
    assert command_line("resume", tmp_path / "run", "--quiet")[0] == 0, "the same process remembers it"
    monkeypatch.setattr(begun, "_this_process", set())
    code, _, err = command_line("resume", tmp_path / "run")
    assert code == 2
    assert "--trust" in err
    assert "Traceback" not in err
    assert command_line("resume", tmp_path / "run", "--trust", "--quiet")[0] == 0


def test_python_resume_asks_for_trust(received: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunDirectoryError, match=r"(?s)call resume with trust=True.*run the code spy:score"):
        instructzero.resume(received)
    assert not (tmp_path / "ran").exists()
    assert instructzero.resume(received, trust=True).instruction


def test_hostile_settings_stay_text_in_the_question(received: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(received, metric="spy\x1b[31m:score", key_env=None)
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    monkeypatch.setattr(sys, "stderr", shown)
    with pytest.raises(RunDirectoryError):
        resume_command(received)
    assert "\x1b" not in shown.getvalue()
