"""Requests to a server that continues embeddings, independent of the server's protocol.

Notation: t soft tokens, h hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from instructzero.models.service import Reply, Service


@dataclass(frozen=True, slots=True)
class Order:
    """The parameters that all requests of a round share: model, maximum number of tokens, tokens that end a text."""

    model: str
    max_tokens: int
    stop: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A server's text, and the ids of its tokens; None where the server does not return them."""

    text: str
    ids: tuple[int, ...] | None


class Dialect(Protocol):
    """The protocol of one kind of server.

    Parameters
    ----------
    backend
        The name in the writer's identity.
    default_url
        The server's usual address on this machine.
    variable
        The environment variable of the key.
    path
        The path that continues prompts.
    command
        The command that serves a model.
    flags
        The flags without which the server refuses embeddings.
    refusal
        A part of the message with which it refuses them.
    """

    backend: str
    default_url: str
    variable: str
    path: str
    command: str
    flags: str
    refusal: str

    def frame(self, order: Order, head: Tensor, tail: Tensor) -> Callable[[Tensor], bytes]:
        """Return a function from embeddings (t, h) between ``head`` and ``tail`` to the body of a request."""
        ...

    def tokens(self, order: Order, ids: Sequence[int]) -> bytes:
        """Return the body of a request that continues tokens."""
        ...

    def read(self, reply: Reply, service: Service) -> Written:
        """Read a reply with status 200; raise `TransientError` if it holds no text."""
        ...


def token_ids(value: object) -> tuple[int, ...] | None:
    """Return the token ids in a reply, or None if ``value`` is not a list of ids."""
    if isinstance(value, list) and all(type(token) is int and token >= 0 for token in value):
        return tuple(value)
    return None
