"""A task's examples before they are split, and the conversion of rows to examples."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instructzero.errors import TaskError
from instructzero.tasks.cells import Accepted, bare, json_text, json_value, kind_of, shown_text, text_of
from instructzero.tasks.hints import nearest_hint
from instructzero.types import NO_CELLS, Cells, Example

_HALF = re.compile("[\ud800-\udfff]")


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


def input_text(cells: Mapping[str, object]) -> str:
    r"""Return the input of an example with several input columns: each with its name, one below the other.

    >>> input_text({"subject": "Late", "body": "Where is it?"})
    'subject: Late\nbody: Where is it?'
    """
    return "\n".join(f"{name}: {shown_text(cell)}" for name, cell in cells.items())


@dataclass(frozen=True)
class Row:
    """One record with its place, such as ``words.csv, line 3``, and its cells as JSON values."""

    where: str
    cells: Mapping[str, Any]

    @classmethod
    def of(cls, where: str, cells: Mapping[Any, object]) -> Row:
        """Return the row of a record that holds values of Python or of another library; see `json_value`."""
        return cls(where, {str(name): json_value(cell) for name, cell in cells.items()})


@dataclass(frozen=True)
class Columns:
    """The columns of the input and of the answers.

    Parameters
    ----------
    input, output
        Their names. ``answers.text`` names the key ``text`` inside the objects of the column ``answers``. An input of
        several columns is written ``subject,body``, unless a column has this name.
    separator
        Splits a text cell with several answers.
    objects
        True if an object or a list is one answer, as its JSON text: with the metric ``json``. Otherwise a list holds
        several accepted answers, and an object is refused.
    halves
        True if a text may hold half of a surrogate pair. Python programs can pass such texts to each other, but a file
        that has one is damaged.
    shown
        Columns that the prompt shows: rows with the same input must not differ in them.
    """

    input: str = "input"
    output: str = "output"
    separator: str | None = None
    objects: bool = False
    halves: bool = False
    shown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.separator == "":
            raise TaskError("expected an answer separator of one character or more, such as '|', got none")

    def example(self, row: Row) -> Example:
        """Return the row as an example, with the cells of its other columns.

        Raises
        ------
        TaskError
            If a column is missing or a cell holds no text.
        """
        inputs = {name: self._cell(row, name, "input_column") for name in self.inputs(row.cells)}
        text = self._input(inputs, row.where)
        output = "outputs" if self._is_own(row) else self.output
        answers = self._answers(self._cell(row, output, "output_column"), row.where, several=output != self.output)
        others = {name: bare(cell) for name, cell in row.cells.items() if name not in (self.input, output)}
        if len(inputs) > 1:
            others |= {name: bare(cell) for name, cell in inputs.items()}
        return Example(text, answers, Cells(others) if others else NO_CELLS)

    def inputs(self, names: Container[str]) -> tuple[str, ...]:
        """Return the names of the input's columns in a row with the columns ``names``."""
        parts = tuple(dict.fromkeys(map(str.strip, self.input.split(","))))
        return (self.input,) if self.input in names or not all(parts) else parts

    def _input(self, cells: Mapping[str, object], where: str) -> str:
        """Return the input: the text of its column, or the texts of its columns with their names."""
        if len(cells) == 1:
            ((name, cell),) = cells.items()
            return self._text(cell, where, name)
        for name, cell in cells.items():
            if cell is None:
                raise TaskError(f"{where}: expected text in {name!r}, got null; fill it in or remove the row")
        if not any(shown_text(cell).strip() for cell in cells.values()):
            raise TaskError(f"{where}: expected text in one of {self.input!r}, got empty cells; remove the row")
        return self._text(input_text(cells), where, self.input)

    def _is_own(self, row: Row) -> bool:
        """Return True for a row of the package's own task files, whose answers are a list under ``outputs``."""
        return self.output == "output" and "output" not in row.cells and "outputs" in row.cells

    def _cell(self, row: Row, column: str, setting: str) -> object:
        if column in row.cells:
            return row.cells[column]
        outer, dot, inner = column.rpartition(".")
        if dot and isinstance(held := row.cells.get(outer), Mapping) and inner in held:
            return held[inner]
        hint = nearest_hint(column, row.cells)
        there = ", ".join(map(repr, row.cells)) or "none"
        raise TaskError(
            f"{row.where}: expected a column {column!r}, got {there}{hint}; "
            f"name the right one as --{setting.replace('_', '-')} (in Python, {setting})"
        )

    def _answers(self, cell: object, where: str, *, several: bool) -> tuple[str, ...]:
        """Return the accepted answers in a cell; with ``several``, a list never is one answer."""
        several = several or isinstance(cell, Accepted) or not self.objects
        answers = [self._answer(item, where) for item in (cell if isinstance(cell, list) and several else [cell])]
        if self.separator is not None and isinstance(cell, str):
            answers = [part for part in map(str.strip, cell.split(self.separator)) if part]
        if not answers:
            raise TaskError(f"{where}: expected an answer in {self.output!r}, got none; remove the row")
        return tuple(dict.fromkeys(answers))

    def _answer(self, cell: object, where: str) -> str:
        if self.objects and isinstance(cell, dict | list):
            return json_text(cell)
        fix = "name a column with text, or use the metric json" if isinstance(cell, dict) else None
        return self._text(cell, where, self.output, fix)

    def _text(self, cell: object, where: str, column: str, fix: str | None = None) -> str:
        """Return a cell as text; refuse missing, empty and nested cells."""
        text = text_of(cell)
        if text is None or not text.strip():
            fix = fix or "fill it in or remove the row"
            raise TaskError(f"{where}: expected text in {column!r}, got {kind_of(cell)}; {fix}")
        if not self.halves and (half := _HALF.search(text)):
            raise TaskError(
                f"{where}: expected text in {column!r}, got half of a surrogate pair at character {half.start()}"
            )
        return text


def to_examples(rows: Iterable[Row], columns: Columns) -> tuple[Example, ...]:
    """Return the rows as examples.

    Rows with the same input become one example that accepts all their answers and has the columns of the first row.

    Raises
    ------
    TaskError
        If a row is faulty, lacks a column that the prompt shows and other rows have, or differs in it from an earlier
        row with the same input.
    """
    rows = tuple(rows)
    shown = [name for name in columns.shown if any(name in row.cells for row in rows)]
    merged: dict[str, Example] = {}
    for row in rows:
        _check_shown(row, shown)
        example = columns.example(row)
        first = merged.setdefault(input_key(example), example)
        if first is not example:
            _check_equal(first, example, shown, row.where, columns.input)
            outputs = tuple(dict.fromkeys((*first.outputs, *example.outputs)))
            merged[input_key(example)] = Example(first.input, outputs, first.columns)
    return tuple(merged.values())


def _check_shown(row: Row, shown: Iterable[str]) -> None:
    for name in shown:
        if row.cells.get(name) is None:
            raise TaskError(
                f"{row.where}: expected a value in {name!r}, which the prompt shows, got none; fill it in or remove "
                "the row"
            )


def _check_equal(first: Example, example: Example, shown: Iterable[str], where: str, inputs: str) -> None:
    for name in shown:
        if first.columns.get(name) != example.columns.get(name):
            raise TaskError(
                f"{where}: expected {name!r}, which the prompt shows, to be the same in all rows with the same input, "
                f"got another than in an earlier row; make it a part of the input with --input-column {inputs},{name}"
            )


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
