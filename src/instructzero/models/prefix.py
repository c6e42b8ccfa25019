"""Read a common prefix of prompts once: its keys and values serve a cluster of rows.

Notation: n rows, g clusters of rows with a common prefix, p prefix length, s suffix length, both with padding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from instructzero.models.network import Network, pad_left, positions
from instructzero.models.stepping import takes

Ids = Sequence[int]
# Separate prefixes cost a further pass and more padding, so the tokens have to shrink to this share.
_WORTHWHILE = 0.8
_GROUP = 4  # the cost of a further group, in tokens


def prompt_inputs(network: Network, rows: Sequence[Ids]) -> dict[str, Any]:
    """Return the inputs of `generate` for ``rows``: padded ids, their mask, and a cache of the prefixes if it pays."""
    plain = pad_left(rows, network.pad, network.device)
    clusters = cluster(rows)
    prefixes = pad_left([row[:length] for row, length, _ in clusters], network.pad, network.device)
    tails = [row[length:] for row, (_, length) in zip(rows, _of_rows(clusters), strict=True)]
    suffixes = pad_left(tails, network.pad, network.device)
    cost = prefixes["input_ids"].numel() + suffixes["input_ids"].numel()
    if cost > _WORTHWHILE * plain["input_ids"].numel() or not can_share(network):
        return plain
    owner = torch.tensor([index for index, _ in _of_rows(clusters)], device=network.device)
    parts = {name: torch.cat([prefixes[name][owner], suffixes[name]], dim=1) for name in plain}  # (n, p + s)
    return {**parts, cache_argument(network): _read(network, prefixes, owner)}


def cache_argument(network: Network) -> str:
    """Return the name of the model's argument for keys and values; newer releases of transformers call it `cache`."""
    return "cache" if takes(network.model, "cache") else "past_key_values"


def cluster(rows: Sequence[Ids]) -> list[tuple[Ids, int, int]]:
    """Group neighbours with a common prefix, as tuples (first row, common length, number of rows).

    The groups are those with which the fewest tokens are read, if the prefix of a group is read once. At least one
    token of each row stays out of the prefix, because the next token is predicted from it.

    >>> cluster([(1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 7), (1, 8)])
    [((1, 2, 3, 4, 5, 6), 5, 2), ((1, 8), 1, 1)]
    """
    if not rows:
        return []
    common = [0] + [common_length(first, second) for first, second in itertools.pairwise(rows)]
    return [(rows[start], length, end - start) for start, end, length in _cheapest(rows, common, 0, len(rows))[1]]


_Groups = list[tuple[int, int, int]]


def _cheapest(rows: Sequence[Ids], common: Sequence[int], start: int, end: int) -> tuple[int, _Groups]:
    """Return the tokens to read for the rows from ``start`` to ``end``, and their groups (start, end, prefix length).

    ``common`` holds the length of a row's common prefix with the row before it.
    """
    if end == start + 1:
        return len(rows[start]), [(start, end, len(rows[start]) - 1)]
    length = min(common[start + 1 : end])
    whole = sum(map(len, rows[start:end])) - (end - start - 1) * length + _GROUP if length else math.inf
    cuts = [start, *(index for index in range(start + 1, end) if common[index] == length), end]
    parts = [_cheapest(rows, common, *part) for part in itertools.pairwise(cuts)]
    cost = sum(cost for cost, _ in parts)
    if whole <= cost:
        return int(whole), [(start, end, length)]
    return cost, [group for _, groups in parts for group in groups]


def common_length(first: Ids, second: Ids) -> int:
    """Return the length of the common prefix of two rows, which leaves at least one token of each."""
    limit = min(len(first), len(second)) - 1
    return next((index for index in range(limit) if first[index] != second[index]), limit)


def _of_rows(clusters: Sequence[tuple[Ids, int, int]]) -> list[tuple[int, int]]:
    """Return the index of the cluster and the length of its prefix, for all rows."""
    return [(index, length) for index, (_, length, count) in enumerate(clusters) for _ in range(count)]


def can_share(network: Network) -> bool:
    """Return True if a cache can serve several rows: layers keep all keys and values, and positions are an argument."""
    layers = DynamicCache(config=network.model.config).layers
    return (
        takes(network.model, "position_ids") and bool(layers) and all(type(layer) is DynamicLayer for layer in layers)
    )


@torch.inference_mode()
def _read(network: Network, prefixes: dict[str, Tensor], owner: Tensor) -> DynamicCache:
    """Return keys and values of the prefixes (g, p), copied to the n rows."""
    cache = DynamicCache(config=network.model.config)
    inputs = {**prefixes, "position_ids": positions(prefixes["attention_mask"]), cache_argument(network): cache}
    network.model(**inputs, use_cache=True, logits_to_keep=1)
    cache.batch_select_indices(owner)
    return cache
