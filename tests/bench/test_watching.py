"""The lines and the live table about running cells."""

import io
import json
import time

import pytest
from rich.console import Console

from instructzero.bench.cell_progress import PROGRESS, CellProgress, read_progress, reporting
from instructzero.bench.plan import cells_of
from instructzero.bench.watching import in_lines, live_table, watching
from instructzero.records.observers import RunPlan

NOW = {"stage": "asking the black box", "reached": "7 of 12 evaluations, 42 of 60 calls", "best": 0.5, "plain": 0.25}


def wait_for(found, seconds=10):
    """Wait until the list has an entry."""
    end = time.monotonic() + seconds
    while not found and time.monotonic() < end:
        time.sleep(0.01)


def put(cell, values):
    cell.folder.mkdir(parents=True, exist_ok=True)
    (cell.folder / PROGRESS).write_text(json.dumps(values))


def test_running_cell_has_a_line_once_for_each_change(plan):
    cell, other = cells_of(plan(tasks=plan().tasks[0]))
    put(other, NOW)  # left behind by a killed process
    lines = []
    with in_lines(lines.append, [cell, other], every=0.02):
        put(cell, NOW)
        wait_for(lines)
        time.sleep(0.2)
    assert [line.partition("] ")[2] for line in lines] == [
        "uniform on fruit, scripted, seed 0: asking the black box: 7 of 12 evaluations, 42 of 60 calls, "
        "best so far 0.50 (plain 0.25)"
    ]


def test_live_table_shows_the_running_cells(plan, monkeypatch):
    monkeypatch.setattr("instructzero.bench.watching._LIVE_S", 0.02)
    (cell, *_) = cells_of(plan())
    put(cell, NOW)
    screen = io.StringIO()
    with live_table(Console(file=screen, force_terminal=True, width=160), [cell]):
        end = time.monotonic() + 10
        while "42 of 60 calls" not in screen.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    assert "uniform on fruit" in screen.getvalue()
    assert "42 of 60 calls" in screen.getvalue()


def test_quiet_bench_shows_nothing(plan):
    (cell, *_) = cells_of(plan())
    screen, lines = io.StringIO(), []
    with watching(Console(file=screen, force_terminal=True), lines.append, plain=False, quiet=True)([cell]):
        put(cell, NOW)
    assert (screen.getvalue(), lines) == ("", [])


def test_progress_is_in_the_folder_while_the_cell_runs(tmp_path):
    with reporting(tmp_path) as observer:
        observer.run_started(RunPlan("sum", "uniform", evaluations=12, validation=6, test=6, search_calls=60))
        found = read_progress(tmp_path)
        assert found == CellProgress("scoring the plain instruction", "0 of 12 evaluations, 0 of 60 calls", None, None)
        assert str(found).endswith("best so far none yet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"stage": 1, "reached": 2, "best": "x", "plain": null}'])
def test_file_that_is_no_progress_is_ignored(tmp_path, content):
    (tmp_path / PROGRESS).write_text(content)
    assert read_progress(tmp_path) is None
