"""Shows the running cells of a bench, from their files: lines in a log, or a live table on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import Event, Thread

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from instructzero.bench.cell_progress import CellProgress, read_progress
from instructzero.bench.plan import CellPlan
from instructzero.terminal import excerpt, format_seconds

EVERY_S = 20.0
"""Seconds between two lines about one cell."""

_LIVE_S = 2.0
_NAME = 60  # characters of a cell's name in the live table

Say = Callable[[str], None]

Watch = Callable[[Sequence[CellPlan]], AbstractContextManager[None]]
"""Shows the progress of those of the cells that are running, until the block ends."""


def watching(console: Console, say: Say, *, plain: bool, quiet: bool) -> Watch:
    """Return how the cells are shown: live on a terminal, in lines elsewhere and if ``plain``, or not if ``quiet``."""
    if quiet:
        return partial(in_lines, lambda line: None)
    live = console.is_interactive and console.file.isatty() and not plain
    return partial(live_table, console) if live else partial(in_lines, say)


@contextmanager
def in_lines(say: Say, cells: Sequence[CellPlan], every: float = EVERY_S) -> Iterator[None]:
    """Say a line about every running cell whose progress has changed, at most one in ``every`` seconds for a cell."""
    seen = {cell.folder: progress for cell, progress in running(cells)}  # files that a killed process left behind
    started = time.monotonic()

    def look() -> None:
        for cell, progress in running(cells):
            if seen.get(cell.folder) != progress:
                seen[cell.folder] = progress
                say(f"[{format_seconds(time.monotonic() - started)}] {cell}: {progress}")

    with _repeating(look, every):
        yield


@contextmanager
def live_table(console: Console, cells: Sequence[CellPlan]) -> Iterator[None]:
    """Show a table with a row for every running cell; lines that are printed meanwhile stay above it."""
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def look() -> None:
            live.update(_table(running(cells)), refresh=True)

        with _repeating(look, _LIVE_S):
            yield


def running(cells: Sequence[CellPlan]) -> list[tuple[CellPlan, CellProgress]]:
    """Return the cells that are running, each with its progress."""
    return [(cell, progress) for cell in cells if (progress := read_progress(cell.folder))]


def _table(found: Sequence[tuple[CellPlan, CellProgress]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for cell, progress in found:
        table.add_row(Text(excerpt(str(cell), _NAME)), Text(str(progress)))
    return table


@contextmanager
def _repeating(look: Callable[[], None], every: float) -> Iterator[None]:
    """Call a function every few seconds in a thread, until the block ends."""
    ended = Event()

    def repeat() -> None:
        while not ended.wait(every):
            look()

    thread = Thread(target=repeat, name="instructzero-bench-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
