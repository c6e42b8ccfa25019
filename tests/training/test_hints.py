"""What soft prompts mean: deterministic, free of scale, smooth, and clear only now and then."""

from random import Random

import pytest
import torch

from training.corpus import grammar
from training.corpus.registry import SHIPPED, TASKS
from training.hints import QUANTILES, Concepts, leanings, phrasings, plain_wording, wording

HIDDEN = 64


@pytest.fixture(scope="module")
def concepts() -> Concepts:
    return Concepts.make(HIDDEN)


def soft_prompts(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 5, HIDDEN, generator=torch.Generator().manual_seed(seed))


def test_same_seed_same_concepts(concepts: Concepts) -> None:
    assert torch.equal(concepts.peaks, Concepts.make(HIDDEN).peaks)


def test_scale_changes_nothing(concepts: Concepts) -> None:
    softs = soft_prompts(50)
    for task in (TASKS["sum"], TASKS["antonyms"]):
        small = [wording(task, leaning) for leaning in leanings(softs * 0.02, concepts)]
        assert small == [wording(task, leaning) for leaning in leanings(softs, concepts)]


def test_kinds_come_in_the_intended_shares(concepts: Concepts) -> None:
    kinds = [leaning.kind for leaning in leanings(soft_prompts(4000, seed=1), concepts)]
    assert kinds.count("clear") / len(kinds) == pytest.approx(1 - QUANTILES["light"], abs=0.03)
    assert kinds.count("misleading") / len(kinds) == pytest.approx(QUANTILES["misleading"], abs=0.04)


def test_near_soft_prompts_mostly_mean_the_same(concepts: Concepts) -> None:
    softs = soft_prompts(200, seed=2)
    near = softs + 0.02 * soft_prompts(200, seed=3)
    task = TASKS["letters_list"]
    pairs = zip(leanings(softs, concepts), leanings(near, concepts), strict=True)
    assert sum(wording(task, a) == wording(task, b) for a, b in pairs) > 150


@pytest.mark.parametrize("name", SHIPPED)
def test_wordings_differ_by_kind(name: str) -> None:
    task = TASKS[name]
    misleading, vague, loose, light, clear = phrasings(task, Random(3))
    clear_texts = {text for pattern in task.good for text in grammar.expand(pattern)}
    assert clear in clear_texts
    assert not {misleading, vague, loose, light, plain_wording(task)} & clear_texts
