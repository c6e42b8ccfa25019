"""The messages in the text of a prompt, as a user writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instructzero.errors import ConfigurationError
from instructzero.types import Message

ROLES = ("system", "user", "assistant")

_ROLE_LINE = re.compile(rf"^({'|'.join(ROLES)}):[^\S\n]*\n?", re.MULTILINE)
_LIST = re.compile(rf"\s*(?:\[\s*\{{\s*\"|-\s+(?:role|content|{'|'.join(ROLES)})\s*:)")
_OBJECT = re.compile(r"\s*(?:\{\s*\"messages\"|messages)\s*:\s*(?:\[|\n\s*-\s)")
_OTHER_CASE = re.compile(r"\s*(system):[^\n]*\n", re.IGNORECASE)
_FORM = "messages such as {role: user, content: TEXT} or {user: TEXT}"


def messages_of(text: str) -> tuple[Message, ...]:
    r"""Return the messages of a prompt.

    Lines that begin with ``system:``, ``user:`` or ``assistant:`` begin a message, whose content stands on the same
    line or below; blank lines around it are left out. A text without such lines is one user message. A YAML or JSON
    list of messages is accepted too.

    Raises
    ------
    ConfigurationError
        If the text is not a prompt, or its messages are not in an order that models accept.

    >>> messages_of("system: Be brief.\nuser:\n{instruction} {input}")[1]
    Message(role='user', content='{instruction} {input}')
    """
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise ConfigurationError("expected a text for --prompt, got none; write one, or leave --prompt out")
    if _OBJECT.match(text):
        raise ConfigurationError(
            "expected a list of messages in --prompt, got an object with the key messages; give the list alone"
        )
    messages = tuple(_listed(text) if _LIST.match(text) else _by_lines(text))
    _check(messages)
    return messages


def _by_lines(text: str) -> Iterator[Message]:
    marks = list(_ROLE_LINE.finditer(text))
    if not marks:
        if found := _OTHER_CASE.match(text):
            raise ConfigurationError(
                f"expected the roles in --prompt in lower case, such as {found[1].lower()}:, got {found[1]}:; correct "
                "it, or begin with a line user: if it is text"
            )
        yield Message("user", text)
        return
    if before := text[: marks[0].start()].strip():
        raise ConfigurationError(
            f"expected the --prompt to begin with a line such as system: or user:, because it has the line "
            f"{marks[0][1]}:, got {before[:40]!r} before it; name the role of this text, or give a list of messages"
        )
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        yield Message(mark[1], text[mark.end() : end].strip("\n"))


def _listed(text: str) -> Iterator[Message]:
    """Yield the messages of a YAML or JSON list."""
    listed = _json(text)
    for number, item in enumerate(_yaml(text) if listed is None else listed, start=1):
        yield _message(item, number)


def _json(text: str) -> list[Any] | None:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) else None


def _yaml(text: str) -> Sequence[Any]:
    """Return a list in YAML; the line break that ends a block of text is left out."""
    from instructzero.config.yaml_text import YamlFault, read_yaml

    try:
        items = read_yaml(text)
    except YamlFault as fault:
        raise ConfigurationError(
            f"expected --prompt to be a YAML or JSON list of messages, because it begins like one, got {fault}; "
            "correct it, or begin with a line user:"
        ) from None
    return [
        {key: value.removesuffix("\n") if isinstance(value, str) else value for key, value in item.items()}
        if isinstance(item, Mapping)
        else item
        for item in items
    ]


def _message(item: Any, number: int) -> Message:
    if isinstance(item, Mapping) and item.keys() == {"role", "content"}:
        role, content = item["role"], item["content"]
    elif isinstance(item, Mapping) and len(item) == 1:
        ((role, content),) = item.items()
    else:
        raise ConfigurationError(f"expected {_FORM} in --prompt, got {item!r:.60} as message {number}; correct it")
    if role not in ROLES or not isinstance(content, str):
        fix = "put quotes around a text with braces" if isinstance(content, Mapping) else "correct it"
        raise ConfigurationError(
            f"expected {_FORM} in --prompt, with a role of {', '.join(ROLES)}, got the role {role!r:.40} and the "
            f"content {content!r:.40} as message {number}; {fix}"
        )
    return Message(role, content)


def _check(messages: Sequence[Message]) -> None:
    for message in messages:
        if not message.content.strip():
            raise ConfigurationError(f"expected a text after {message.role}: in --prompt, got none; write one")
    if any(message.role == "system" for message in messages[1:]):
        raise ConfigurationError(
            "expected at most one system message in --prompt, as the first, got another; join them, or make it user:"
        )
    if not messages or messages[-1].role != "user":
        came = f"one of the role {messages[-1].role}" if messages else "none"
        answered = messages and messages[-1].role == "assistant"
        fix = "put the beginning of an answer into the user message" if answered else "add a message that begins user:"
        raise ConfigurationError(
            f"expected the last message of --prompt to be the user's, which the model answers, got {came}; {fix}"
        )
