"""Rows in Python: lists of pairs or dicts, tables of pandas, polars and pyarrow, data sets of ``datasets``.

The libraries are told by what their tables can do, and are not imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from instructzero.errors import TaskError
from instructzero.tasks.cells import Accepted
from instructzero.tasks.data import Columns, Row
from instructzero.tasks.files.delimited import column_names
from instructzero.tasks.files.formats import Document
from instructzero.tasks.files.hub import dataset_rows, split_rows
from instructzero.types import Example

Rows = Iterable[Any] | Mapping[str, Any]
"""The examples of a task in Python.

- pairs of input and answer, or of input and a list of accepted answers
- dicts, or named tuples, with a column for each; further columns stay with the example
- `Example` objects
- a DataFrame of pandas or polars, a Table of pyarrow, a Dataset of ``datasets``
- a dict of columns: ``{"input": [...], "output": [...]}``
- a dict of parts, ``{"search": rows, "test": rows}``, where ``train`` may stand for ``search``, or a DatasetDict
"""

NAME_OF_ROWS = "examples"
"""The name of a task that is given as rows, in the settings and the journal of its run."""

_FORM = 'pairs such as ("cat", "chat"), or dicts such as {"input": "cat", "output": "chat"}'


def rows_document(rows: Rows, columns: Columns) -> Document:
    """Return rows of Python as the rows of a file.

    Raises
    ------
    TaskError
        If they are not rows, or there is none.
    """
    search, test = _parts(rows, columns)
    if not search:
        raise TaskError("expected at least one row, got none; give some")
    return Document(search, test)


def _parts(rows: Rows, columns: Columns) -> tuple[tuple[Row, ...], tuple[Row, ...] | None]:
    if not isinstance(rows, Mapping) or any(name in rows for name in columns.inputs(rows)):
        return _rows(rows, columns, ""), None
    if rows and all(map(_is_dataset, rows.values())):
        return split_rows(rows, "")
    name = next((name for name in ("search", "train") if name in rows), None)
    if name is None:
        came = ", ".join(map(repr, list(rows)[:5])) or "nothing in it"
        raise TaskError(
            f"expected {_FORM}, got a dict with {came}; give list(rows.items()) if its keys are the inputs, or name "
            f"its columns as input_column and output_column"
        )
    test = _rows(rows["test"], columns, "test ") if rows.get("test") is not None else None
    return _rows(rows[name], columns, f"{name} "), test


def _rows(rows: Any, columns: Columns, where: str) -> tuple[Row, ...]:
    if _is_dataset(rows):
        return dataset_rows(rows, where)
    records = _records(rows)
    if not isinstance(records, Iterable) or isinstance(records, str | bytes):
        raise TaskError(f"expected rows ({_FORM}), got a value of type {type(rows).__name__}; give a list of them")
    return tuple(
        Row.of(place := f"{where}row {number}", _cells(row, columns, place))
        for number, row in enumerate(records, start=1)
    )


def _is_dataset(rows: object) -> bool:
    return hasattr(rows, "features") and hasattr(rows, "with_format")


def _records(rows: Any) -> Any:
    """Return the rows of a table as dicts; anything else is already a sequence of rows."""
    if hasattr(rows, "convert_dtypes") and hasattr(rows, "columns"):  # pandas: whole floats are numbers with gaps
        column_names(rows.columns, "the table")
        return rows.convert_dtypes().to_dict("records")
    if hasattr(rows, "iter_rows"):  # polars
        return rows.iter_rows(named=True)
    if hasattr(rows, "to_pylist"):  # pyarrow
        return rows.to_pylist()
    return _turned(rows) if isinstance(rows, Mapping) else rows


def _turned(columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a dict of columns, which may be lists or dicts by the index of a row."""
    columns = {name: list(cells.values()) if isinstance(cells, Mapping) else cells for name, cells in columns.items()}
    lengths = {name: len(cells) for name, cells in columns.items() if hasattr(cells, "__len__")}
    if len(set(lengths.values())) != 1 or len(lengths) < len(columns):
        came = ", ".join(f"{lengths.get(name, 'no list')} as {name!r}" for name in columns)
        raise TaskError(f"expected columns of one length, got {came}; give lists that are equally long")
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def _cells(row: Any, columns: Columns, where: str) -> Any:
    """Return the cells of one row by the names of their columns."""
    if isinstance(row, Example):
        return {**row.columns, columns.input: row.input, columns.output: Accepted(row.outputs)}
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):  # a named tuple
        return row._asdict()
    if hasattr(row, "tolist"):  # a row of an array
        row = row.tolist()
    if isinstance(row, list | tuple) and len(row) == 2:
        return dict(zip((columns.input, columns.output), row, strict=True))
    if isinstance(row, list | tuple):
        raise TaskError(f"{where}: expected {_FORM}, got {len(row)} values; name further columns in a dict")
    raise TaskError(f"{where}: expected {_FORM}, got {row!r:.60}; give one of the two")
