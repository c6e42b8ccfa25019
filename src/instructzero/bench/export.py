"""The scores of a bench as a Parquet file, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from instructzero.bench.results import Cell
from instructzero.bench.tables import ROW, rows


def write_parquet(cells: Sequence[Cell], path: Path) -> list[Path]:
    """Write the rows of ``scores.csv`` with typed columns to ``path``.

    Returns the files written: none if pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        return []
    columns = zip(*rows(cells), strict=True)
    parquet.write_table(pyarrow.table(dict(zip(ROW, map(list, columns), strict=True))), path)
    return [path]
