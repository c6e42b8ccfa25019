"""A run keeps the date of its first day, where a chat template prints one."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.calls.store import CallStore
from instructzero.errors import RunDirectoryError
from instructzero.records import dates
from instructzero.records.dates import date_of
from instructzero.records.journal import Journal
from tests.models.conftest import CHAT_TEMPLATE, save_tiny

TODAY = 'Today: {{ strftime_now("%d %b %Y") }}\n'


@pytest.fixture
def on_day(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the day of today."""

    def on_day(day: str) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Clock:
                return cls.fromisoformat(day)

        monkeypatch.setattr(dates, "datetime", Clock)

    return on_day


@pytest.fixture
def local(task_file: Path, tmp_path: Path) -> dict[str, Any]:
    """Return the settings of a fast run with a random model that prints the date in both roles."""
    folder = save_tiny(tmp_path / "model", "qwen2")
    (folder / "chat_template.jinja").write_text(TODAY + CHAT_TEMPLATE, encoding="utf-8")
    model = f"hf:{folder}"
    sizes = {"evaluations": 4, "initial": 2, "batch": 2, "validation": 3, "test": 3, "exemplars": 2}
    tokens = {"instruction_tokens": 6, "answer_tokens": 2, "soft_tokens": 2, "dimension": 2}
    return {"task": str(task_file), "writer": model, "blackbox": model, "dtype": "float32", **sizes, **tokens}


def journal(directory: Path) -> bytes:
    return (directory / "journal.jsonl").read_bytes()


def header(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(journal(directory).splitlines()[0])
    return found


def stop_in_the_middle(directory: Path, stopped: Path) -> None:
    """Copy a run without the second half of its journal, its result, and its answers."""
    stopped.mkdir()
    shutil.copy(directory / "settings.yaml", stopped)
    lines = journal(directory).splitlines(keepends=True)
    (stopped / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))


def test_run_on_another_day_prints_that_day_and_resume_keeps_the_first(
    local: dict[str, Any], on_day: Any, tmp_path: Path
) -> None:
    on_day("2026-03-09")
    instructzero.optimize(**local, directory=tmp_path / "monday")
    assert header(tmp_path / "monday")["date"] == "2026-03-09"
    assert "Today: 09 Mar 2026" in header(tmp_path / "monday")["prompts"]["writer"]
    on_day("2026-03-10")
    instructzero.optimize(**local, directory=tmp_path / "tuesday")
    assert "Today: 10 Mar 2026" in header(tmp_path / "tuesday")["prompts"]["writer"]
    stop_in_the_middle(tmp_path / "monday", tmp_path / "stopped")
    instructzero.resume(tmp_path / "stopped", trust=True)  # it has no name
    assert journal(tmp_path / "stopped") == journal(tmp_path / "monday")


def test_answers_on_another_day_are_asked_again(local: dict[str, Any], on_day: Any, tmp_path: Path) -> None:
    for day in ("2026-03-09", "2026-03-10"):
        on_day(day)
        instructzero.optimize(**local, store=tmp_path / "calls.sqlite", directory=tmp_path / day)
        assert header(tmp_path / day)["black box"]["date"] == day
    with CallStore(tmp_path / "calls.sqlite") as store:
        days = [call.identity["date"] for call in store.export()]
    assert set(days) == {"2026-03-09", "2026-03-10"}


def test_header_without_a_template_that_prints_the_date_has_none(scripted: dict[str, Any], tmp_path: Path) -> None:
    instructzero.optimize(**scripted, directory=tmp_path / "run")
    assert "date" not in header(tmp_path / "run")


def test_header_of_a_writer_without_its_chat_template_has_no_date(local: dict[str, Any], tmp_path: Path) -> None:
    plain = {"writer_template": "completion", "blackbox_template": "completion"}
    instructzero.optimize(**local, **plain, directory=tmp_path / "run")
    assert "date" not in header(tmp_path / "run")
    assert "date" not in header(tmp_path / "run")["black box"]


def test_resume_of_a_run_whose_header_has_no_date_is_refused(
    local: dict[str, Any], tmp_path: Path, on_day: Any
) -> None:
    on_day("2026-03-09")
    instructzero.optimize(**local, directory=tmp_path / "run")
    found = {name: value for name, value in header(tmp_path / "run").items() if name not in ("date", "kind", "check")}
    (tmp_path / "run" / "journal.jsonl").unlink()
    Journal(tmp_path / "run" / "journal.jsonl").start(found)
    with pytest.raises(RunDirectoryError, match="begun with another date"):
        instructzero.resume(tmp_path / "run")


def test_date_of_a_header_wins_over_today(on_day: Any) -> None:
    on_day("2026-03-10")
    assert date_of({"date": "2026-03-09"}) == "2026-03-09"
    assert date_of({"task": "words"}) == date_of(None) == "2026-03-10"
