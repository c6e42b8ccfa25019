"""Shared code of the benchmarks' figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def drawing(path: Path, size: tuple[float, float], columns: int = 1) -> Iterator[tuple[Any, Any]]:
    """Provide a figure and its axes, saved to ``path`` (.png, .svg or .pdf) when the block ends.

    ``size`` is in inches; ``columns`` is the number of axes side by side.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    yield figure, figure.subplots(1, columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
