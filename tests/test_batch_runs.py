"""Whole runs through a batch API: the same journal as without, killed in the middle of a batch, and continued."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import instructzero
from instructzero.calls.store import CallStore
from instructzero.errors import ConfigurationError
from instructzero.models.batches import black_box
from instructzero.models.batches.rounds import Pace
from instructzero.models.scripted import obey
from instructzero.progress import PlainProgress
from instructzero.testing import Endpoint
from instructzero.testing.batches import BatchService

FAST = Path(__file__).parent / "assets" / "fast_batches.py"


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(black_box, "Pace", partial(Pace, quiet=0.05, first=0.005, longest=0.01))


@pytest.fixture
def service():
    with BatchService(obey) as service:
        yield service


def run(scripted, service, directory, **settings):
    url = {"base_url": service.base_url, "blackbox": "openai:m", "racing": False}
    return instructzero.optimize(**{**scripted, **url, **settings}, directory=directory, progress=False)


def journal(directory):
    return (directory / "journal.jsonl").read_bytes()


def test_run_in_batches_has_the_same_journal_and_bill_as_one_without(scripted, service, tmp_path):
    single = run(scripted, service, tmp_path / "single")
    service.billed.clear()
    batched = run(scripted, service, tmp_path / "batched", batch_api=True)
    assert journal(tmp_path / "batched") == journal(tmp_path / "single")
    assert batched.spent == single.spent
    assert set(service.billed.values()) == {1}
    assert len(service.batches) < 12  # a round is one batch


def test_run_begun_in_batches_is_continued_without_and_the_other_way_round(scripted, service, tmp_path):
    whole = run(scripted, service, tmp_path / "whole")
    service.billed.clear()
    for first, directory in ((True, tmp_path / "a"), (False, tmp_path / "b")):
        with pytest.raises(instructzero.BudgetExhausted):
            run(scripted, service, directory, batch_api=first, max_calls=12)
        continued = run(scripted, service, directory, batch_api=not first)
        assert journal(directory) == journal(tmp_path / "whole")
        assert continued.instruction == whole.instruction
        assert service.billed.total() == whole.spent["black box"].calls
        service.billed.clear()


def killed_in_a_batch(arguments, service, batches):
    """Start a run, and kill it when the service holds a number of batches that do not go on."""
    command = [sys.executable, str(FAST), *arguments]
    service.held, service.held_from = True, batches - 1
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while len(service.batches) < batches:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.002)
        time.sleep(0.2)
        process.kill()
    service.held = False


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_run_killed_in_the_middle_of_a_batch_pays_every_question_once(scripted, service, tmp_path, kind):
    base_url = service.base_url if kind == "openai" else service.root
    scripted |= {"blackbox": f"{kind}:m", "base_url": base_url, "racing": False}
    reference = instructzero.optimize(**scripted, directory=tmp_path / "reference", progress=False)
    service.billed.clear()
    flags = [f"--{name.replace('_', '-')}={'no' if value is False else value}" for name, value in scripted.items()]
    directory = tmp_path / "killed"
    killed_in_a_batch(["run", *flags, "--batch-api=yes", "--out", str(directory), "--plain"], service, batches=1)
    for batches in (2, 3):
        killed_in_a_batch(["resume", str(directory), "--plain"], service, batches)
    resumed = instructzero.resume(directory)
    assert journal(directory) == journal(tmp_path / "reference")
    assert set(service.billed.values()) == {1}
    assert resumed.spent == reference.spent
    with CallStore(directory / "calls.sqlite") as store:
        assert len(store) == service.billed.total()


@pytest.mark.usefixtures("ctrl_c")
def test_interrupted_run_says_that_the_batch_goes_on(scripted, service, tmp_path):
    scripted |= {"blackbox": "openai:m", "base_url": service.base_url}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in scripted.items()]
    service.held = True
    process = subprocess.Popen(
        [sys.executable, str(FAST), "run", *flags, "--batch-api=yes", "--out", str(tmp_path / "run"), "--plain"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while process.poll() is None and "GET" not in str(service.requests):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    said = " ".join(said.split())
    assert f"goes on at {service.base_url}" in said
    assert "continue this run to read the answers, which are not paid again" in said
    assert "questions to the black box: 0 done" in said


def test_run_continued_without_batches_warns_of_answers_that_are_not_read(scripted, service, tmp_path):
    directory = tmp_path / "run"
    scripted |= {"blackbox": "openai:m", "base_url": service.base_url, "racing": False}
    flags = [f"--{name.replace('_', '-')}={'no' if value is False else value}" for name, value in scripted.items()]
    killed_in_a_batch(["run", *flags, "--batch-api=yes", "--out", str(directory), "--plain"], service, batches=1)
    warnings = []

    class Warned(instructzero.Observer):
        def warned(self, message):
            warnings.append(message)

    run(scripted, service, directory, observer=Warned())
    assert any("questions are in batches that were sent" in message for message in warnings)


def test_judge_of_the_same_kind_is_asked_in_batches(scripted, tmp_path):
    def script(prompt):
        return "1" if "Grade" in prompt or "grade" in prompt else obey(prompt)

    with BatchService(script) as service:
        settings = {"metric": "judge", "judge": "openai:j", "evaluations": 4, "batch_api": True}
        run(scripted, service, tmp_path / "run", **settings)
        assert not service.single
        assert {line["body"]["model"] for sent in service.batches for line in sent.lines} == {"m", "j"}


def test_batches_are_refused_for_another_kind_of_black_box(scripted, tmp_path):
    with pytest.raises(ConfigurationError, match=r"openai:MODEL or anthropic:MODEL for --batch-api, got 'scripted:"):
        instructzero.optimize(**scripted, batch_api=True, directory=tmp_path / "run", progress=False)


def test_service_without_batches_is_one_sentence(scripted, tmp_path):
    with Endpoint(obey) as endpoint, pytest.raises(instructzero.UserError, match="leave --batch-api out"):
        run(scripted, endpoint, tmp_path / "run", batch_api=True)


def test_instructions_do_not_race_by_default_and_a_run_that_races_says_how_to_continue(scripted, service, tmp_path):
    directory = tmp_path / "run"
    scripted |= {"method": "instructzero", "racing": None}
    with pytest.raises(instructzero.BudgetExhausted):
        run(scripted, service, directory, racing=None, batch_api=True, max_calls=12)
    with pytest.raises(ConfigurationError, match=r"do not race.*continue it with --racing no"):
        run(scripted, service, directory, racing=None)
    run(scripted, service, directory, racing=False)


def test_progress_of_a_batch_is_one_line_a_minute(capsys):
    from rich.console import Console

    progress = PlainProgress(Console(width=200), {})
    for done in range(5):
        progress.batch_waited("black box", 320, done, 720.0)
    said = capsys.readouterr().out
    assert said.count("batch of 320 questions to the black box: 0 done, 0:12:00") == 1
    assert len(said.splitlines()) == 1
