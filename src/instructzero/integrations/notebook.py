"""The display of a run that a Python program shows: in a notebook, or on standard error."""

from __future__ import annotations

import html
import importlib
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from rich.console import Console

from instructzero.calls.prices import Price
from instructzero.progress import Tally, progress_on, rows_of
from instructzero.records.observers import Observer
from instructzero.records.relays import Relay

_PAUSE_S = 0.3


def program_progress(prices: Mapping[str, Price | None]) -> AbstractContextManager[Observer]:
    """Return the display of a run in a program: a table in a notebook or a terminal, or else log lines.

    Outside notebooks it is on standard error. In a thread beside the main one it is log lines, because a terminal can
    hold one live table.
    """
    if in_notebook():
        return NotebookProgress(prices)
    in_thread = threading.current_thread() is not threading.main_thread()
    return progress_on(Console(highlight=False, stderr=True), prices, plain=in_thread, quiet=False)


def in_notebook() -> bool:
    """Return True in a kernel of Jupyter, without importing IPython."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class NotebookProgress(AbstractContextManager[Observer]):
    """A table below the cell that is drawn again while the run goes on; it needs no widgets."""

    def __init__(self, prices: Mapping[str, Price | None]) -> None:
        self._prices = prices
        self._tally = Tally()
        self._drawn = 0.0

    def __enter__(self) -> Observer:
        display: Any = importlib.import_module("IPython.display").display
        self._display = display(self._content(), raw=True, display_id=True)
        return Relay(self._receive)

    def __exit__(self, *details: object) -> None:
        self._draw()

    def _receive(self, event: str, values: Mapping[str, Any]) -> None:
        getattr(self._tally, event)(**values)
        if time.monotonic() - self._drawn >= _PAUSE_S:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._display.update(self._content(), raw=True)

    def _content(self) -> dict[str, str]:
        """Return the table as HTML and as text, by MIME type."""
        warnings = [("Warning", warning) for warning in self._tally.warnings]
        rows = [*rows_of(self._tally, self._prices), *warnings]
        cells = (f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows)
        return {
            "text/plain": "\n".join(f"{name:<14}{text}" for name, text in rows),
            "text/html": f'<table style="text-align: left">{"".join(cells)}</table>',
        }
