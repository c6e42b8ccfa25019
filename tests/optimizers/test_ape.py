"""APE: guesses, then variations of the best."""

from collections import Counter

import pytest

from instructzero.optimizers.ape import Ape
from instructzero.optimizers.metaprompts import guess, vary
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing

SHOWN = "Input: hot\nOutput: cold"


def told(scores, **parts):
    """An optimiser that has heard of instructions ``text number i`` with these scores, out of 20 examples."""
    optimizer = Ape(dimension=3, seed=0, demonstrations=SHOWN, **parts)
    optimizer.tell([trial(number, f"text number {number}", score) for number, score in enumerate(scores)])
    return optimizer


def trial(number, text, right):
    scores = tuple(float(example < right) for example in range(20))
    return Trial(number, 0, Proposal((0.0,) * 3), Writing(text, text), Evaluation(scores, ("",) * 20))


def test_it_begins_with_as_many_guesses_as_it_may():
    optimizer = Ape(dimension=3, seed=0, demonstrations=SHOWN)
    assert [each.rewrite.prompt for each in optimizer.ask(150)] == [guess(SHOWN)] * 25
    assert len(optimizer.ask(7)) == 7


def test_guesses_that_came_out_the_same_are_not_made_up_for():
    optimizer = Ape(dimension=3, seed=0, demonstrations=SHOWN, initial=4, batch=2)
    (first, *others) = optimizer.ask(10)
    same = Writing("sort the words", "sort the words")
    assert optimizer.choose([Candidate(each, same) for each in (first, *others)], 10) == [0]
    optimizer.tell([trial(0, "sort the words", 3)], [Candidate(each, same) for each in others])
    assert [each.rewrite.prompt for each in optimizer.ask(10)] == [vary("sort the words")] * 2


def test_parents_are_exactly_the_best_fifth_of_the_population_each_as_often():
    """25 guesses: 5 are kept, of which two share a score; 25 variations: 5 of each."""
    scores = [1, 17, 2, 3, 4, 5, 6, 20, 7, 8, 9, 0, 15, 10, 11, 15, 12, 1, 2, 3, 19, 14, 5, 14, 6]
    prompts = Counter(each.rewrite.prompt for each in told(scores).ask(100))
    assert prompts == {vary(f"text number {number}"): 5 for number in (7, 20, 1, 12, 15)}


def test_the_best_parents_come_first_where_little_may_be_paid():
    scores = [1, 17, 2, 3, 4, 5, 6, 20, 7, 8]
    prompts = [each.rewrite.prompt for each in told(scores, initial=10, batch=5).ask(1)]
    assert prompts == [vary("text number 7")]


def test_survivors_stay_parents_until_better_ones_come():
    optimizer = told([0, 9, 1, 2, 3, 4, 5, 10, 6, 7], initial=10, batch=4)
    optimizer.tell([trial(10, "worse one", 8), trial(11, "better one", 11)])
    assert {each.rewrite.prompt for each in optimizer.ask(4)} == {vary("better one"), vary("text number 7")}


def test_the_writer_goes_on_from_the_first_words_of_the_parent():
    proposals = told([20], initial=1, batch=30).ask(100)
    assert {each.rewrite.start for each in proposals} == {"text", "text number"}
    assert len({each.z for each in proposals}) == len({each.rewrite.seed for each in proposals}) == 30


def test_a_round_that_brought_nothing_new_is_followed_by_another():
    optimizer = told([3, 4], initial=2, batch=3)
    before = optimizer.ask(10)
    optimizer.tell([], [Candidate(each, Writing("text number 0", "text number 0")) for each in before])
    assert not {each.rewrite.seed for each in before} & {each.rewrite.seed for each in optimizer.ask(10)}


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_only_new_texts_are_paid_for_within_the_limit(limit):
    optimizer = told([3, 4], initial=2)
    texts = ["text number 0", "new", "new", "newer", "text number 1", "newest"]
    candidates = [Candidate(Proposal((0.0,) * 3), Writing(text, text)) for text in texts]
    assert optimizer.choose(candidates, limit) == [1, 3, 5][:limit]
