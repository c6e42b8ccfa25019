"""Readers of a run that is being written: they neither cut a line that is not whole yet, nor lock or change a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from instructzero.calls.store import CallStore
from instructzero.cli.calls import print_calls
from instructzero.cli.comparison_table import print_comparison
from instructzero.exports.command import FORMATS, export_run
from instructzero.files import exclusive_lock
from instructzero.records.journal import Journal
from instructzero.report import write_report
from instructzero.watch.followed import FollowedRun
from tests.run_directories import write_run

TORN = b'{"kind":"trial","number":2,"evalua'


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """The directory of a finished run that is being continued: its writer has half a line in the journal."""
    path = write_run(tmp_path / "run")
    CallStore(path / "calls.sqlite").close()
    with (path / "journal.jsonl").open("ab") as journal:
        journal.write(TORN)
    return path


def watch(path: Path) -> None:
    run = FollowedRun(path)
    assert run.refresh()
    assert not run.problem


def compare(path: Path) -> None:
    other = path.parent / "other"
    print_comparison([path, other if other.exists() else write_run(other)], as_json=False)


def export(form: str) -> Callable[[Path], object]:
    return lambda path: export_run(path, form, str(path.parent / "exported"))


READERS: dict[str, Callable[[Path], object]] = {
    **{f"export {form}": export(form) for form in FORMATS},
    "compare": compare,
    "report": write_report,
    "watch": watch,
    "calls": print_calls,
}


@pytest.mark.parametrize("reader", READERS)
def test_reader_neither_cuts_nor_locks_the_journal_of_a_live_run(live: Path, reader: str) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in live.iterdir()}
    with exclusive_lock(live / "lock"):
        READERS[reader](live)
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in live.iterdir()}
    after.pop("report.html", None)
    assert after == before


def test_only_the_writer_that_resumes_cuts_a_torn_line(live: Path) -> None:
    whole = (live / "journal.jsonl").read_bytes().removesuffix(TORN)
    Journal(live / "journal.jsonl")
    assert (live / "journal.jsonl").read_bytes() == whole
