"""Messages as the turns that a chat template shows. Templates differ in the roles and orders that they take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from instructzero.models.base import join_contents
from instructzero.types import Message

_MARKS = ("<<<first>>>", "<<<second>>>")

Render = Callable[[Sequence[Message]], str]
"""A function from messages to the text of a chat template, which may raise any exception."""


@dataclass(frozen=True, slots=True)
class Turns:
    """What a chat template shows of several messages; `of` finds it out.

    Parameters
    ----------
    separate
        It shows where a message ends.
    system
        It shows a system message.
    repeated
        It shows two messages of one role in a row.
    """

    separate: bool
    system: bool
    repeated: bool

    @classmethod
    def of(cls, render: Render) -> Turns:
        """Return what the template behind ``render`` shows, from three short texts."""
        return cls(
            _shows(render, "user", "assistant", "user") is not False,
            _shows(render, "system", "user") is True,
            _shows(render, "user", "user") is True,
        )

    def fitted(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return the messages in a form that the template shows in full; one user message stays as it is."""
        if len(messages) > 1 and not self.separate:
            return [Message("user", join_contents(messages))]
        if messages[0].role == "system" and not self.system:
            messages = [Message("user", messages[0].content), *messages[1:]]
            if messages[1:] and messages[1].role == "user":
                messages = [_joined(messages[:2]), *messages[2:]]
        if not self.repeated:
            messages = [_joined(list(run)) for _, run in groupby(messages, key=lambda message: message.role)]
        return messages

    def remarks(self, messages: Sequence[Message], name: str) -> list[str]:
        """Return how `fitted` changes ``messages`` for the model ``name``, one sentence each."""
        if len(messages) > 1 and not self.separate:
            return [without_roles(name)]
        remarks = []
        if messages[0].role == "system" and not self.system:
            remarks.append(
                f"the chat template of {name} has no system role: the system message is sent at the beginning of the "
                "user's turn"
            )
        roles = [message.role for message in messages]
        if not self.repeated and any(role == following for role, following in pairwise(roles)):
            remarks.append(
                f"the chat template of {name} takes no two messages of one role in a row: they are sent as one"
            )
        return remarks


def without_roles(name: str) -> str:
    """Return the sentence about a model for which `join_contents` makes one text of several messages."""
    return f"{name} reads one text without roles: the messages of the prompt are sent with blank lines between them"


def _shows(render: Render, *roles: str) -> bool | None:
    """Return True if the first two of these messages are both shown and apart; None if the template refuses them."""
    messages = [Message(role, mark) for role, mark in zip(roles, (*_MARKS, _MARKS[0]), strict=False)]
    with contextlib.suppress(Exception):  # templates are programs and may raise anything
        text = render(messages)
        return all(mark in text for mark in _MARKS) and "".join(_MARKS) not in text
    return None


def _joined(messages: Sequence[Message]) -> Message:
    return Message(messages[0].role, join_contents(messages))
