"""The requests and moves that the methods for texts share."""

import numpy as np
from hypothesis import given, settings
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


def test_requests_quote_their_input_and_end_with_the_envelope():
    assert SHOWN in guess(SHOWN)
    assert "Sort the words." in vary("Sort the words.")
    assert all(request.endswith(f"\n\n{ENVELOPE}") for request in (guess(SHOWN), vary("Sort the words.")))
    assert "<prompt> and </prompt>" in ENVELOPE


@settings(deadline=None)
@given(st.lists(st.text("abc,.", min_size=1, max_size=5), min_size=2, max_size=8), st.integers(0, 1000))
def test_beginning_is_a_proper_prefix_of_the_words(words, seed):
    cut = beginning(" ".join(words), np.random.default_rng(seed)).split()
    assert cut == words[: len(cut)]
    assert 1 <= len(cut) < len(words)


def test_beginning_cuts_before_any_word_but_the_first():
    generator = np.random.default_rng(0)
    cuts = {beginning("give the opposite word", generator) for _ in range(50)}
    assert cuts == {"give", "give the", "give the opposite"}


def test_beginning_of_a_single_word_is_empty():
    generator = np.random.default_rng(0)
    assert beginning("sort", generator) == beginning("", generator) == ""


def test_random_point_fills_the_box():
    generator = np.random.default_rng(0)
    points = np.array([random_point(generator, 3) for _ in range(200)])
    assert points.shape == (200, 3)
    assert -1 <= points.min() < -0.95
    assert 0.95 < points.max() <= 1


def test_guesses_share_a_request_and_differ_in_sample_and_point():
    proposals = guesses(SHOWN, 4, np.random.default_rng(0), dimension=2)
    assert {proposal.rewrite.prompt for proposal in proposals} == {guess(SHOWN)}
    assert {proposal.rewrite.start for proposal in proposals} == {""}
    assert len({proposal.rewrite.seed for proposal in proposals}) == len({proposal.z for proposal in proposals}) == 4


def test_fewer_guesses_are_a_prefix_of_more():
    few, more = (guesses(SHOWN, count, np.random.default_rng(0), dimension=2) for count in (2, 5))
    assert more[:2] == few


def test_fresh_returns_the_first_position_of_every_new_text():
    candidates = [candidate(text) for text in ("old", "b", "a", "b", "old", "c")]
    assert fresh(candidates, [trial(0, "old", 1.0)]) == [1, 2, 5]


def test_ranked_sorts_by_score_then_examples_then_number():
    trials = [trial(0, "low", 0.0), trial(1, "short", 0.5), trial(2, "whole", 1.0, 0.0), trial(3, "later", 0.0, 1.0)]
    best_first = ["high", "whole", "later", "short", "low"]
    assert [best.instruction for best in ranked([*trials, trial(4, "high", 1.0)])] == best_first


def test_propose_holds_the_request_and_the_beginning():
    proposal = propose("Do.", "give the", (0.5,), np.random.default_rng(0))
    assert proposal.z == (0.5,)
    assert (proposal.rewrite.prompt, proposal.rewrite.start) == ("Do.", "give the")
    assert 0 <= proposal.rewrite.seed < 2**31
