"""A report of a run whose shared call store cannot be read: it has everything except the payments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import instructzero
from instructzero.errors import RunDirectoryError
from instructzero.models.scripted import ScriptedWriter
from instructzero.report import write_report
from instructzero.report.source import read_source
from tests.report.conftest import SIZES, WORDS, embedded


@pytest.fixture
def shared(tmp_path: Path) -> tuple[Path, Path]:
    """Return the directory of a finished run, and the store that it shares."""
    rows = tmp_path / "words.jsonl"
    rows.write_text("".join(json.dumps({"input": word, "output": word[::-1]}) + "\n" for word in WORDS))
    directory, store = tmp_path / "run", tmp_path / "store.sqlite"
    instructzero.optimize(
        rows, writer=ScriptedWriter(), blackbox="scripted:obey", store=store, directory=directory, **SIZES
    )
    return directory, store


def test_report_without_its_shared_store_says_so_and_has_the_rest(shared: tuple[Path, Path]) -> None:
    directory, store = shared
    before = embedded(directory / "report.html")
    assert before["costs"]["roles"]
    for damage in (lambda: store.write_bytes(b"no database" * 1000), lambda: (store.unlink(), store.mkdir())):
        damage()
        after = embedded(write_report(directory))
        assert after["costs"]["roles"] == []
        assert "cannot be read" in after["costs"]["unread"]
        assert "cannot be read" in (directory / "report.html").read_text(encoding="utf-8")
        assert {key: after[key] for key in ("result", "examples", "texts")} == {
            key: before[key] for key in ("result", "examples", "texts")
        }


def test_damaged_store_of_the_run_itself_is_an_error(finished: Path, tmp_path: Path) -> None:
    for name in ("settings.yaml", "journal.jsonl", "result.json", "run-id"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    (tmp_path / "calls.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(RunDirectoryError):
        read_source(tmp_path)
