"""Read .jsonl, .json, .csv and .tsv files into rows. Errors name the file and the line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from instructzero.errors import TaskError
from instructzero.tasks.data import Row

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LARGEST_FIELD = 2**31 - 1  # the largest C long on every platform


@dataclass(frozen=True)
class Document:
    """The content of a file. ``numbered`` marks the form of the benchmark, whose examples are an object."""

    search: tuple[Row, ...]
    test: tuple[Row, ...] | None = None
    name: str | None = None
    metric: str | None = None
    description: str = ""
    numbered: bool = False


def read_document(path: Path) -> Document:
    """Read the file ``path`` in the format of its suffix.

    Raises
    ------
    TaskError
        If the file is missing, unreadable, malformed or empty.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        came = repr(path.suffix) if path.suffix else "no suffix"
        raise TaskError(f"{path}: expected a file ending in {', '.join(_READERS)}, got {came}")
    document = reader(_read_text(path), str(path))
    if not document.search:
        raise TaskError(f"{path}: expected at least one example, got an empty task")
    return document


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise TaskError(f"{path}: expected a file, got none there; check the path") from None
    except (OSError, ValueError) as error:
        raise TaskError(f"{path}: expected a readable file, got {error}") from None
    try:
        return data.removeprefix(_BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, position) + 1
        raise TaskError(
            f"{path}: expected UTF-8, got byte 0x{data[position]:02x} at position {position} (line {line}); "
            f"save the file as UTF-8"
        ) from None


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
    return f"a bare {type(content).__name__}"


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
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        place = f"{where}, line {first_line + error.lineno - 1}, column {error.colno}"
        raise TaskError(f"{place}: expected JSON, got an error there ({error.msg})") from None
    except RecursionError:
        raise TaskError(f"{where}, line {first_line}: expected examples, got too deep a nesting") from None


def _parse_table(text: str, where: str, delimiter: str) -> Document:
    with _large_fields():
        lines = _numbered_lines(text, where, delimiter)
        header = [name.strip() for name in next(lines, (1, []))[1]]
        if len(set(header)) < len(header):
            names = ", ".join(map(repr, header))
            raise TaskError(f"{where}, line 1: expected column names that differ, got {names}")
        rows = (_table_row(header, cells, f"{where}, line {number}") for number, cells in lines)
        return Document(tuple(rows))


def _table_row(header: list[str], cells: list[str], where: str) -> Row:
    if len(cells) != len(header):
        raise TaskError(
            f"{where}: expected {len(header)} cells, as the header has, got {len(cells)}; "
            f"put a cell that holds the delimiter between double quotes"
        )
    return Row(where, dict(zip(header, cells, strict=True)))


def _numbered_lines(text: str, where: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the table that are not blank, with the number of the line on which the row starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
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


@contextmanager
def _large_fields() -> Iterator[None]:
    """Raise the limit of the csv module, which is global, while a table is read."""
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


_READERS: dict[str, Callable[[str, str], Document]] = {
    ".jsonl": _parse_jsonl,
    ".json": parse_json,
    ".csv": lambda text, where: _parse_table(text, where, ","),
    ".tsv": lambda text, where: _parse_table(text, where, "\t"),
}
SUFFIXES = tuple(_READERS)
