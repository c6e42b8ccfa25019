"""What several tests need: a small task that the scripted models can do."""

import json
from functools import partial

import pytest

from tests.browser import launched
from tests.command_line import call

WORDS = (
    "apple river stone cloud green light table chair mouse horse bread water house plant sugar money night "
    "music paper glass berry candle window garden pepper silver"
).split(" ")


@pytest.fixture
def task_file(tmp_path):
    """Words and their reverse: only some of the scripted writer's phrases say so."""
    path = tmp_path / "words.jsonl"
    rows = [json.dumps({"input": word, "output": word[::-1]}) for word in WORDS]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def scripted(task_file):
    """Settings of a run that takes a moment and needs no weights."""
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
    """The command line in a directory with the task; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    return partial(call, monkeypatch, capfd)


@pytest.fixture(scope="module")  # it keeps an event loop running, which other tests cannot have
def browser():
    """Chromium; without it the tests are skipped."""
    yield from launched()
