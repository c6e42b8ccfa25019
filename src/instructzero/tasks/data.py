"""A task's examples before they are split, and the conversion of a file's rows to examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from instructzero.errors import TaskError
from instructzero.tasks.hints import nearest_hint
from instructzero.types import Example


@dataclass(frozen=True)
class TaskData:
    """A task as it was loaded. No input occurs twice.

    Parameters
    ----------
    name
        The task's name.
    search
        The examples to search on.
    test
        The examples of the final test, or None if the task has no test part of its own.
    metric
        The specification of the task's metric, if the task names one.
    description
        One line for tables.

    Raises
    ------
    TaskError
        If a part is empty or an input occurs twice.
    """

    name: str
    search: tuple[Example, ...]
    test: tuple[Example, ...] | None = None
    metric: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        for part, examples in (("search", self.search), ("test", self.test)):
            if examples is not None and not examples:
                raise TaskError(f"task {self.name!r}: expected at least one {part} example, got none")
        keys = [input_key(example) for example in (*self.search, *(self.test or ()))]
        if len(set(keys)) < len(keys):
            raise TaskError(
                f"task {self.name!r}: expected every input once, got {len(keys) - len(set(keys))} repeated; "
                f"merge the answers of equal inputs and keep search and test apart"
            )


def input_key(example: Example) -> str:
    """Return the key by which two examples are the same question: the input without surrounding white space."""
    return example.input.strip()


@dataclass(frozen=True)
class Row:
    """One record of a file with its place, such as ``words.csv, line 3``."""

    where: str
    cells: Mapping[str, object]


@dataclass(frozen=True)
class Columns:
    """The columns of the input and of the answers; ``separator`` splits a text cell with several answers."""

    input: str = "input"
    output: str = "output"
    separator: str | None = None

    def __post_init__(self) -> None:
        if self.separator == "":
            raise TaskError("expected an answer separator of one character or more, such as '|', got none")

    def example(self, row: Row) -> Example:
        """Return the row as an example.

        Raises
        ------
        TaskError
            If a column is missing or a cell holds no text.
        """
        text = _text(self._cell(row, self.input), row.where, self.input)
        return Example(text, self._answers(row))

    def _cell(self, row: Row, column: str) -> object:
        if column == "output" and column not in row.cells:
            column = "outputs" if "outputs" in row.cells else column  # the package's own task files
        if column in row.cells:
            return row.cells[column]
        hint = nearest_hint(column, row.cells)
        there = ", ".join(map(repr, row.cells)) or "none"
        raise TaskError(f"{row.where}: expected a column {column!r}, got {there}{hint}")

    def _answers(self, row: Row) -> tuple[str, ...]:
        cell = self._cell(row, self.output)
        cells = cell if isinstance(cell, list) else [cell]
        answers = [_text(item, row.where, self.output) for item in cells]
        if self.separator is not None and not isinstance(cell, list):
            parts = (part.strip() for answer in answers for part in answer.split(self.separator))
            answers = [part for part in parts if part]
        if not answers:
            raise TaskError(f"{row.where}: expected an answer in {self.output!r}, got none; remove the row")
        return tuple(dict.fromkeys(answers))


def _text(cell: object, where: str, column: str) -> str:
    """Return a cell as text, booleans as in JSON; refuse missing, empty and nested cells."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    came = {type(None): "null", dict: "an object", list: "a list"}.get(type(cell))
    if came is None and not str(cell).strip():
        came = "an empty cell"
    if came is not None:
        raise TaskError(f"{where}: expected text in {column!r}, got {came}; fill it in or remove the row")
    try:
        str(cell).encode()
    except UnicodeEncodeError as error:
        raise TaskError(
            f"{where}: expected text in {column!r}, got half of a surrogate pair at character {error.start}"
        ) from None
    return str(cell)


def to_examples(rows: Iterable[Row], columns: Columns) -> tuple[Example, ...]:
    """Return the rows as examples; rows with the same input become one example that accepts all their answers."""
    merged: dict[str, Example] = {}
    for row in rows:
        example = columns.example(row)
        first = merged.setdefault(input_key(example), example)
        outputs = tuple(dict.fromkeys((*first.outputs, *example.outputs)))
        merged[input_key(example)] = Example(first.input, outputs)
    return tuple(merged.values())


def keep_apart(
    name: str, search: Sequence[Example], test: Sequence[Example] | None
) -> tuple[tuple[Example, ...], tuple[Example, ...] | None]:
    """Return both parts without the search examples whose input is in the test part; the test part stays whole.

    Raises
    ------
    TaskError
        If no search example is left.
    """
    if test is None:
        return tuple(search), None
    asked = {input_key(example) for example in test}
    kept = tuple(example for example in search if input_key(example) not in asked)
    if search and not kept:
        raise TaskError(
            f"task {name!r}: expected search inputs that the test part does not have, got none; "
            f"give a test file with other inputs, or none to split the examples"
        )
    return kept, tuple(test)
