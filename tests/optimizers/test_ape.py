"""APE: guesses, then variations of the best instructions."""

from collections import Counter

import pytest

from instructzero.optimizers.metaprompts import guess, vary
from instructzero.optimizers.methods.ape import Ape
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing

SHOWN = "Input: hot\nOutput: cold"


def told(scores, **parts):
    """Return an optimizer with trials of instructions ``text number i``; ``scores`` are right answers of 20."""
    optimizer = Ape(dimension=3, seed=0, demonstrations=SHOWN, **parts)
    optimizer.tell([trial(number, f"text number {number}", score) for number, score in enumerate(scores)])
    return optimizer


def trial(number, text, right):
    scores = tuple(float(example < right) for example in range(20))
    return Trial(number, 0, Proposal((0.0,) * 3), Writing(text, text), Evaluation(scores, ("",) * 20))


def test_first_ask_returns_guesses_within_the_limit():
    optimizer = Ape(dimension=3, seed=0, demonstrations=SHOWN)
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(150)] == [guess(SHOWN)] * 25
    assert len(optimizer.ask(7)) == 7


def test_repeated_guesses_are_not_replaced():
    optimizer = Ape(dimension=3, seed=0, demonstrations=SHOWN, initial=4, batch=2)
    (first, *others) = optimizer.ask(10)
    same = Writing("sort the words", "sort the words")
    assert optimizer.choose([Candidate(proposal, same) for proposal in (first, *others)], 10) == [0]
    optimizer.tell([trial(0, "sort the words", 3)], [Candidate(proposal, same) for proposal in others])
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(10)] == [vary("sort the words")] * 2


def test_parents_are_the_best_fifth_in_equal_shares():
    """Of 25 guesses, 5 are kept, two of them with equal scores. Every one has 5 of the 25 variations."""
    scores = [1, 17, 2, 3, 4, 5, 6, 20, 7, 8, 9, 0, 15, 10, 11, 15, 12, 1, 2, 3, 19, 14, 5, 14, 6]
    prompts = Counter(proposal.rewrite.prompt for proposal in told(scores).ask(100))
    assert prompts == {vary(f"text number {number}"): 5 for number in (7, 20, 1, 12, 15)}


def test_small_limit_varies_the_best_parent_first():
    scores = [1, 17, 2, 3, 4, 5, 6, 20, 7, 8]
    prompts = [proposal.rewrite.prompt for proposal in told(scores, initial=10, batch=5).ask(1)]
    assert prompts == [vary("text number 7")]


def test_survivors_remain_parents_until_better_ones_appear():
    optimizer = told([0, 9, 1, 2, 3, 4, 5, 10, 6, 7], initial=10, batch=4)
    optimizer.tell([trial(10, "worse one", 8), trial(11, "better one", 11)])
    assert {proposal.rewrite.prompt for proposal in optimizer.ask(4)} == {vary("better one"), vary("text number 7")}


def test_start_is_the_beginning_of_the_parent():
    proposals = told([20], initial=1, batch=30).ask(100)
    assert {proposal.rewrite.start for proposal in proposals} == {"text", "text number"}
    assert len({proposal.z for proposal in proposals}) == len({proposal.rewrite.seed for proposal in proposals}) == 30


def test_round_without_new_texts_is_followed_by_other_samples():
    optimizer = told([3, 4], initial=2, batch=3)
    before = optimizer.ask(10)
    optimizer.tell([], [Candidate(proposal, Writing("text number 0", "text number 0")) for proposal in before])
    assert not {proposal.rewrite.seed for proposal in before} & {
        proposal.rewrite.seed for proposal in optimizer.ask(10)
    }


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_choose_returns_only_new_texts_within_the_limit(limit):
    optimizer = told([3, 4], initial=2)
    texts = ["text number 0", "new", "new", "newer", "text number 1", "newest"]
    candidates = [Candidate(Proposal((0.0,) * 3), Writing(text, text)) for text in texts]
    assert optimizer.choose(candidates, limit) == [1, 3, 5][:limit]
