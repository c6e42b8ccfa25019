"""Tables that are not text: Parquet files and the sheets of workbooks. Their libraries are imported where needed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from instructzero.errors import TaskError, ignoring_warnings
from instructzero.tasks.data import Row
from instructzero.tasks.files.delimited import column_names, named_cells
from instructzero.tasks.files.encodings import check_readable, check_size

_INDEX = re.compile(r"__index_level_\d+__")  # the index of a pandas table, which is no column of it


def parquet_rows(path: Path) -> tuple[Row, ...]:
    """Return the rows of a Parquet file; their places count from 1.

    Raises
    ------
    TaskError
        If the file cannot be read, or pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise TaskError(missing_library(path, "pyarrow", "parquet")) from None
    check_readable(path)
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read()
    except Exception as error:  # pyarrow has errors of its own, of several bases
        raise TaskError(f"{path}: expected a Parquet file, got {first_line(error)}; write it again") from None
    column_names(table.column_names, str(path))
    table = table.select([name for name in table.column_names if not _INDEX.fullmatch(name)])
    return tuple(Row.of(f"{path}, row {number}", cells) for number, cells in enumerate(table.to_pylist(), start=1))


def sheet_rows(path: Path, sheet: str | None = None) -> tuple[Row, ...]:
    """Return the rows of a workbook's sheet below its header; their places count as in the sheet.

    Of a formula, the value counts that the workbook was saved with.

    Parameters
    ----------
    path
        The workbook.
    sheet
        The name of the sheet; None is the first one.

    Raises
    ------
    TaskError
        If the file cannot be read, has no such sheet, or openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError:
        raise TaskError(missing_library(path, "openpyxl", "xlsx")) from None
    check_readable(path)
    with ignoring_warnings():  # about the looks of the workbook
        try:
            with zipfile.ZipFile(path) as archive:
                sizes = [part.file_size for part in archive.infolist()]  # no part is read beyond its size
            check_size(path.stat().st_size, sum(sizes), path)
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except TaskError:
            raise
        except Exception as error:  # a damaged archive or XML, a password, another format
            raise TaskError(
                f"{path}: expected a workbook (.xlsx), got {first_line(error)}; save it again without a password"
            ) from None
        try:
            return _rows_below_header(_sheet(book, path, sheet), f"{path}{f'#{sheet}' if sheet else ''}")
        finally:
            book.close()


def _sheet(book: Any, path: Path, name: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is None and sheets:
        return next(iter(sheets.values()))
    if name not in sheets:
        there = ", ".join(map(repr, sheets)) or "none"
        raise TaskError(f"{path}: expected a sheet {name!r}, got {there}; name one as {path.name}#SHEET")
    return sheets[name]


def _rows_below_header(sheet: Any, where: str) -> tuple[Row, ...]:
    lines = _filled(sheet)
    number, header = next(lines, (1, ()))
    names = column_names(header, f"{where}, row {number}")
    return tuple(
        Row.of(f"{where}, row {number}", named_cells(names, [*cells, *[None] * len(names)][: len(names)]))
        for number, cells in lines
    )


def _filled(sheet: Any) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows of a sheet that are not empty, with their numbers."""
    sheet.reset_dimensions()  # other programs write wrong ones
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(cell is not None for cell in cells):
            yield number, cells


def missing_library(source: object, library: str, extra: str) -> str:
    """Return the message for a kind of data that needs an extra."""
    return f"{source}: expected {library} to read it, got none; install it with: pip install 'instructzero[{extra}]'"


def first_line(error: Exception) -> str:
    """Return the kind and the first line of another library's error."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]:.200}"
