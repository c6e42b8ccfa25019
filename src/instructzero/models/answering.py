"""Greedy answers to many prompts at once, which read every common beginning once.

The prompts form a tree: the beginning that all of them share, then that of each group (the questions to one of the
instructions), then the rest of each prompt. A level of the tree is one batch, padded on the left, whose rows continue
copies of the keys and values of the level above.

Notation: n rows, s sequence length, h hidden size, V vocabulary size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from instructzero.models.decoding import (
    ForwardPass,
    RoomyTexts,
    continue_texts,
    forward_pass,
    has_plain_cache,
    read_at_once,
)
from instructzero.models.llama import is_plain_llama
from instructzero.models.network import Network, pad_left
from instructzero.models.prefix import Ids, cluster, common_length
from instructzero.models.roomy import RoomyCache

_WORTH_SHARING = 8
"""Tokens; reading a shorter common beginning separately costs more than it saves."""

_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-3}
_ROUNDING_ELSEWHERE = 0.1
"""The root mean square, in standard deviations of the logits, up to which a difference is rounding, by precision."""


@torch.inference_mode()
def answer_greedily(
    network: Network, prompts: Sequence[Ids], max_new_tokens: int, check: Callable[[], None] = lambda: None
) -> list[list[int]]:
    """Return the new ids of all prompts, including the one that ends the text.

    Parameters
    ----------
    network
        A model for which `can_answer` returns True.
    prompts
        The ids of each prompt, at least one.
    max_new_tokens
        The maximum number of new ids of an answer.
    check
        Called before every token; what it raises ends the generation.
    """
    order = sorted(range(len(prompts)), key=lambda index: tuple(prompts[index]))
    step, cache, rows, logits = _read(network, [prompts[index] for index in order], max_new_tokens)
    answers = continue_texts(network, _Checked(network, step, cache, check), logits, max_new_tokens, None)
    by_prompt = {order[row]: answer for row, answer in zip(rows, answers, strict=True)}
    return [by_prompt[index] for index in range(len(prompts))]


@torch.inference_mode()
def can_answer(network: Network) -> bool:
    """Return True if the model predicts the same after a tree of prompts, with gaps, as after a prompt alone.

    It is tried on a few tokens, because architectures differ in what they do with positions, masks and embeddings.
    """
    if not has_plain_cache(network):
        return False
    if is_plain_llama(network.model):
        return True
    sample = (network.encode("The quick brown fox jumps over the lazy dog.", special_tokens=True) or [network.pad]) * 16
    start, second, third = sample[:_WORTH_SHARING], sample[1:5], sample[2:9]
    prompts = sorted([start + second + sample[:1], start + second + sample[3:6], start + third])
    try:
        return _predicts_the_same(network, prompts, sample[:2])
    except Exception:  # each architecture fails in its own way, and the ordinary way remains
        return False


def _predicts_the_same(network: Network, prompts: Sequence[list[int]], ids: Sequence[int]) -> bool:
    """Return True if the logits after one more id for each of the first rows equal those of separate passes."""
    step, cache, order, _ = _read(network, prompts, 1)
    texts, kept = RoomyTexts(network, step, cache), torch.arange(len(ids), device=network.device)
    texts.keep_rows(kept)
    got = texts.next(torch.tensor(ids, device=network.device)).float()
    whole = [[*prompts[row], token] for row, token in zip(order, ids, strict=False)]
    alone = [network.model(torch.tensor([row], device=network.device)).logits[0, -1] for row in whole]
    expected = torch.stack(alone).float()
    tolerance = _ROUNDING.get(network.model.dtype, _ROUNDING_ELSEWHERE)
    return bool((got - expected).square().mean().sqrt() <= tolerance * expected.std())


class _Checked(RoomyTexts):
    """Texts that are checked before every token."""

    def __init__(self, network: Network, step: ForwardPass, cache: RoomyCache, check: Callable[[], None]) -> None:
        super().__init__(network, step, cache)
        self._check = check

    def next(self, ids: Tensor) -> Tensor:
        self._check()
        return super().next(ids)


def _read(
    network: Network, prompts: Sequence[Ids], max_new_tokens: int
) -> tuple[ForwardPass, RoomyCache, list[int], Tensor]:
    """Read sorted prompts with room for ``max_new_tokens``.

    Returns the forward pass, the cache, the prompts in the order of its rows, and the logits (n, V) after them.
    """
    step = forward_pass(network, max(map(len, prompts)) + max_new_tokens, None)
    # The prompts are sorted, so that those between the first and the last share what these two share.
    common = common_length(prompts[0], prompts[-1]) if len(prompts) > 1 else 0
    common = common if common >= _WORTH_SHARING else 0
    groups = cluster([prompt[common:] for prompt in prompts])
    beginnings = [first[: length if count > 1 else 0] for first, length, count in groups]
    owners = [index for index, (_, _, count) in enumerate(groups) for _ in range(count)]
    tails = [prompt[common + len(beginnings[owner]) :] for prompt, owner in zip(prompts, owners, strict=True)]

    cache = None
    if common:
        cache, _, _ = _read_level(network, step, None, [0], [prompts[0][:common]], 0)
    if any(beginnings):
        cache, order, _ = _read_level(network, step, cache, [0] * len(groups), beginnings, 0)
        owners = [order.index(owner) for owner in owners]
    elif cache is not None:
        owners = [0] * len(prompts)
    return step, *_read_level(network, step, cache, owners, tails, max_new_tokens)


def _read_level(
    network: Network,
    step: ForwardPass,
    above: RoomyCache | None,
    owners: Sequence[int],
    tails: Sequence[Ids],
    max_new_tokens: int,
) -> tuple[RoomyCache, list[int], Tensor]:
    """Read ``tails``, each after the row ``owners`` of the cache ``above``; a tail may be empty.

    Returns the cache, the indices of the tails in the order of its rows, and the logits (n, V) after them.
    """
    order = sorted(range(len(tails)), key=lambda index: len(tails[index]))  # so that parts need little padding
    lengths = torch.tensor([len(tails[index]) for index in order], device=network.device)
    owner = torch.tensor([owners[index] for index in order], device=network.device)
    begun, width = (above.get_seq_length() if above else 0), int(lengths[-1])
    columns = torch.arange(width + max_new_tokens, device=network.device)
    shown = columns >= width - lengths[:, None]  # (n, width + max_new_tokens)
    if above is not None and above.shown is not None:
        shown = torch.cat([above.shown[owner], shown], dim=1)
    cache = RoomyCache(network.model, len(tails), shown.shape[1], shown)
    if above is not None:
        cache.begin_with(above, owner)
    embed = network.model.get_input_embeddings()
    logits = []
    for first, last in _parts(lengths.tolist(), read_at_once(network.device)):
        inputs = pad_left([tails[index] for index in order[first:last]], network.pad, network.device)["input_ids"]
        cache.turn_to(first, begun + width - inputs.shape[1])
        logits.append(step(embed(inputs), cache))
    cache.turn_to(0, begun + width)
    return cache, order, torch.cat(logits)


def _parts(lengths: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows of at most ``most`` positions, padded, for ascending ``lengths``, without the empty rows."""
    first = next(index for index, length in enumerate(lengths) if length)
    for index in range(first + 1, len(lengths) + 1):
        if index == len(lengths) or (index + 1 - first) * lengths[index] > most:
            yield first, index
            first = index
