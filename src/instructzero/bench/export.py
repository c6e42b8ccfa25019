"""The scores of a bench for other programs, as a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from instructzero.bench.results import Cell
from instructzero.bench.tables import ROW, rows


def write_parquet(cells: Sequence[Cell], path: Path) -> list[Path]:
    """The rows of ``scores.csv`` at ``path``, with typed columns; nothing where pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        return []
    columns = zip(*rows(cells), strict=True)
    parquet.write_table(pyarrow.table(dict(zip(ROW, map(list, columns), strict=True))), path)
    return [path]
