"""What the methods that search texts share."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from instructzero.optimizers.metaprompts import (
    ENVELOPE,
    beginning,
    fresh,
    guess,
    guesses,
    propose,
    random_point,
    ranked,
    vary,
)
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing

SHOWN = "Input: hot\nOutput: cold\n\nInput: up\nOutput: down"


def trial(number, text, *scores):
    return Trial(number, 0, Proposal((0.0,)), Writing(text, text), Evaluation(scores, ("",) * len(scores)))


def candidate(text):
    return Candidate(Proposal((0.0,)), Writing(text, text))


def test_every_request_holds_what_it_is_about_and_says_where_the_answer_belongs():
    assert SHOWN in guess(SHOWN)
    assert "Sort the words." in vary("Sort the words.")
    assert all(request.endswith(f"\n\n{ENVELOPE}") for request in (guess(SHOWN), vary("Sort the words.")))
    assert "<prompt> and </prompt>" in ENVELOPE


@given(st.lists(st.text("abc,.", min_size=1, max_size=5), min_size=2, max_size=8), st.integers(0, 1000))
def test_a_beginning_is_some_of_the_first_words_and_never_all(words, seed):
    cut = beginning(" ".join(words), np.random.default_rng(seed)).split()
    assert cut == words[: len(cut)]
    assert 1 <= len(cut) < len(words)


def test_a_text_is_cut_before_every_word_but_the_first():
    generator = np.random.default_rng(0)
    cuts = {beginning("give the opposite word", generator) for _ in range(50)}
    assert cuts == {"give", "give the", "give the opposite"}


def test_a_single_word_and_no_word_have_no_beginning():
    generator = np.random.default_rng(0)
    assert beginning("sort", generator) == beginning("", generator) == ""


def test_random_points_fill_the_box():
    generator = np.random.default_rng(0)
    points = np.array([random_point(generator, 3) for _ in range(200)])
    assert points.shape == (200, 3)
    assert -1 <= points.min() < -0.95
    assert 0.95 < points.max() <= 1


def test_guesses_ask_one_thing_and_differ_in_sample_and_point():
    proposals = guesses(SHOWN, 4, np.random.default_rng(0), dimension=2)
    assert {each.rewrite.prompt for each in proposals} == {guess(SHOWN)}
    assert {each.rewrite.start for each in proposals} == {""}
    assert len({each.rewrite.seed for each in proposals}) == len({each.z for each in proposals}) == 4


def test_fewer_guesses_are_the_first_of_more():
    few, more = (guesses(SHOWN, count, np.random.default_rng(0), dimension=2) for count in (2, 5))
    assert more[:2] == few


def test_a_text_is_fresh_where_it_comes_first_and_was_not_evaluated():
    candidates = [candidate(text) for text in ("old", "b", "a", "b", "old", "c")]
    assert fresh(candidates, [trial(0, "old", 1.0)]) == [1, 2, 5]


def test_the_best_comes_first_then_the_better_known_then_the_earliest():
    trials = [trial(0, "low", 0.0), trial(1, "short", 0.5), trial(2, "whole", 1.0, 0.0), trial(3, "later", 0.0, 1.0)]
    best_first = ["high", "whole", "later", "short", "low"]
    assert [each.instruction for each in ranked([*trials, trial(4, "high", 1.0)])] == best_first


def test_a_proposal_says_it_in_both_ways():
    proposal = propose("Do.", "give the", (0.5,), np.random.default_rng(0))
    assert proposal.z == (0.5,)
    assert (proposal.rewrite.prompt, proposal.rewrite.start) == ("Do.", "give the")
    assert 0 <= proposal.rewrite.seed < 2**31
