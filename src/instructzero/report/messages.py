"""One question of the run as it is sent to the black box: its messages, its parameters, and the whole request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from instructzero.errors import ConfigurationError
from instructzero.exports.asking import Asking
from instructzero.exports.shell import body
from instructzero.finished_run import FinishedRun
from instructzero.prompts import template_of
from instructzero.records.identity import columns_of
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import TEXT_LENGTHS, cut
from instructzero.report.sections import table
from instructzero.report.source import Record, Source
from instructzero.types import Example, Message

_SHOWN = TEXT_LENGTHS[0]
_ANSWER = 2000  # characters of an answer

_SERVICES = ("openai", "anthropic")


def messages_of(source: Source) -> Record:
    """Return the question with the best instruction and the first test example.

    While the run is in progress, it is the first validation example.

    Returns
    -------
    ``messages``, in order. ``example``: the part of the data, the accepted ``outputs`` and the ``answer`` of the black
    box (None if it is not known); None instead of all of them if the examples are not known, so that the names of the
    fields stand for their values. ``parameters`` by name. ``request``: the body of the request as JSON text; None if
    the black box is not behind an API.
    """
    example = _example(source)
    sent = _messages(source, example)
    asking = _asking(source)
    return {
        "filled": example is not None,
        "example": None if example is None else _described(source, example),
        "shots": source.settings.shots,
        "messages": [{"role": message.role, "content": message.content} for message in sent],
        "parameters": _parameters(source, asking),
        "request": _request(asking, sent),
    }


def _part(source: Source) -> str:
    return "validation" if source.result is None else "test"


def _example(source: Source) -> Example | None:
    examples: Sequence[Example] = () if source.task is None else getattr(source.task, _part(source))
    return examples[0] if examples else None


def _described(source: Source, example: Example) -> Record:
    evaluations = source.known if source.result is None else source.history.tests
    found = evaluations.get(source.best or "")
    return {
        "part": _part(source),
        "outputs": list(example.outputs),
        "answer": found.predictions[0] if found else None,
        "score": found.scores[0] if found else None,
    }


def _messages(source: Source, example: Example | None) -> tuple[Message, ...]:
    template = template_of(source.settings, columns_of(source.header))
    instruction = "{instruction}" if source.best is None else source.best
    if example is None or source.task is None:
        names = Example("{input}", ("",), {name: f"{{{name}}}" for name in template.columns})
        return template.render(instruction, names)
    return template.render(instruction, example, source.task.exemplars[: source.settings.shots])


def _asking(source: Source) -> Asking | None:
    """Return the way the black box was asked; None without an instruction, or if the exemplars are gone."""
    if source.best is None:
        return None
    run = FinishedRun(Path(source.name), source.settings, source.history, {"instruction": source.best})
    try:
        return Asking.of(run, source.task)
    except ConfigurationError:
        return None


def _parameters(source: Source, asking: Asking | None) -> Record:
    settings = source.settings
    parameters: Record = {"model": settings.blackbox}
    if asking is not None:
        kinds = {"address": asking.endpoint, "form": "chat messages" if asking.chat else "one text, without roles"}
        parameters |= {name: value for name, value in kinds.items() if value}
    if settings.scoring == "loglikelihood":
        return {**parameters, "scored by": "the likelihood of the accepted answers; nothing is generated"}
    return {**parameters, "maximum tokens": settings.answer_tokens, "temperature": settings.temperature}


def _request(asking: Asking | None, sent: Sequence[Message]) -> str | None:
    if asking is None or asking.kind not in _SERVICES:
        return None
    return json.dumps(body(asking, sent), indent=2, ensure_ascii=False)


def messages(data: Record) -> Html:
    """Render the messages below their roles, the parameters, and the request."""
    shown = data["messages"]
    return join(
        tag("p", _introduction(shown)),
        *(_message(message) for message in shown["messages"]),
        *_outcome(shown["example"]),
        table(
            ("parameter", "value"), [(name, _value(value)) for name, value in shown["parameters"].items()], "Sent with"
        ),
        *_body(shown["request"]),
    )


def _introduction(shown: Record) -> str:
    example = shown["example"]
    if example is None:
        return (
            "One question to the black box with the best instruction. The examples are not available, so the names of "
            "the fields stand in for the values of an example."
        )
    shots = f", after {shown['shots']:,} exemplar{'s' * (shown['shots'] != 1)}" if shown["shots"] else ""
    return (
        "One question to the black box, exactly as it is sent: the best instruction with the first "
        f"{example['part']} example{shots}."
    )


def _message(message: Record) -> Html:
    return tag("div", tag("h3", message["role"]), *_copied(message["content"]), class_="message")


def _copied(text: str) -> Iterator[Html]:
    """Yield a text and its button; a text that is too long for the page has none."""
    yield foreign(cut(text, _SHOWN), "pre", tabindex="0")
    if len(text) <= _SHOWN:
        yield tag("button", "Copy", type="button", hidden=True)


def _outcome(example: Record | None) -> Iterator[Html]:
    if example is None or example["answer"] is None:
        return
    accepted = join(*_alternatives(example["outputs"]))
    yield tag("h3", "The answer")
    yield foreign(cut(example["answer"], _ANSWER) or "(empty)", "pre", tabindex="0")
    yield tag("p", f"It scores {example['score']:.3f}. Accepted: ", accepted, ".")


def _alternatives(outputs: Sequence[str]) -> list[str]:
    words: list[str] = []
    for output in outputs[:5]:
        words += [*([" or "] if words else []), foreign(cut(output, _ANSWER) or "(empty)")]
    return words


def _value(value: object) -> Html:
    return foreign(str(value))


def _body(request: str | None) -> Iterator[Html]:
    if request is not None:
        summary = tag("summary", "The whole request as JSON")
        yield tag("details", summary, tag("div", *_copied(request), class_="request"))
