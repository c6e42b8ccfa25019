"""The scores of a bench as a Parquet file, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from instructzero.bench.results import Cell
from instructzero.bench.tables import ROW, rows
from instructzero.exports.targets import check_target
from instructzero.files import open_regular


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
    table = pyarrow.table(dict(zip(ROW, map(list, columns), strict=True)))
    check_target(path)
    with open(path, "wb", opener=open_regular) as file:
        parquet.write_table(table, file)
    return [path]
