"""Greedy decoding of many rows at once, with a preallocated cache from which finished rows are dropped.

Notation: n rows, p prefix length, s sequence length, h hidden size, V vocabulary size.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from instructzero.models.llama import KeysAndValues, LlamaPass, is_plain_llama
from instructzero.models.network import Network
from instructzero.models.prefix import cache_argument, can_share
from instructzero.models.roomy import RoomyCache
from instructzero.models.stepping import Steps, takes

_COMPACT = 0.75
"""The share of unfinished rows below which the finished ones are dropped from the cache, by copying it."""

_READ_AT_ONCE = {"cuda": 16384}
_READ_AT_ONCE_ELSEWHERE = 1024
"""Positions of prompts in one forward pass, by device; more are not faster, and take memory."""

_LOOK_EVERY = 8
"""Tokens between two checks of the text; a check costs about as much as a row's share of one token."""

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""The decoder's output for bytes that are not a character, or not yet a complete one."""


@dataclass(frozen=True)
class Prefix:
    """A prefix that rows share: its embeddings (p, h), and the keys and values of all layers, (1, heads, p, size)."""

    embeddings: Tensor
    layers: tuple[KeysAndValues, ...]


@torch.inference_mode()
def read_prefix(network: Network, embeddings: Tensor) -> Prefix | None:
    """Read a prefix (p, h) once for all rows; return None if it is empty or the model's cache cannot be shared."""
    if not len(embeddings) or not has_plain_cache(network):
        return None
    step = forward_pass(network, len(embeddings), None)
    cache = step.make_cache(1, len(embeddings))
    step(embeddings[None], cache)
    return Prefix(embeddings, tuple((layer.keys, layer.values) for layer in cache.roomy))


@torch.inference_mode()
def decode(
    network: Network,
    embeddings: Tensor,
    max_new_tokens: int,
    prefix: Prefix | None = None,
    until: Callable[[str], bool] | None = None,
    arguments: Mapping[str, Tensor] | None = None,
) -> list[list[int]]:
    """Generate greedily, and return the new ids of all rows, including the one that ends the text.

    A model whose cache does not hold all keys and values generates with the cache that it makes itself.

    Parameters
    ----------
    network
        The model.
    embeddings
        The prompts, shape (n, s, h). They are equally long, so there is no padding.
    max_new_tokens
        The maximum number of new ids of a row.
    prefix
        A prefix that precedes all rows.
    until
        A row also ends if this returns True for its text, which is checked every few tokens.
    arguments
        The model's further arguments for the prompt, for one row; see `SoftInputs.arguments`.
    """
    if arguments is not None or not has_plain_cache(network):
        steps = Steps(network.model, embeddings, arguments or {})
        return continue_texts(network, steps, steps.logits, max_new_tokens, until)
    room = embeddings.shape[1] + max_new_tokens
    step = forward_pass(network, room, prefix)
    cache = step.make_cache(len(embeddings), room)
    return continue_texts(
        network, RoomyTexts(network, step, cache), _read(step, embeddings, cache), max_new_tokens, until
    )


def has_plain_cache(network: Network) -> bool:
    """Return True if a preallocated cache can hold all that the model keeps of a text."""
    return can_share(network) and takes(network.model, "logits_to_keep")


def read_at_once(device: torch.device) -> int:
    """Return the number of prompt positions in one forward pass."""
    return _READ_AT_ONCE.get(device.type, _READ_AT_ONCE_ELSEWHERE)


