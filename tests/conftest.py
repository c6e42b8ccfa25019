"""Fixtures of several tests: a small task for the scripted models, and the command line."""

import json
import os
import signal
import tempfile
from functools import partial

import pytest

from tests.browser import launched
from tests.command_line import call
from tests.loopback_only import stay_on_loopback

stay_on_loopback()
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="instructzero-state-")  # tests change nothing of the user's

WORDS = (
    "apple river stone cloud green light table chair mouse horse bread water house plant sugar money night "
    "music paper glass berry candle window garden pepper silver"
).split(" ")


LONG = (
    *("test_fuzzing", "test_faulty_endpoint", "test_resume", "test_kills", "test_site", "test_how_to_pages"),
    *("test_more_how_to_pages", "test_other_pages", "test_tutorial_pages", "test_own_method", "test_dspy"),
    *("test_engines", "test_api", "test_hosts"),
)
"""The files that take longest. They come first, so that no process waits for the other one at the end."""


def pytest_collection_modifyitems(items):
    """Put the tests of the longest files first."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


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


@pytest.fixture
def ctrl_c():
    """Let Ctrl-C interrupt this process and those that it starts, also in the background of a script, which ignores it.

    A process that is started inherits that a signal is ignored, but no handler.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")  # it keeps an event loop running, which would disturb tests of other modules
def browser():
    """Start Chromium; without it, the tests are skipped."""
    yield from launched()
