"""Read files into rows: JSON, JSON lines, CSV, TSV, Parquet, workbooks. Errors name the file and the line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from instructzero.errors import TaskError
from instructzero.tasks.cells import WrittenNumber
from instructzero.tasks.data import Row
from instructzero.tasks.files.delimited import table_rows
from instructzero.tasks.files.encodings import read_text
from instructzero.tasks.files.tables import parquet_rows, sheet_rows

_PACKED = ".gz"


@dataclass(frozen=True)
class Document:
    """The content of a file. ``numbered`` marks the form of the benchmark, whose examples are an object."""

    search: tuple[Row, ...]
    test: tuple[Row, ...] | None = None
    name: str | None = None
    metric: str | None = None
    description: str = ""
    numbered: bool = False


@dataclass(frozen=True)
class FilePlace:
    """The parts of a file's name: the path, the sheet of a workbook, the format, and the task's name.

    >>> FilePlace.of("data/words.jsonl.gz").name, FilePlace.of("words.xlsx#French").sheet
    ('words', 'French')
    """

    path: Path
    sheet: str | None = None

    @classmethod
    def of(cls, source: str | Path) -> FilePlace:
        """Read ``PATH`` or, for a workbook, ``PATH#SHEET``."""
        text, mark, sheet = str(source).rpartition("#")
        if mark and Path(text).suffix.lower() in _WORKBOOKS:
            return cls(Path(text), sheet or None)
        return cls(Path(source))

    @property
    def suffix(self) -> str:
        """The suffix that tells the format, in small letters; that of a compressed file is the one before ``.gz``."""
        suffix = self.path.suffix.lower()
        return Path(self.path.stem).suffix.lower() if suffix == _PACKED else suffix

    @property
    def name(self) -> str:
        """The name of the file without its suffixes."""
        stem = self.path.stem
        return Path(stem).stem if self.path.suffix.lower() == _PACKED else stem

    def resolved(self) -> str:
        """Return the absolute path, with the sheet."""
        return f"{self.path.resolve()}{f'#{self.sheet}' if self.sheet else ''}"


def read_document(source: str | Path) -> Document:
    """Read a file, or a sheet of a workbook, in the format of its suffix.

    Raises
    ------
    TaskError
        If the file is missing, unreadable, malformed or empty.
    """
    place = FilePlace.of(source)
    if os.path.exists(place.path) and not (place.path.is_file() or place.path.is_dir()):
        raise TaskError(f"{source}: expected a file, got a pipe or device; save the examples in a file")
    if place.suffix in _TEXTS:
        document = _TEXTS[place.suffix](read_text(place.path), str(place.path))
    elif place.suffix in _WORKBOOKS:
        document = Document(sheet_rows(place.path, place.sheet))
    elif place.suffix == _PARQUET:
        document = Document(parquet_rows(place.path))
    else:
        raise TaskError(f"{source}: expected a file ending in {', '.join(SUFFIXES)}, got {_came(place.path)}")
    if not document.search:
        raise TaskError(f"{source}: expected at least one example, got an empty task")
    return document


def _came(path: Path) -> str:
    came = repr(path.suffix) if path.suffix else "no suffix"
    return f"{came}; save the workbook as .xlsx" if path.suffix.lower() in _OLD_WORKBOOKS else came


def parse_json(text: str, where: str) -> Document:
    """Parse a list of objects, ``{"examples": …}`` or ``{"search": …, "test": …}``.

    The last two may have a name, a metric and a description. ``where`` names the file in errors.

    Raises
    ------
    TaskError
        If the text is malformed.
    """
    content = _decode(text, where, first_line=1)
    if isinstance(content, list):
        return Document(_rows(content, where, ""))
    if isinstance(content, dict) and "search" in content:
        test = _rows(content["test"], where, "test ") if content.get("test") is not None else None
        return _headed(Document(_rows(content["search"], where, "search "), test), content, where)
    if isinstance(content, dict) and "examples" in content:
        numbered = isinstance(content["examples"], dict)
        return _headed(Document(_rows(content["examples"], where, ""), numbered=numbered), content, where)
    raise TaskError(
        f'{where}: expected a list of objects, {{"examples": [...]}} or {{"search": [...], "test": [...]}}, '
        f"got {_describe(content)}"
    )


def _describe(content: object) -> str:
    if isinstance(content, dict):
        return f"an object with {', '.join(map(repr, list(content)[:5])) or 'nothing in it'}"
    return f"a bare {'number' if isinstance(content, WrittenNumber) else type(content).__name__}"


def _headed(document: Document, content: Mapping[str, object], where: str) -> Document:
    """Return ``document`` with the name, metric and description that the file has next to its examples."""
    heading = {key: content.get(key) for key in ("name", "metric", "description")}
    for key, value in heading.items():
        if value is not None and not isinstance(value, str):
            raise TaskError(f"{where}: expected text as {key!r}, got {_describe(value)}")
    name, metric, description = (None if value is None else str(value) for value in heading.values())
    return replace(document, name=name, metric=metric, description=description or "")


def _rows(examples: object, where: str, part: str) -> tuple[Row, ...]:
    numbered = examples.items() if isinstance(examples, dict) else None
    if numbered is None and isinstance(examples, list):
        numbered = dict(enumerate(examples, start=1)).items()
    if numbered is None:
        raise TaskError(f"{where}: expected a list of {part}examples, got {_describe(examples)}")
    return tuple(_row(example, f"{where}, {part}example {number}") for number, example in numbered)


def _row(example: object, where: str) -> Row:
    if not isinstance(example, dict):
        form = '{"input": "…", "output": "…"}'
        raise TaskError(f"{where}: expected an object such as {form}, got {example!r:.60}")
    return Row(where, example)


def _parse_jsonl(text: str, where: str) -> Document:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            rows.append(_row(_decode(line, where, number), f"{where}, line {number}"))
    return Document(tuple(rows))


def _decode(text: str, where: str, first_line: int) -> object:
    """Parse JSON, with numbers as they are written ("3.50" stays "3.50") and NaN as null."""
    try:
        value = json.loads(text, parse_int=WrittenNumber, parse_float=WrittenNumber, parse_constant=lambda _: None)
        _check_depth(value)
        return value
    except json.JSONDecodeError as error:
        place = f"{where}, line {first_line + error.lineno - 1}, column {error.colno}"
        raise TaskError(f"{place}: expected JSON, got an error there ({error.msg})") from None
    except RecursionError:
        raise TaskError(f"{where}, line {first_line}: expected examples, got too deep a nesting") from None


def _check_depth(value: object) -> None:
    """Raise `RecursionError` for a nesting that the functions on JSON values cannot follow."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise RecursionError


_TEXTS: dict[str, Callable[[str, str], Document]] = {
    ".jsonl": _parse_jsonl,
    ".ndjson": _parse_jsonl,
    ".json": parse_json,
    ".csv": lambda text, where: Document(table_rows(text, where, ",")),
    ".tsv": lambda text, where: Document(table_rows(text, where, "\t")),
}
_DEEPEST = 100
_PARQUET = ".parquet"
_WORKBOOKS = (".xlsx", ".xlsm")
_OLD_WORKBOOKS = (".xls", ".xlsb", ".ods")
SUFFIXES = (*_TEXTS, _PARQUET, *_WORKBOOKS)
"""The suffixes of a task file; ``.gz`` may follow that of a text."""


def is_task_suffix(source: str | Path) -> bool:
    """Return True if a name ends as a task file does."""
    return FilePlace.of(source).suffix in SUFFIXES
