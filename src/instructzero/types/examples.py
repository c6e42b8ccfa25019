"""The examples of a task."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


class Cells(Mapping[str, Any]):
    """The further columns of an example: an immutable, hashable mapping of names to JSON values.

    Every access decodes a value of its own, so that nobody can change it. What JSON does not know becomes None.

    >>> Cells({"tests": ["f(1) == 2"]})["tests"]
    ['f(1) == 2']
    """

    __slots__ = ("_text",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._text = json.dumps(dict(values or {}), default=lambda value: None)

    def __getitem__(self, name: str) -> Any:
        return json.loads(self._text)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(json.loads(self._text))

    def __len__(self) -> int:
        return len(json.loads(self._text))

    def __hash__(self) -> int:
        return hash(frozenset(self))  # equal mappings may differ in the order of their columns

    def __repr__(self) -> str:
        return f"Cells({json.loads(self._text)!r})"


NO_CELLS = Cells()


@dataclass(frozen=True, slots=True)
class Example:
    """One input of a task with every accepted answer.

    Parameters
    ----------
    input
        The input.
    outputs
        The accepted answers.
    columns
        The other columns of the row by name, as JSON values, for metrics that read them. A mapping becomes `Cells`.

    Raises
    ------
    ValueError
        If there is no accepted answer.

    >>> Example("cat", ("chat", "un chat")).outputs[0]
    'chat'
    >>> Example("cat", ("chat",), {"kind": "noun"}).columns["kind"]
    'noun'
    """

    input: str
    outputs: tuple[str, ...]
    columns: Mapping[str, Any] = field(default=NO_CELLS, repr=False)

    def __post_init__(self) -> None:
        if not self.outputs:
            raise ValueError(f"expected at least one accepted answer for input {self.input!r}, got none")
        if not isinstance(self.columns, Cells):
            object.__setattr__(self, "columns", Cells(self.columns))
