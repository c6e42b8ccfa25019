"""Fixtures of several tests: a small task for the scripted models, and the command line."""

import json
from functools import partial

import pytest

from tests.browser import launched
from tests.command_line import call
from tests.loopback_only import stay_on_loopback

stay_on_loopback()

WORDS = (
    "apple river stone cloud green light table chair mouse horse bread water house plant sugar money night "
    "music paper glass berry candle window garden pepper silver"
).split(" ")


@pytest.fixture
def task_file(tmp_path):
    """Write a task: words and their reverse, which only some phrases of the scripted writer ask for."""
    path = tmp_path / "words.jsonl"
    rows = [json.dumps({"input": word, "output": word[::-1]}) for word in WORDS]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def scripted(task_file):
    """Return the settings of a fast run without model weights."""
    return {
        "task": str(task_file),
        "writer": "scripted:phrases",
        "blackbox": "scripted:obey",
        "evaluations": 12,
        "initial": 4,
        "batch": 4,
    }


@pytest.fixture
def command_line(monkeypatch, capfd, tmp_path, task_file):
    """Return the command line in a directory with the task; a call gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    return partial(call, monkeypatch, capfd)


@pytest.fixture(scope="module")  # it keeps an event loop running, which would disturb tests of other modules
def browser():
    """Start Chromium; without it, the tests are skipped."""
    yield from launched()
