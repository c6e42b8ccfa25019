"""A recorded run that tests replay record by record, and the server that watches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedWriter
from tests.conftest import WORDS
from tests.watch.growing import HOSTILE, GrowingRun, Serving


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run with many different instructions, one of which contains HTML."""
    folder = tmp_path_factory.mktemp("recorded")
    lines = [json.dumps({"input": word, "output": word[::-1]}) for word in WORDS]
    (folder / "words.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    phrases = [f"{phrase}{more}" for more in ("", ", please", " once", " now", HOSTILE) for phrase in PHRASES]
    instructzero.optimize(
        folder / "words.jsonl",
        writer=ScriptedWriter(phrases),
        blackbox="scripted:obey",
        input_price=100.0,
        output_price=200.0,
        evaluations=24,
        initial=8,
        batch=4,
        stop_early=False,
        directory=folder / "run",
    )
    return folder / "run"


@pytest.fixture
def server(run: GrowingRun) -> Iterator[Serving]:
    """A server that watches the ``run`` fixture of a test file."""
    with Serving(run.path) as serving:
        yield serving
