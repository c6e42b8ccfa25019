"""What is asked of a server that continues embeddings, whichever words it is asked in.

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
    """What every request of a round asks: of which model, at most how many tokens, ended by which."""

    model: str
    max_tokens: int
    stop: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What a server wrote: the ids of the new tokens, or the text where it does not say them."""

    text: str
    ids: tuple[int, ...] | None


class Dialect(Protocol):
    """How one kind of server is spoken to.

    ``variable`` is where its key is read from, ``path`` where it continues prompts, ``command`` what starts it on a
    model, ``flags`` what it must be started with to take embeddings, and ``refusal`` a part of what it says if it was
    not.
    """

    backend: str
    default_url: str
    variable: str
    path: str
    command: str
    flags: str
    refusal: str

    def frame(self, order: Order, head: Tensor, tail: Tensor) -> Callable[[Tensor], bytes]:
        """What makes the body of a request from embeddings (t, h) that stand between ``head`` and ``tail``."""
        ...

    def tokens(self, order: Order, ids: Sequence[int]) -> bytes:
        """The body of a request that continues tokens as they are."""
        ...

    def read(self, reply: Reply, service: Service) -> Written:
        """What a reply with status 200 says; raises `TransientError` if it says nothing."""
        ...


def token_ids(value: object) -> tuple[int, ...] | None:
    """Ids in a reply; None for what are none."""
    if isinstance(value, list) and all(type(each) is int and each >= 0 for each in value):
        return tuple(value)
    return None
