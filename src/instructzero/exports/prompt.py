"""The messages of a run, with the places where the instruction and the fields of an input go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from instructzero.models.base import join_contents
from instructzero.prompts import DEFAULT, PromptTemplate
from instructzero.prompts.template import EXAMPLES, INPUT, INSTRUCTION
from instructzero.tasks.cells import shown_text
from instructzero.types import Example, Message


@dataclass(frozen=True, slots=True)
class Field:
    """The place of the instruction, or of a field of the input."""

    name: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A message whose content consists of texts and fields."""

    role: str
    pieces: tuple[str | Field, ...]

    def written(self, field: Callable[[str], str], text: Callable[[str], str] = str) -> str:
        """Return the content: ``field`` writes a field from its name, ``text`` writes the text between fields."""
        return "".join(field(piece.name) if isinstance(piece, Field) else text(piece) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages that are sent for one input, exemplars included.

    >>> print(Prompt.of(()).render("Translate.", "dog"))
    Instruction: Translate.
    <BLANKLINE>
    Input: dog
    <BLANKLINE>
    Output:
    """

    turns: tuple[Turn, ...]

    @classmethod
    def of(cls, exemplars: Sequence[Example], template: PromptTemplate = DEFAULT) -> Prompt:
        """Return the messages of ``template`` with ``exemplars``.

        The places are found by rendering the template with marks that occur in none of the texts.
        """
        names = [INSTRUCTION, *(name for name in template.fields if name not in (INSTRUCTION, EXAMPLES))]
        mark = _unused([str((template, list(exemplars), [dict(exemplar.columns) for exemplar in exemplars]))])
        marks = {name: f"<{mark}{number}>" for number, name in enumerate(names)}
        columns = {name: marks[name] for name in names if name not in (INSTRUCTION, INPUT)}
        asked = Example(marks.get(INPUT, ""), ("",), columns)
        return cls(
            tuple(
                Turn(message.role, tuple(_pieces(message.content, mark, names)))
                for message in template.render(marks[INSTRUCTION], asked, exemplars)
            )
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the input's fields, in the order of their first use."""
        found = (piece.name for turn in self.turns for piece in turn.pieces if isinstance(piece, Field))
        return tuple(dict.fromkeys(name for name in found if name != INSTRUCTION))

    @property
    def takes_text(self) -> bool:
        """True if an input is one text, and no dict of fields."""
        return self.fields in ((), (INPUT,))

    @property
    def is_simple(self) -> bool:
        """True if the prompt is one message of the user, and an input one text."""
        return [turn.role for turn in self.turns] == ["user"] and self.takes_text

    def messages(self, instruction: str, inputs: str | Mapping[str, str]) -> list[Message]:
        """Return the messages for an input, which is a text or a mapping of its fields."""
        row = {INPUT: inputs} if isinstance(inputs, str) else inputs
        values = {**row, INSTRUCTION: instruction}
        return [Message(turn.role, turn.written(values.__getitem__)) for turn in self.turns]

    def render(self, instruction: str, inputs: str | Mapping[str, str]) -> str:
        """Return the contents of the messages, separated by blank lines, as a model without roles reads them."""
        return join_contents(self.messages(instruction, inputs))


def values_of(example: Example, fields: Iterable[str]) -> dict[str, str]:
    """Return the texts of an example by field; a column that it lacks is empty."""
    columns = example.columns
    return {
        name: example.input if name == INPUT else shown_text(columns[name]) if name in columns else ""
        for name in fields
    }


def _unused(texts: Sequence[str]) -> str:
    """Return a mark that occurs in none of the texts."""
    mark = "#"
    while any(mark in text for text in texts):
        mark += "#"
    return mark


def _pieces(content: str, mark: str, names: Sequence[str]) -> list[str | Field]:
    """Divide a content at the marks: its texts, and between them the numbers of the fields."""
    parts = re.split(f"<{mark}([0-9]+)>", content)
    pieces = [Field(names[int(part)]) if number % 2 else part for number, part in enumerate(parts)]
    return [piece for piece in pieces if piece != ""]
