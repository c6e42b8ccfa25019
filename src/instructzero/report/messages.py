"""One question of the run, as its messages are sent to the black box."""

from __future__ import annotations

from instructzero.prompts import template_of
from instructzero.records.identity import columns_of
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import TEXT_LENGTHS, cut
from instructzero.report.source import Record, Source
from instructzero.types import Example, Message

_SHOWN = TEXT_LENGTHS[1]


def messages_of(source: Source) -> Record:
    """Return the ``messages`` with which the best instruction is asked about the first validation example.

    ``filled`` is False if the examples are not known: the names of the fields then stand for their values.
    """
    sent = _messages(source)
    return {
        "filled": source.task is not None,
        "messages": [{"role": message.role, "content": message.content} for message in sent],
    }


def _messages(source: Source) -> tuple[Message, ...]:
    template = template_of(source.settings, columns_of(source.header))
    instruction = "{instruction}" if source.best is None else source.best
    if source.task is None:
        names = Example("{input}", ("",), {name: f"{{{name}}}" for name in template.columns})
        return template.render(instruction, names)
    shots = source.task.exemplars[: source.settings.shots]
    return template.render(instruction, source.task.validation[0], shots)


def messages(data: Record) -> Html:
    """Render the messages below their roles."""
    shown = data["messages"]
    example = "the first validation example" if shown["filled"] else "the names of its fields for an example"
    return join(
        tag("p", f"One question to the black box, with the best instruction and {example}."),
        *(
            tag("div", tag("h3", message["role"]), foreign(cut(message["content"], _SHOWN), "pre"), class_="message")
            for message in shown["messages"]
        ),
    )
