"""Pairs of sentences: cause and effect, similarity, and word senses."""

import re
from collections import Counter
from random import Random

import pytest

from training.corpus import pairs
from training.corpus.lexicon import PEOPLE
from training.corpus.registry import TASKS


def drawn(name: str, count: int = 300) -> list[tuple[str, str]]:
    rng = Random(f"test/{name}")
    texts = [TASKS[name].draw(rng) for _ in range(count)]
    found = [(text, TASKS[name].answer(text)) for text in texts]
    assert all(answers for _, answers in found)
    return [(text, answers[0]) for text, answers in found if answers]


def test_causes_name_no_other_person() -> None:
    assert len(pairs.causes()) >= 45
    assert not set(pairs.causes()) & set(pairs.causes().values())
    for cause, effect in pairs.causes().items():
        assert cause.endswith(".")
        assert effect.endswith(".")
        assert "WHO" in cause
        assert not set(re.findall(r"[a-z]+", f"{cause} {effect}")) & set(PEOPLE)


def test_cause_and_effect_are_the_two_sentences() -> None:
    places: Counter[bool] = Counter()
    for text, cause in drawn("cause_and_effect"):
        first, second, _ = pairs.halves(text) or ("", "", "")
        effect = (TASKS["effect"].answer(text) or ("",))[0]
        assert {cause, effect} == {first, second}
        places[cause == first] += 1
    assert min(places.values()) > 100
    assert TASKS["cause_and_effect"].answer(
        "Sentence 1: The critic passed the exam. Sentence 2: The critic studied all night."
    ) == ("The critic studied all night.",)


def test_every_use_contains_its_word_and_has_one_sense() -> None:
    assert len(pairs.senses()) >= 24
    for word, (first, second) in pairs.senses().items():
        assert not set(first) & set(second)
        assert len(first) >= 4
        assert len(second) >= 4
        assert all(re.search(rf"\b{word}\b", use) for use in (*first, *second))


def test_same_sense_gives_expected_answer() -> None:
    counts = Counter(answer for _, answer in drawn("word_in_context"))
    assert min(counts["same"], counts["not the same"]) > 100
    text = "Sentence 1: The critic sat on the grassy bank. Sentence 2: The lawyer robbed the bank. Word: bank"
    assert TASKS["word_in_context"].answer(text) == ("not the same", "no", "false")
    assert TASKS["marked_word"].answer(text) == ("bank",)
    assert TASKS["word_in_context"].answer(text.replace(" Word: bank", "")) is None


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("A fellow is hauling a drum in the park.", "5 - perfectly"),
        ("A guy is carrying a drum.", "4 - almost perfectly"),
        ("A guy is carrying a sofa in the park.", "3 - probably"),
        ("A chef is carrying a sofa in the park.", "2 - possibly"),
        ("A chef is carrying a sofa in the loft.", "1 - probably not"),
        ("A chef is selling a sofa in the loft.", "0 - definitely not"),
    ],
)
def test_similarity_gives_expected_degree(second: str, expected: str) -> None:
    text = f"Sentence 1: A guy is carrying a drum in the park. Sentence 2: {second}"
    assert TASKS["sentence_similarity"].answer(text) == (expected,)


def test_all_degrees_of_similarity_are_drawn() -> None:
    counts = Counter(answer for _, answer in drawn("sentence_similarity", 600))
    assert set(counts) == set(pairs.DEGREES)
    assert min(counts.values()) > 60


def test_swapped_sentences_have_same_key() -> None:
    key = TASKS["cause_and_effect"].key
    assert key("Sentence 1: A b. Sentence 2: C d.") == key("Sentence 1: C d. Sentence 2: A b.")
    assert key("Sentence 1: A b. Sentence 2: C d.") != key("Sentence 1: A b. Sentence 2: A d.")
    assert TASKS["second_sentence"].answer("Sentence 1: A b. Sentence 2: C d.") == ("C d.",)
