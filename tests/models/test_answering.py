"""Answers that share the beginnings of their prompts equal those of transformers, prompt by prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GemmaConfig, GemmaForCausalLM, MistralConfig, MistralForCausalLM

from instructzero.models import answering, decoding
from instructzero.models.answering import answer_greedily, can_answer
from instructzero.models.network import Network, generate, load_network, pad_left

SYSTEM = list(range(10, 30))
SMALL = {"vocab_size": 259, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 8}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.4, "bos_token_id": 1}


@pytest.fixture(scope="module")
def network(tiny_model: Path) -> Network:
    return load_network(str(tiny_model))


def with_transformers(network: Network, prompts: Sequence[list[int]], budget: int) -> list[list[int]]:
    """Answer one prompt after the other."""
    return [generate(network, pad_left([ids], network.pad, network.device), budget)[0] for ids in prompts]


def questions(groups: int, inputs: int, start: Sequence[int] = SYSTEM) -> list[list[int]]:
    """Return prompts in which groups of different lengths share a beginning, and all of them share ``start``."""
    return [
        [*start, *([60 + group] * (3 + 4 * group)), *([100 + 7 * number] * (1 + number)), 5]
        for number in range(inputs)
        for group in range(groups)
    ]


PROMPTS = {
    "groups that share a start": questions(3, 4),
    "groups that share nothing": questions(3, 4, start=()),
    "one group": questions(1, 5),
    "one prompt": questions(1, 1),
    "one token": [[7]],
    "the same prompt twice": [*questions(1, 2), *questions(1, 2)],
    "a prompt that begins the others": [SYSTEM, *questions(2, 3), SYSTEM[:9]],
    "nothing shared": [[9, 8, 7], [3], [200] * 30, [4, 4]],
    "a group beside strangers": [*questions(1, 3), [200] * 40, [3]],
}


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS.keys())
def test_answers_equal_transformers_prompt_by_prompt(network: Network, prompts: list[list[int]]) -> None:
    assert answer_greedily(network, prompts, 9) == with_transformers(network, prompts, 9)


PARTS = st.lists(st.sampled_from([[3], [4, 5], SYSTEM, [6] * 9, [200, 201, 202]]), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=7), budget=st.integers(1, 9))
def test_answers_to_any_prompts_equal_transformers(network: Network, parts: list[list[list[int]]], budget: int) -> None:
    prompts = [[token for part in prompt for token in part] for prompt in parts]
    assert answer_greedily(network, prompts, budget) == with_transformers(network, prompts, budget)


@pytest.mark.parametrize("at_once", [1, 8, 40])
def test_prompts_read_in_parts_have_the_same_answers(
    network: Network, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = PROMPTS["a prompt that begins the others"]
    expected = answer_greedily(network, prompts, 9)
    monkeypatch.setattr(decoding, "_READ_AT_ONCE_ELSEWHERE", at_once)
    assert answer_greedily(network, prompts, 9) == expected


def test_finished_answers_are_dropped_without_changing_the_others(network: Network) -> None:
    prompts = questions(3, 4)
    endless = answer_greedily(replace(network, eos=()), prompts, 12)
    ended = replace(network, eos=tuple({endless[0][1], endless[1][3], endless[2][6]}))
    answers = answer_greedily(ended, prompts, 12)
    assert answers == with_transformers(ended, prompts, 12)
    assert len({len(answer) for answer in answers}) > 1


def test_a_common_beginning_is_read_once(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    plain = pad_left

    def counted(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> dict[str, torch.Tensor]:
        read.append(sum(map(len, rows)))
        return plain(rows, pad, device)

    monkeypatch.setattr(answering, "pad_left", counted)
    answer_greedily(network, questions(3, 4), 2)
    # The start, then three instructions of 3, 7 and 11 tokens, then what differs.
    assert read == [len(SYSTEM), 3 + 7 + 11, 3 * sum(2 + number for number in range(4))]


def test_what_the_check_raises_ends_the_generation(network: Network) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        answer_greedily(replace(network, eos=()), questions(1, 2), 5, stop)


def test_models_with_open_caches_can_answer(network: Network) -> None:
    assert can_answer(network)


def test_other_architectures_can_answer_if_a_trial_shows_it(network: Network) -> None:
    torch.manual_seed(3)
    gemma = replace(network, model=GemmaForCausalLM(GemmaConfig(**SMALL, **HEADS)).eval())
    assert can_answer(gemma)
    prompts = questions(2, 3)
    assert answer_greedily(gemma, prompts, 6) == with_transformers(gemma, prompts, 6)
    sliding = MistralForCausalLM(MistralConfig(**SMALL, **HEADS, sliding_window=4)).eval()
    assert not can_answer(replace(network, model=sliding))


def test_a_model_that_ignores_gaps_cannot_answer(network: Network) -> None:
    class Deaf(GemmaForCausalLM):
        def forward(self, attention_mask=None, position_ids=None, logits_to_keep=0, **inputs):  # type: ignore[no-untyped-def]
            return super().forward(**inputs)

    class Refusing(GemmaForCausalLM):
        def forward(self, attention_mask=None, position_ids=None, logits_to_keep=0, **inputs):  # type: ignore[no-untyped-def]
            raise ValueError("not with a cache")

    torch.manual_seed(3)
    for kind in (Deaf, Refusing):
        assert not can_answer(replace(network, model=kind(GemmaConfig(**SMALL, **HEADS)).eval()))
