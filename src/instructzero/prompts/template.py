"""The prompt of the black box: messages with the fields ``{instruction}``, ``{input}`` and those of further columns.

The same template asks in the search, in the final test, and in everything that is exported.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from instructzero.errors import ConfigurationError, nearest
from instructzero.prompts.fields import braced, canonical, escaped, fill, names_in, replaced
from instructzero.prompts.parsing import messages_of
from instructzero.tasks.cells import shown_text
from instructzero.terminal import excerpt
from instructzero.types import Example, Message

INSTRUCTION = "instruction"
INPUT = "input"
EXAMPLES = "examples"
RESERVED = (INSTRUCTION, INPUT, EXAMPLES)
"""The fields that are no columns: the instruction, the input as a whole, and the shots as text."""


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    r"""Messages with fields in single braces; ``{{`` and ``}}`` stand for one brace.

    Parameters
    ----------
    messages
        The messages, in the order in which they are sent. Every single brace belongs to a field; `parse` takes texts
        with other braces.
    whole
        Names of the input that make an instruction a whole prompt: one that holds such a name in braces is sent as the
        user's message itself, with the input in this place, and not inside ``messages``.

    >>> template = PromptTemplate.parse("system: {instruction}\nuser: Word: {input}")
    >>> [message.content for message in template.render("Translate.", Example("cat", ("chat",)))]
    ['Translate.', 'Word: cat']
    """

    messages: tuple[Message, ...]
    whole: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, columns: Collection[str] = ()) -> PromptTemplate:
        """Return the template in a text; see `instructzero.prompts.parsing.messages_of` for its form.

        Parameters
        ----------
        text
            The text. Braces that are not around a name stay as they are.
        columns
            Names of columns that are fields although they have another form than a name, such as one with a space.

        Raises
        ------
        ConfigurationError
            If the text is no prompt, or has no place for the instruction or the input.
        """
        messages = messages_of(text)
        template = cls(tuple(Message(one.role, canonical(one.content, columns)) for one in messages))
        if INSTRUCTION not in template.fields:
            raise ConfigurationError(_missing("the instruction", INSTRUCTION, text))
        if set(template.fields) <= {INSTRUCTION, EXAMPLES}:
            raise ConfigurationError(_missing("the input or a column of it", INPUT, text))
        return template

    def text(self) -> str:
        """Return the text that `parse` reads as this template: lines with roles, or else a JSON list."""
        lines = "\n".join(f"{message.role}: {message.content}" for message in self.messages)
        with contextlib.suppress(ConfigurationError):  # a content may look like messages itself
            if messages_of(lines) == self.messages:
                return lines
        listed = [{"role": message.role, "content": message.content} for message in self.messages]
        return json.dumps(listed, ensure_ascii=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in the order of their first use."""
        return tuple(dict.fromkeys(name for message in self.messages for name in names_in(message.content)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields that are columns of the example, in the order of their first use."""
        return tuple(name for name in self.fields if name not in RESERVED)

    def render(self, instruction: str, example: Example, shots: Sequence[Example] = ()) -> tuple[Message, ...]:
        """Return the messages for one example; ``shots`` are shown before its input, with their first answers.

        The shots are put where ``{examples}`` stands. Without this field they become earlier turns: the messages from
        the first one with an input on, followed by the answer as the assistant's turn. A system message without text is
        left out, because services refuse it.

        Raises
        ------
        ConfigurationError
            If the example lacks a column.
        """
        template = self.for_instruction(instruction)
        if template is not self:
            return template.render(instruction, example, shots)
        if not shots or EXAMPLES in self.fields:
            return _filled(self.messages, instruction, example, shots)
        start = self._first_turn()
        turns = self.messages[start:]
        earlier = [
            message
            for shot in shots
            for message in (*_filled(turns, instruction, shot), Message("assistant", shot.outputs[0]))
        ]
        before = _filled(self.messages[:start], instruction, example)
        return (*before, *earlier, *_filled(turns, instruction, example))

    def for_instruction(self, instruction: str) -> PromptTemplate:
        """Return this template, or the instruction itself as the template if it is a whole prompt; see ``whole``.

        >>> [message.content for message in DEFAULT.for_instruction('As {"json": 1}: {input}').messages]
        ['As {{"json": 1}}: {input}']
        """
        if not self.whole or "{" not in instruction:  # asked for every question
            return self
        names = "|".join(map(re.escape, self.whole))
        parts = re.split(rf"(?<!\{{)\{{(?:{names})\}}(?!\}})", instruction)
        if len(parts) == 1:
            return self
        return PromptTemplate((Message("user", f"{{{INPUT}}}".join(map(escaped, parts))),))

    def with_instruction(self, instruction: str) -> PromptTemplate:
        """Return the template with the instruction filled in; the fields of the inputs are left."""
        return self.for_instruction(instruction)._replaced({INSTRUCTION: escaped(instruction)})

    def with_input_named(self, column: str) -> PromptTemplate:
        """Return the template with ``{input}`` instead of the field of the column that is the whole input."""
        return self if column in RESERVED else self._replaced({column: f"{{{INPUT}}}"})

    def _replaced(self, texts: Mapping[str, str]) -> PromptTemplate:
        def text(name: str) -> str:
            return texts.get(name, f"{{{name}}}")

        return PromptTemplate(tuple(Message(one.role, replaced(one.content, text)) for one in self.messages))

    def _first_turn(self) -> int:
        """Return the place of the first message that asks about an input, after a system message."""
        first = 1 if self.messages[0].role == "system" else 0
        places = range(first, len(self.messages))
        return next((place for place in places if set(names_in(self.messages[place].content)) - _NO_INPUTS), first)


_NO_INPUTS = {INSTRUCTION, EXAMPLES}

DEFAULT = PromptTemplate(
    (Message("user", "Instruction: {instruction}\n\n{examples}Input: {input}\n\nOutput:"),), whole=(INPUT,)
)
"""The paper's zero-shot template. An instruction with a place for the input is a whole prompt beside it."""


def renderer(template: PromptTemplate, shots: Sequence[Example] = ()) -> Callable[[str, Example], tuple[Message, ...]]:
    """Return a function from instruction and example to messages."""
    return lambda instruction, example: template.render(instruction, example, shots)


def zero_shot(instruction: str, question: str) -> tuple[Message, ...]:
    """Return the messages of the default template for one input (the paper's zero-shot template)."""
    return DEFAULT.render(instruction, Example(question, ("",)))


def _filled(
    messages: Sequence[Message], instruction: str, example: Example, shots: Sequence[Example] = ()
) -> tuple[Message, ...]:
    def value(name: str) -> str:
        if name == INPUT:
            return example.input
        if name == INSTRUCTION:
            return instruction
        return _shown(shots) if name == EXAMPLES else _cell(example, name)

    filled = [Message(message.role, fill(message.content, value)) for message in messages]
    return tuple([message for message in filled if message.role != "system" or message.content.strip()])


def _cell(example: Example, column: str) -> str:
    found = example.columns.get(column)
    if found is None:
        raise ConfigurationError(
            f"expected a value for the field {{{column}}} of the prompt, got none for the input {example.input!r:.60}; "
            "give an example with this column"
        )
    return shown_text(found)


def _shown(shots: Sequence[Example]) -> str:
    return "".join(f"Input: {shot.input}\n\nOutput: {shot.outputs[0]}\n\n" for shot in shots)


def _missing(what: str, name: str, text: str) -> str:
    return f"expected a place for {what} in --prompt, got “{excerpt(text, 40)}” without {{{name}}}; {_fix(name, text)}"


def _fix(name: str, text: str) -> str:
    """Return how to correct a text without a field."""
    if f"{{{name}}}" in text.replace(" ", ""):
        return f"write {{{name}}} with single braces and without spaces"
    lower = {one.lower(): one for one in sorted(braced(text))}
    if near := nearest(name, lower):
        return f"write {{{name}}} instead of {{{lower[near]}}}"
    fix = f"put {{{name}}} where it belongs"
    return fix if name != INSTRUCTION else f"{fix}, instead of the part to improve, and give that part as --start"
