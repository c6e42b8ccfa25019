"""The prompt of the black box: messages with the fields ``{instruction}``, ``{input}`` and those of further columns.

The same template asks in the search, in the final test, and in everything that is exported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from instructzero.types import Example, Message

INSTRUCTION = "instruction"
INPUT = "input"
EXAMPLES = "examples"
"""The fields that are no columns: the instruction, the input as a whole, and the shots as text."""

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}\n]+)\}")


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    r"""Messages with fields in single braces; ``{{`` and ``}}`` stand for one brace.

    Parameters
    ----------
    messages
        The messages, in the order in which they are sent.

    >>> template = PromptTemplate((Message("system", "{instruction}"), Message("user", "Word: {input}")))
    >>> [message.content for message in template.render("Translate.", Example("cat", ("chat",)))]
    ['Translate.', 'Word: cat']
    """

    messages: tuple[Message, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in the order of their first use."""
        names = (match[1] for message in self.messages for match in _FIELD.finditer(message.content))
        return tuple(dict.fromkeys(name for name in names if name))

    def render(self, instruction: str, example: Example, shots: Sequence[Example] = ()) -> tuple[Message, ...]:
        """Return the messages for one example; ``shots`` are shown before its input, with their first answers.

        The shots are put where ``{examples}`` stands. Without this field they become earlier turns: the messages
        after the system messages, followed by the answer as the assistant's turn.
        """
        if EXAMPLES in self.fields or not shots:
            return tuple(self._filled(instruction, example, shots))
        turns = [message for message in self.messages if message.role != "system"]
        before = [message for message in self.messages if message.role == "system"]
        earlier = [
            message
            for shot in shots
            for message in (
                *PromptTemplate(tuple(turns))._filled(instruction, shot, ()),
                Message("assistant", shot.outputs[0]),
            )
        ]
        asked = PromptTemplate(tuple(turns))._filled(instruction, example, ())
        return (*PromptTemplate(tuple(before))._filled(instruction, example, ()), *earlier, *asked)

    def with_instruction(self, instruction: str) -> PromptTemplate:
        """Return the template with the instruction filled in; the fields of the inputs are left."""
        text = escaped(instruction)

        def keep(match: re.Match[str]) -> str:
            return text if match[1] == INSTRUCTION else match[0]

        return PromptTemplate(
            tuple(Message(message.role, _FIELD.sub(keep, message.content)) for message in self.messages)
        )

    def _filled(self, instruction: str, example: Example, shots: Sequence[Example]) -> Iterator[Message]:
        values: Mapping[str, str] = {INSTRUCTION: instruction, EXAMPLES: _shown(shots), **inputs_of(example)}
        for message in self.messages:
            yield Message(message.role, _fill(message.content, values))


DEFAULT = PromptTemplate((Message("user", "Instruction: {instruction}\n\n{examples}Input: {input}\n\nOutput:"),))
"""The paper's zero-shot template."""


def inputs_of(example: Example) -> dict[str, str]:
    """Return the values of an example by the field's name: its input, and its further columns as text."""
    columns = {name: _text(value) for name, value in example.columns.items()}
    return {**columns, INPUT: example.input}


def renderer(template: PromptTemplate, shots: Sequence[Example] = ()) -> Callable[[str, Example], tuple[Message, ...]]:
    """Return a function from instruction and example to messages."""
    return lambda instruction, example: template.render(instruction, example, shots)


def zero_shot(instruction: str, question: str) -> tuple[Message, ...]:
    """Return the messages of the default template for one input (the paper's zero-shot template)."""
    return DEFAULT.render(instruction, Example(question, ("",)))


def escaped(text: str) -> str:
    """Return the text with every brace doubled, so that a template holds it literally."""
    return text.replace("{", "{{").replace("}", "}}")


def _fill(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return values.get(match[1], match[0])

    return _FIELD.sub(value, text)


def _shown(shots: Sequence[Example]) -> str:
    return "".join(f"Input: {shot.input}\n\nOutput: {shot.outputs[0]}\n\n" for shot in shots)


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)
