"""Tables as text: CSV with a delimiter that is told from the file, and TSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

from instructzero.errors import TaskError
from instructzero.tasks.data import Row

if TYPE_CHECKING:
    import _csv

_DELIMITERS = (",", ";", "\t", "|")
_LARGEST_FIELD = 2**31 - 1  # the largest C long on every platform
_COMPARED = 200  # rows that decide between delimiters
_NAMED = re.compile(r'"?sep=(.)"?\r?\n')  # the first line by which a file tells Excel its delimiter


def table_rows(text: str, where: str, usual: str) -> tuple[Row, ...]:
    """Return the rows of a table below its header.

    Parameters
    ----------
    text
        The table.
    where
        Names the file in errors.
    usual
        The delimiter of the file's suffix. Another one is used if it divides the header and this one does not, or if it
        gives more rows as many cells as the header has.

    Raises
    ------
    TaskError
        If a row has another number of cells than the header, or two columns have the same name.
    """
    first = 1
    if named := _NAMED.match(text):
        text, usual, first = text[named.end() :], named[1], 2
    with _large_fields():
        delimiter = usual if named else _delimiter(text, usual)
        lines = _numbered_lines(text, where, delimiter, first)
        number, header = next(lines, (first, []))
        names = column_names(header, f"{where}, line {number}")
        return tuple(_row(names, cells, f"{where}, line {number}") for number, cells in lines)


def column_names(header: Iterable[object], where: str) -> list[str]:
    """Return the names of the columns, "" for one without a name, which is left out of the rows.

    Raises
    ------
    TaskError
        If two names are the same.
    """
    names = ["" if cell is None else str(cell).strip() for cell in header]
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise TaskError(f"{where}: expected column names that differ, got {', '.join(map(repr, named))}")
    return names


def named_cells(names: Sequence[str], cells: Iterable[object]) -> dict[str, object]:
    """Return the cells of the columns that have a name."""
    return {name: cell for name, cell in zip(names, cells, strict=True) if name}


def _row(names: list[str], cells: list[str], where: str) -> Row:
    if len(cells) != len(names):
        raise TaskError(
            f"{where}: expected {len(names)} cells, as the header has, got {len(cells)}; "
            f"put a cell that holds the delimiter between double quotes"
        )
    return Row(where, named_cells(names, cells))


def _delimiter(text: str, usual: str) -> str:
    """Return the delimiter under which the header has two cells or more, and most rows have as many as the header."""
    candidates = (usual, *(delimiter for delimiter in _DELIMITERS if delimiter != usual))
    return max(candidates, key=lambda delimiter: _consistency(text, delimiter))


def _consistency(text: str, delimiter: str) -> float:
    """Return the share of rows with as many cells as the header; 0 if the header is not divided."""
    rows = list(_well_formed(text, delimiter))
    if not rows or len(rows[0]) < 2:
        return 0.0
    return sum(len(row) == len(rows[0]) for row in rows) / len(rows)


def _well_formed(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the first rows that are not blank, up to one that is malformed."""
    with suppress(csv.Error):
        yield from islice(filter(None, _reader(text, delimiter)), _COMPARED)


def _numbered_lines(text: str, where: str, delimiter: str, first: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the table that are not blank, with the number of the line on which the row starts."""
    reader = _reader(text, delimiter)
    while True:
        start = reader.line_num + first
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TaskError(
                f"{where}, line {start}: expected a row of the table, got {error}; "
                f"write a quote inside a quoted cell twice"
            ) from None
        if cells:
            yield start, cells


def _reader(text: str, delimiter: str) -> _csv.Reader:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


@contextmanager
def _large_fields() -> Iterator[None]:
    """Raise the limit of the csv module, which is global, while a table is read."""
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
