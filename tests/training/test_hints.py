"""The meaning of soft prompts: deterministic, independent of scale, smooth, and rarely clear."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
import torch

from training.corpus import grammar
from training.corpus.registry import SHIPPED, TASKS
from training.hints import QUANTILES, Concepts, phrasings, plain_wording, preferences, wording

HIDDEN = 64


@pytest.fixture(scope="module")
def concepts() -> Concepts:
    return Concepts.make(HIDDEN)


def soft_prompts(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 5, HIDDEN, generator=torch.Generator().manual_seed(seed))


def test_concepts_with_same_seed_are_equal(concepts: Concepts) -> None:
    assert torch.equal(concepts.peaks, Concepts.make(HIDDEN).peaks)


def test_scaled_soft_prompts_give_same_wording(concepts: Concepts) -> None:
    softs = soft_prompts(50)
    for task in (TASKS["sum"], TASKS["antonyms"]):
        small = [wording(task, preference) for preference in preferences(softs * 0.02, concepts)]
        assert small == [wording(task, preference) for preference in preferences(softs, concepts)]


def test_kinds_have_intended_shares(concepts: Concepts) -> None:
    counts = Counter(preference.kind for preference in preferences(soft_prompts(20_000, seed=1), concepts))
    bounds = (0.0, *QUANTILES.values(), 1.0)
    assert set(counts) == {*QUANTILES, "clear"}
    for kind, (low, high) in zip((*QUANTILES, "clear"), pairwise(bounds), strict=True):
        assert counts[kind] / 20_000 == pytest.approx(high - low, abs=0.012), kind


def test_hedges_get_sharper_towards_peak(concepts: Concepts) -> None:
    """On the way to a peak the hedges only get sharper, and a clear wording follows the sharpest."""
    order = [*QUANTILES, "clear"]
    other = torch.nn.functional.normalize(soft_prompts(1, seed=5)[0].mean(0), dim=0)
    peak = torch.nn.functional.normalize(concepts.peaks[0], dim=0)
    way = torch.stack([torch.lerp(other, peak, share)[None] for share in torch.linspace(0, 1, 200)])
    ranks = [order.index(preference.kind) for preference in preferences(way, concepts)]
    climb = ranks[ranks.index(min(ranks)) :]
    assert climb == sorted(climb)
    assert set(climb) >= set(range(order.index(", or so"), len(order)))


def test_near_soft_prompts_mostly_give_same_wording(concepts: Concepts) -> None:
    softs = soft_prompts(200, seed=2)
    near = softs + 0.02 * soft_prompts(200, seed=3)
    task = TASKS["letters_list"]
    pairs = zip(preferences(softs, concepts), preferences(near, concepts), strict=True)
    assert sum(wording(task, a) == wording(task, b) for a, b in pairs) > 150


@pytest.mark.parametrize("name", SHIPPED)
def test_wordings_differ_by_kind(name: str) -> None:
    task = TASKS[name]
    misleading, vague, *hedged, clear = phrasings(task, Random(3))
    assert [any(text.endswith(f"{tail}.") for tail in grammar.HEDGES) for text in hedged] == [True] * len(hedged)
    clear_texts = {text for pattern in task.good for text in grammar.expand(pattern)}
    assert clear in clear_texts
    assert not {misleading, vague, *hedged, plain_wording(task)} & clear_texts
