"""Hedges: the softer the tail, the more inputs are answered with a sibling task."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.corpus import grammar
from training.corpus.registry import SHIPPED, TASKS

TAILS = tuple(grammar.HEDGES)


def is_kept(name: str, tail: str, text: str) -> bool:
    return grammar.meant_by_hedged(name, TASKS[name].siblings, tail, text)[0] == name


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(SHIPPED))
def test_sharper_tail_keeps_inputs_of_softer_tail(text: str, name: str) -> None:
    for sharper, softer in pairwise(TAILS):
        assert is_kept(name, sharper, text) or not is_kept(name, softer, text)


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(SHIPPED), st.sampled_from(TAILS))
def test_hedged_instruction_lists_task_among_meanings(text: str, name: str, tail: str) -> None:
    meant = grammar.meant_by_hedged(name, TASKS[name].siblings, tail, text)
    assert set(meant) <= {name, *TASKS[name].siblings}
    assert name in meant
    assert len(meant) in (1, 1 + len(TASKS[name].siblings))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_tail_keeps_some_inputs_and_moves_others_to_sibling(name: str) -> None:
    task, rng = TASKS[name], Random(1)
    draw = task.natural or task.draw
    texts = task.table or tuple(draw(rng) for _ in range(500))
    kept = [sum(is_kept(name, tail, text) for text in texts) / len(texts) for tail in TAILS]
    assert 0.65 < kept[0] < 1
    assert 0.15 < kept[-1] < 0.6
    assert kept == sorted(kept, reverse=True)
    assert len(set(kept)) >= len(TAILS) - 1  # no word with two senses begins with h, a or q


@pytest.mark.parametrize(
    ("text", "key"),
    [("basin", "b"), ("The critic will visit the Gallery.", "g"), ("31 27", "7"), ("print(y)", "p"), ("a !", "")],
)
def test_split_key_is_last_digit_or_first_letter_of_last_word(text: str, key: str) -> None:
    assert grammar.split_key(text) == key
