"""A run that is stopped at any moment, by any cause, ends like an uninterrupted one and pays nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import instructzero
from instructzero.errors import EndpointError
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey

ASSETS = Path(__file__).parent / "assets"


class Counted:
    """A run in its own process, whose black box counts its calls."""

    def __init__(self, folder, task_file, method, writer="scripted:phrases"):
        self.directory = folder / "run"
        self.calls_file = folder / "calls"
        folder.mkdir()
        self.start = [
            *("run", "--task", str(task_file), "--out", str(self.directory), "--plain"),
            *("--writer", writer, "--blackbox", "python:counting_blackbox:answer"),
            *("--method", method, "--evaluations", "30", "--initial", "10", "--batch", "5"),
        ]

    def run(self, kill_after=None):
        """Start or resume the run; return True if it finished."""
        begun = (self.directory / "settings.yaml").exists()
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ASSETS),
            "CALLS_FILE": str(self.calls_file),
            "CALLS_STORE": str(self.directory / "calls.sqlite"),
        }
        if kill_after is not None:
            environment["KILL_AFTER_SECONDS"] = str(kill_after)
        arguments = ["resume", str(self.directory), "--plain"] if begun else self.start
        command = [sys.executable, "-m", "instructzero", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode == 0

    @property
    def journal(self):
        return (self.directory / "journal.jsonl").read_bytes()

    @property
    def seconds(self):
        """The duration of the run itself in seconds, without the start of the process."""
        first, last = (self.directory / name for name in ("settings.yaml", "result.json"))
        return last.stat().st_mtime - first.stat().st_mtime

    @property
    def calls(self):
        return len(self.calls_file.read_text().splitlines())


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("method", "writer", "times"),
    [
        ("paper", "scripted:phrases", 20),
        ("instructzero", "scripted:phrases", 10),
        ("instructzero", "python:counting_blackbox:write", 5),
    ],
)
def test_resume_after_kill_ends_the_same_and_repeats_no_call(tmp_path, task_file, method, writer, times):
    reference = Counted(tmp_path / "reference", task_file, method, writer)
    assert reference.run()
    moments = random.Random(0)
    kills, attempt, ended = 0, 0, True
    while kills < times or not ended:
        if ended:
            attempt += 1
            run = Counted(tmp_path / str(attempt), task_file, method, writer)
        ended = run.run(kill_after=moments.uniform(0, reference.seconds / 2) if kills < times else None)
        kills += not ended
        if ended:
            assert run.journal == reference.journal
            assert run.calls == reference.calls
    assert attempt < times  # otherwise most kills came too late to hit a run


def test_resume_after_endpoint_error_ends_the_same(scripted, tmp_path):
    whole = ScriptedBlackBox(obey)
    reference = run_with(whole, scripted, tmp_path / "reference")
    calls = 0
    for _ in range(100):
        box = ScriptedBlackBox(obey, fail_after=7)
        try:
            result = run_with(box, scripted, tmp_path / "broken")
        except EndpointError:
            calls += box.calls.total()
            continue
        calls += box.calls.total()
        break
    assert result == reference
    assert calls == whole.calls.total()
    assert journal(tmp_path / "broken") == journal(tmp_path / "reference")


def test_second_run_of_finished_run_asks_nothing(scripted, tmp_path):
    first = run_with(ScriptedBlackBox(obey), scripted, tmp_path / "run")
    again = ScriptedBlackBox(obey)
    assert run_with(again, scripted, tmp_path / "run") == first
    assert again.calls.total() == 0


def test_resume_after_torn_line_ends_the_same_for_free(scripted, tmp_path):
    run_with(ScriptedBlackBox(obey), scripted, tmp_path / "run")
    path = tmp_path / "run" / "journal.jsonl"
    whole = path.read_bytes()
    for cut in (1, 40, len(whole) // 2):
        path.write_bytes(whole[:-cut])
        box = ScriptedBlackBox(obey)
        run_with(box, scripted, tmp_path / "run")
        assert path.read_bytes() == whole
        assert box.calls.total() == 0


def test_journal_depends_on_settings_and_seed_only(scripted, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_with(ScriptedBlackBox(obey), {**scripted, "seed": seed}, tmp_path / name)
    assert journal(tmp_path / "a") == journal(tmp_path / "b") != journal(tmp_path / "c")


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_stops_cleanly_and_names_resume(tmp_path, task_file):
    run = Counted(tmp_path / "interrupted", task_file, "paper")
    environment = {**os.environ, "PYTHONPATH": str(ASSETS), "CALLS_FILE": str(run.calls_file)}
    command = [sys.executable, "-m", "instructzero", *run.start]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not run.calls_file.exists() or run.calls < 20:
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"instructzero resume {run.directory}" in stderr
    assert "Traceback" not in stderr
    reference = Counted(tmp_path / "reference", task_file, "paper")
    assert reference.run()
    assert run.run()
    assert (run.journal, run.calls) == (reference.journal, reference.calls)


def run_with(box, settings, directory):
    settings = {name: value for name, value in settings.items() if name not in ("task", "writer", "blackbox")} | {
        "directory": directory
    }
    task = Path(directory).parent / "words.jsonl"
    return instructzero.optimize(task, writer=ScriptedWriter(), blackbox=box, **settings)


def journal(directory):
    return (directory / "journal.jsonl").read_bytes()