def _read(step: ForwardPass, embeddings: Tensor, cache: RoomyCache) -> Tensor:
    """Return logits (n, V) after embeddings (n, s, h), in parts of the rows."""
    rows = max(1, read_at_once(embeddings.device) // embeddings.shape[1])
    logits = []
    for first in range(0, len(embeddings), rows):
        cache.turn_to(first, 0)
        logits.append(step(embeddings[first : first + rows], cache))
    cache.turn_to(0, cache.get_seq_length())
    return torch.cat(logits)


def continue_texts(
    network: Network,
    texts_so_far: TextsSoFar,
    logits: Tensor,
    max_new_tokens: int,
    until: Callable[[str], bool] | None,
) -> list[list[int]]:
    """Generate token by token until every row has ended; ``logits`` (n, V) are those of the first tokens."""
    texts: list[list[int]] = [[] for _ in range(len(logits))]
    rows = list(range(len(logits)))  # row i of the cache is text rows[i]
    unfinished = set(rows)
    for length in itertools.count(1):
        ids = logits.argmax(dim=-1)  # (n,)
        for row, token in zip(rows, ids.tolist(), strict=True):
            if row in unfinished:
                texts[row].append(token)
                if token in network.eos or length == max_new_tokens:
                    unfinished.discard(row)
        if until is not None and length % _LOOK_EVERY == 0:
            unfinished = {row for row in unfinished if not is_enough(network, texts[row], until)}
        if not unfinished:
            break
        if len(unfinished) <= _COMPACT * len(rows):
            kept = torch.tensor([index for index, row in enumerate(rows) if row in unfinished], device=ids.device)
            if texts_so_far.keep_rows(kept):
                ids, rows = ids[kept], [row for row in rows if row in unfinished]
        logits = texts_so_far.next(ids)
    return texts


def is_enough(network: Network, ids: list[int], until: Callable[[str], bool]) -> bool:
    """Return True if ``until`` holds for the text of ``ids``, and no further id can change that text."""
    text = network.decode(ids)
    return until(text) and not text.endswith(_UNKNOWN) and network.can_end(ids[-1])


def forward_pass(network: Network, room: int, prefix: Prefix | None) -> ForwardPass:
    """Return the fastest forward pass for texts of at most ``room`` positions after the prefix."""
    layers = () if prefix is None else prefix.layers
    if is_plain_llama(network.model):
        begun = 0 if prefix is None else len(prefix.embeddings)
        return LlamaPass(network.model, begun + room, layers)
    return _TransformersPass(network, layers)


class TextsSoFar(Protocol):
    """What the model keeps of the texts of n rows."""

    def next(self, ids: Tensor) -> Tensor:
        """Add the ids (n,), and return the logits (n, V) of the tokens after them."""
        ...

    def keep_rows(self, rows: Tensor) -> bool:
        """Drop all rows but those with these indices; return False if no row can be dropped."""
        ...


class RoomyTexts:
    """Texts in a preallocated cache."""

    def __init__(self, network: Network, step: ForwardPass, cache: RoomyCache) -> None:
        self._embed: Any = network.model.get_input_embeddings()
        self._step, self._cache = step, cache

    def next(self, ids: Tensor) -> Tensor:
        """Add the ids (n,), and return the logits (n, V) of the tokens after them."""
        return self._step(self._embed(ids[:, None]), self._cache)

    def keep_rows(self, rows: Tensor) -> bool:
        """Drop all rows but those with these indices, and return True."""
        self._cache.keep_rows(rows)
        return True


class ForwardPass(Protocol):
    """Maps embeddings (n, s, h), which follow the cached positions, to the logits (n, V) of the next token."""

    def make_cache(self, rows: int, room: int) -> RoomyCache:
        """Return an empty cache for ``room`` positions after the prefix."""
        ...

    def __call__(self, embeddings: Tensor, cache: RoomyCache) -> Tensor:
        """Add the embeddings to the cache, and return the logits after them."""
        ...


class _TransformersPass:
    """The forward pass of the model itself, of any architecture. A prefix is copied into the cache of every row."""

    def __init__(self, network: Network, prefix: Sequence[KeysAndValues]) -> None:
        self._model = network.model
        self._prefix = prefix
        self._cache_argument = cache_argument(network)

    def make_cache(self, rows: int, room: int) -> RoomyCache:
        begun = self._prefix[0][0].shape[2] if self._prefix else 0
        return RoomyCache(self._model, rows, begun + room)

    def __call__(self, embeddings: Tensor, cache: RoomyCache) -> Tensor:
        if self._prefix and not cache.get_seq_length():
            for layer, (keys, values) in zip(cache.roomy, self._prefix, strict=True):
                layer.update(*(states.expand(len(embeddings), -1, -1, -1) for states in (keys, values)))
        start = cache.get_seq_length()
        positions = cache.next_positions(*embeddings.shape[:2])
        if positions is None:
            positions = torch.arange(start, start + embeddings.shape[1], device=embeddings.device)[None]
        output = self._model(
            inputs_embeds=embeddings,
            attention_mask=cache.next_shown(*embeddings.shape[:2]),
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{self._cache_argument: cache},
        )
        logits: Tensor = output.logits[:, -1]
        return logits
