"""Greedy decoding of many rows at once: a cache with room for what will come, and finished rows are dropped.

Notation: n rows, p prefix length, s sequence length, h hidden size, V vocabulary size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from instructzero.models.network import Network, generate
from instructzero.models.prefix import cache_argument, can_share

_COMPACT = 0.75
"""Once no more than this share of the rows goes on, the finished ones are dropped from the cache, which is copied."""


@dataclass(frozen=True)
class Prefix:
    """A beginning that rows share: its embeddings (p, h) and, layer by layer, its keys and values, each
    (1, heads, p, size)."""

    embeddings: Tensor
    layers: tuple[tuple[Tensor, Tensor], ...]


class _RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values in buffers with room for all tokens to come: adding one copies one, not all."""

    def __init__(self, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room = room
        self._length = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self._all_keys = _buffer(key_states, self._room)
        self._all_values = _buffer(value_states, self._room)
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self._length + key_states.shape[-2]
        self._all_keys[:, :, self._length : end] = key_states
        self._all_values[:, :, self._length : end] = value_states
        self._length = end
        return self._show()

    def keep_rows(self, rows: Tensor) -> None:
        """Drop all other rows."""
        self._all_keys, self._all_values = self._all_keys[rows], self._all_values[rows]
        self._show()

    def _show(self) -> tuple[Tensor, Tensor]:
        self.keys: Tensor = self._all_keys[:, :, : self._length]
        self.values: Tensor = self._all_values[:, :, : self._length]
        return self.keys, self.values


@torch.inference_mode()
def read_prefix(network: Network, embeddings: Tensor) -> Prefix | None:
    """Read a beginning (p, h) once for all rows; None where the model's cache cannot be shared, or there is none."""
    if not len(embeddings) or not can_share(network):
        return None
    cache = _roomy_cache(network, len(embeddings))
    _forward(network, embeddings[None], cache)
    return Prefix(embeddings, tuple((layer.keys, layer.values) for layer in _layers(cache)))


@torch.inference_mode()
def decode(network: Network, embeddings: Tensor, max_new_tokens: int, prefix: Prefix | None = None) -> list[list[int]]:
    """The ids that follow embeddings (n, s, h), greedily, up to and including the one that ends the text.

    All rows are equally long, so none is padded. With ``prefix``, each row goes on after it. A model with another cache
    than one of all keys and values is left to transformers' own `generate`.
    """
    if not can_share(network):
        return _decode_with_transformers(network, embeddings, max_new_tokens)
    cache = _roomy_cache(network, _length(prefix) + embeddings.shape[1] + max_new_tokens)
    if prefix is not None:
        for layer, (keys, values) in zip(_layers(cache), prefix.layers, strict=True):
            layer.update(*(each.expand(len(embeddings), -1, -1, -1) for each in (keys, values)))
    return _continue(network, _forward(network, embeddings, cache), cache, max_new_tokens)


def _continue(network: Network, logits: Tensor, cache: DynamicCache, max_new_tokens: int) -> list[list[int]]:
    """Token after token, until every row has ended."""
    embed = network.model.get_input_embeddings()
    texts: list[list[int]] = [[] for _ in range(len(logits))]
    rows = list(range(len(logits)))  # row i of the cache is text rows[i]
    going_on = set(rows)
    while True:
        ids = logits.argmax(dim=-1)  # (n,)
        for row, token in zip(rows, ids.tolist(), strict=True):
            if row in going_on:
                texts[row].append(token)
                if token in network.eos or len(texts[row]) == max_new_tokens:
                    going_on.discard(row)
        if not going_on:
            return texts
        if len(going_on) <= _COMPACT * len(rows):
            kept = torch.tensor([index for index, row in enumerate(rows) if row in going_on], device=ids.device)
            for layer in _layers(cache):
                layer.keep_rows(kept)
            ids, rows = ids[kept], [row for row in rows if row in going_on]
        logits = _forward(network, embed(ids[:, None]), cache)


def _forward(network: Network, embeddings: Tensor, cache: DynamicCache) -> Tensor:
    """Logits (n, V) of the token that follows; the cache grows by the embeddings (n, s, h)."""
    start = cache.get_seq_length()
    positions = torch.arange(start, start + embeddings.shape[1], device=embeddings.device)[None]
    output = network.model(
        inputs_embeds=embeddings,
        position_ids=positions,
        use_cache=True,
        logits_to_keep=1,
        **{cache_argument(network): cache},
    )
    logits: Tensor = output.logits[:, -1]
    return logits


def _roomy_cache(network: Network, room: int) -> DynamicCache:
    cache = DynamicCache(config=network.model.config)
    cache.layers = [_RoomyLayer(room) for _ in cache.layers]
    return cache


def _layers(cache: DynamicCache) -> list[_RoomyLayer]:
    return [layer for layer in cache.layers if isinstance(layer, _RoomyLayer)]


def _buffer(states: Tensor, room: int) -> Tensor:
    rows, heads, _, size = states.shape
    return states.new_empty((rows, heads, room, size))


def _length(prefix: Prefix | None) -> int:
    return 0 if prefix is None else len(prefix.embeddings)


def _decode_with_transformers(network: Network, embeddings: Tensor, max_new_tokens: int) -> list[list[int]]:
    mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
    return generate(network, {"inputs_embeds": embeddings, "attention_mask": mask}, max_new_tokens)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory did not suffice, of the GPU or of the machine, for which torch has no error of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def free_memory(device: torch.device) -> None:
    """Give back what torch keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
