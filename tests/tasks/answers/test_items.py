"""exact_set: lists in every notation, items of several words, and what is no list."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.tasks import get_metric
from instructzero.types import Example

SET = get_metric("exact_set")
PHRASES = get_metric("exact_set").bind([Example("1", ("fire truck, sled",)), Example("2", ("bus",))])


@pytest.mark.parametrize(
    "text",
    [
        "sled, fire truck",
        "sled,fire truck",
        "fire truck; sled",
        "fire truck\nsled",
        "- fire truck\n- sled",
        "* sled\n* fire truck\n",
        "• sled\n• fire truck",
        "1. sled\n2. fire truck",
        "1) sled 2) fire truck",
        "1. sled, 2. fire truck",
        "(a) sled\n(b) fire truck",
        '["sled", "fire truck"]',
        "['sled', 'fire truck']",
        "{'sled', 'fire truck'}",
        "sled and fire truck",
        "Fire truck, and sled.",
        "fire truck & sled",
        "sled fire truck",
        "sled, fire truck, sled",
        "sled | fire truck",
        "The vehicles are: sled, fire truck",
        "These are the vehicles:\n\n- sled\n- fire truck\n\nThey all move.",
        "Sled, fire truck. Both move.",
        "sled, fire truck\nI left the dog out.",
        "The answer is sled, fire truck.",
        "```\nsled\nfire truck\n```",
    ],
)
@pytest.mark.parametrize("metric", [SET, PHRASES], ids=["words", "phrases"])
def test_exact_set_reads_lists_in_every_notation(metric, text):
    assert metric(text, ["fire truck, sled"]) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "sled",
        "fire sled, truck",
        "fire, truck, sled",
        "fire truck or sled",
        "fire truck, sled, bus",
        "- fire truck\n- sled\n- bus",
        "fire truck\nsled\nbus",
        "not vehicles: fire truck, sled",
        "None of these is a vehicle:\n- fire truck\n- sled",
        "fire truck, sled, y",
        "",
    ],
)
def test_exact_set_refuses_other_items(text):
    assert SET(text, ["fire truck, sled"]) == PHRASES(text, ["fire truck, sled"]) == 0.0


@pytest.mark.parametrize(
    ("text", "answer", "score"),
    [
        ("bee ant", "ant bee", 1.0),
        ("bee, ant", "ant bee", 1.0),
        ("ant", "ant bee", 0.0),
        ("y e a", "a e y", 1.0),
        ("oil, salt and pepper", "salt and pepper, oil", 1.0),
        ("pepper, oil, salt", "salt and pepper, oil", 0.0),
        ("hay and ice cream", "ice cream and hay", 1.0),
        ("1,500, 20", "20, 1500", 1.0),
        ("3, 2,1", "1, 2, 3", 1.0),
        ("J#, J", "J, J++", 0.0),
        ("ant\nbee", "ant", 0.0),
        ("- ant\n- bee", "ant", 0.0),
        ("ant\nIt is the only insect in this list.", "ant", 1.0),
        ("ant\nInput: bee", "ant", 1.0),
        ("a d e d", "a d", 0.0),
        ("gato y perro", "perro, gato", 1.0),
        ("and, ask", "ask and", 1.0),
        ("ask, and, aim", "aim ask", 1.0),
        ("ask, and", "ask", 0.0),
        ("!", "!", 1.0),
        ("?", "!", 0.0),
        ("牛，羊", "羊、牛", 1.0),
        ("牛和羊", "羊、牛", 1.0),
        ("牛", "羊、牛", 0.0),
        ("ウシと羊", "羊、ウシ", 1.0),
        ("소와 양", "양, 소", 1.0),
        ("วัว และ แกะ", "แกะ, วัว", 1.0),
        ("корова и овца", "овца, корова", 1.0),
        ("بقرة، خروف", "خروف، بقرة", 1.0),
        ("गाय और भेड़", "भेड़, गाय", 1.0),
    ],
)
def test_exact_set_by_words_signs_and_scripts(text, answer, score):
    assert SET(text, [answer]) == score


def test_exact_set_of_one_phrase_in_data_with_separators_keeps_its_words_together():
    assert SET("truck fire", ["fire truck"]) == 1.0
    assert PHRASES("truck fire", ["fire truck"]) == 0.0
    assert PHRASES("fire truck", ["fire truck"]) == 1.0


ITEMS = st.lists(
    st.sampled_from(["ant", "sea lion", "red sea lion", "bee", "sea", "lion cub"]), min_size=1, unique=True
)


@settings(deadline=None)
@given(ITEMS, ITEMS, st.randoms(use_true_random=False))
def test_exact_set_accepts_the_same_items_only_in_any_order_and_notation(items, others, random):
    said = random.sample(others, len(others))
    for text in (", ".join(said), "\n".join(f"- {item}" for item in said), json.dumps(said)):
        assert PHRASES(text, [", ".join(items)]) == float(set(items) == set(others))
