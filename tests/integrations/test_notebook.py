"""The table of a run in a notebook, without a kernel: what is drawn, and when."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from instructzero.integrations.notebook import NotebookProgress, in_notebook, program_progress
from instructzero.records.observers import RunPlan


class Shown:
    """What stands below the cell."""

    def __init__(self, content: dict[str, str]) -> None:
        self.contents = [content]

    def update(self, content: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.contents.append(content)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Shown]:
    """Put the two functions of IPython that are used into a module of its name; returns what is displayed."""
    displayed: list[Shown] = []

    def display(content: dict[str, str], **options: Any) -> Shown:
        assert options == {"raw": True, "display_id": True}
        displayed.append(Shown(content))
        return displayed[-1]

    ipython, displays = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    displays.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", displays)
    return displayed


def test_table_is_drawn_again_at_the_end_with_escaped_texts(shown: list[Shown]) -> None:
    assert in_notebook()
    with program_progress({}) as observer:
        observer.run_started(RunPlan("words", "instructzero", 12, 4, 4))
        observer.warned("<b>odd</b>")
        observer.run_finished()
    (table,) = shown
    assert "not started" in table.contents[0]["text/plain"]
    assert "0 of 12 evaluations" in table.contents[-1]["text/plain"]
    assert "<td>done" in table.contents[-1]["text/html"]
    assert "&lt;b&gt;odd&lt;/b&gt;" in table.contents[-1]["text/html"]


def test_events_in_quick_succession_do_not_draw_each_time(shown: list[Shown]) -> None:
    with NotebookProgress({}) as observer:
        for _ in range(1000):
            observer.writing_started(1, 1)
    assert len(shown[0].contents) < 500


def test_outside_a_notebook_there_is_none() -> None:
    assert not in_notebook()
