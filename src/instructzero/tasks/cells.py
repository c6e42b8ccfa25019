"""The cells of a row as JSON values, whatever library they come from, and their text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

_MISSING = ("NAType", "NaTType")  # of pandas, told by name: pandas itself is not imported
_LARGEST_WHOLE = 2**53  # beyond it, a float does not stand for one whole number


class WrittenNumber(str):
    """A number in the form in which a JSON file has it, so that an answer "3.50" stays "3.50"."""

    @property
    def value(self) -> int | float:
        """The number."""
        return float(self) if set(self) & set(".eE") else int(self)


class Accepted(list[Any]):
    """Several accepted answers, also where another list would be one answer."""


def json_value(cell: object) -> Any:
    """Return a cell as a JSON value: missing numbers as None, dates and decimals as text, arrays as lists.

    A cell that has no such form comes back as it is.

    >>> json_value((1, float("nan"), Decimal("3.50")))
    [1, None, '3.50']
    """
    if isinstance(cell, Enum):
        return json_value(cell.value)
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    if type(cell).__name__ in _MISSING or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, float):
        return float(cell)
    if isinstance(cell, Mapping):
        return {str(name): json_value(value) for name, value in cell.items()}
    if isinstance(cell, Accepted):
        return Accepted(map(json_value, cell))
    if isinstance(cell, list | tuple | set | frozenset):
        return [json_value(value) for value in (sorted(cell, key=str) if isinstance(cell, set | frozenset) else cell)]
    if isinstance(cell, date | time | Decimal):
        return _written(cell)
    if hasattr(cell, "tolist"):  # an array, a tensor, or one number of them
        return json_value(cell.tolist())
    return cell


def _written(cell: date | time | Decimal) -> str:
    if isinstance(cell, Decimal):
        return str(cell)
    if isinstance(cell, datetime) and cell.time() == time():  # spreadsheets have no date without a time
        return cell.date().isoformat()
    return cell.isoformat()


def bare(value: Any) -> Any:
    """Return a JSON value with numbers instead of `WrittenNumber`."""
    if isinstance(value, WrittenNumber):
        return value.value
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items()}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def json_text(value: object) -> str:
    """Return an object or a list as JSON text, as an accepted answer of the metric ``json``."""
    return json.dumps(bare(value), ensure_ascii=False, default=lambda inner: None)


def text_of(cell: object) -> str | None:
    """Return the text of a cell, or None if it holds none: booleans as in JSON, whole numbers without a fraction.

    >>> text_of(True), text_of(3.0), text_of(2.5), text_of([1]) is None
    ('true', '3', '2.5', True)
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _LARGEST_WHOLE:
        return str(int(cell))
    return str(cell) if isinstance(cell, str | int | float) else None


def shown_text(cell: object) -> str:
    """Return the text of a cell in a prompt: an object or a list as JSON.

    >>> shown_text("a"), shown_text(3.0), shown_text(["a", None])
    ('a', '3', '["a", null]')
    """
    text = text_of(cell)
    return json_text(cell) if text is None else text


def kind_of(cell: object) -> str:
    """Return the words for a cell without text in an error message."""
    named = {type(None): "null", dict: "an object", list: "a list", Accepted: "a list"}.get(type(cell))
    if named is None:
        named = "an empty cell" if text_of(cell) is not None else f"a value of type {type(cell).__name__}"
    return named
