"""CAPO: who survives when length has a price, and its children."""

from collections import Counter

import pytest

from instructzero.errors import ConfigurationError
from instructzero.optimizers.capo import Capo, merge_and_rephrase
from instructzero.optimizers.metaprompts import guess
from instructzero.types import Candidate, Evaluation, Proposal, Rewrite, Trial, Writing

SHOWN = "Input: hot\nOutput: cold"


def made(**parts):
    return Capo(dimension=2, seed=0, demonstrations=SHOWN, **parts)


def trial(number, text, right, examples=100, z=(0.0, 0.0)):
    scores = tuple(float(example < right) for example in range(examples))
    proposal = Proposal(z, Rewrite(guess(SHOWN), "", 0))
    return Trial(number, 0, proposal, Writing(text, text), Evaluation(scores, ("",) * examples))


def told(*trials, **parts):
    optimizer = made(**parts)
    optimizer.tell(trials)
    return optimizer


def of_words(name, count):
    return " ".join([name] * count)


def named(proposal):
    """The names of the parents in a request."""
    lines = [line for line in proposal.rewrite.prompt.splitlines() if line.startswith("Instruction ")]
    return [line.split()[2] for line in lines]


def population(optimizer):
    """The names of all members: enough children are asked for that every one is a parent."""
    return {name for proposal in optimizer.ask(200) for name in named(proposal)}


def test_survivors_by_hand():
    """The longest first text has 10 words: each word costs 0.005, also in later texts.

    Worth: a 0.80 - 0.050 = 0.750, b 0.76 - 0.005 = 0.755, c 0.50 - 0.025 = 0.475, d 0.84 - 0.100 = 0.740,
    e 0.47 - 0.005 = 0.465.
    """
    first = [trial(0, of_words("a", 10), 80), trial(1, "b", 76), trial(2, of_words("c", 5), 50)]
    children = [trial(3, of_words("d", 20), 84), trial(4, "e", 47)]
    assert population(told(*first, *children, population=3, batch=200)) == {"a", "b", "d"}
    longer = trial(5, of_words("f", 40), 94)  # 0.94 - 0.200 = 0.740, behind d, which came earlier
    assert population(told(*first, *children, longer, population=3, batch=200)) == {"a", "b", "d"}
    better = trial(5, of_words("f", 40), 96)  # 0.76
    assert population(told(*first, *children, better, population=3, batch=200)) == {"a", "b", "f"}


def test_length_decides_where_scores_are_equal():
    trials = [trial(number, of_words(name, words), 50) for number, (name, words) in
              enumerate([("a", 9), ("b", 3), ("c", 7), ("d", 2), ("e", 8)])]  # fmt: skip
    assert population(told(*trials, population=3, batch=200)) == {"b", "d", "c"}


def test_of_one_worth_the_one_on_more_examples_survives():
    """All of one length: b dropped out at 5 of 10, and c at 6 of 10."""
    trials = [trial(0, "a", 90), trial(1, "b", 5, 10), trial(2, "c", 6, 10), trial(3, "d", 50)]
    assert population(told(*trials, population=3, batch=200)) == {"a", "c", "d"}


def test_parents_are_any_two_members_alike():
    """Six ordered pairs of three members: of 3,000 children 500 each, within five standard deviations of 20."""
    trials = [trial(0, "a", 90), trial(1, "b", 5), trial(2, "c", 0)]
    pairs = Counter(tuple(named(each)) for each in told(*trials, population=3, batch=3000).ask(3000))
    assert pairs.keys() == {(a, b) for a in "abc" for b in "abc" if a != b}
    assert all(count == pytest.approx(500, abs=102) for count in pairs.values())


def test_a_child_is_asked_of_its_parents_for_the_task_and_begins_as_the_first():
    texts = {"say": "say the opposite", "invert": "invert every word", "flip": "flip its meaning"}
    trials = [trial(number, text, 50, z=(0.9, -0.9)) for number, text in enumerate(texts.values())]
    for child in told(*trials, population=3).ask(4):
        first, second = (texts[name] for name in named(child))
        assert child.rewrite.prompt == merge_and_rephrase(first, second, SHOWN)
        assert SHOWN in child.rewrite.prompt
        assert first.startswith(child.rewrite.start + " ")
        assert max(map(abs, child.z)) <= 1


def test_it_begins_with_guesses_and_asks_for_few_children_a_round():
    optimizer = made()
    assert [each.rewrite.prompt for each in optimizer.ask(100)] == [guess(SHOWN)] * 10
    optimizer.tell([trial(number, f"text {number}", number) for number in range(10)])
    assert [len(optimizer.ask(limit)) for limit in (1, 3, 4, 100)] == [1, 3, 4, 4]


def test_a_text_alone_is_crossed_with_itself():
    optimizer = told(trial(0, "say", 5), population=3)
    optimizer.tell([], [Candidate(Proposal((0.0, 0.0)), Writing("say", "say"))] * 2)
    assert [named(each) for each in optimizer.ask(2)] == [["say", "say"]] * 2


def test_only_new_texts_are_paid_for():
    optimizer = told(trial(0, "a", 5))
    candidates = [Candidate(Proposal((0.0, 0.0)), Writing(text, text)) for text in ("new", "a", "new", "newer")]
    assert optimizer.choose(candidates, 10) == [0, 3]


def test_too_small_a_population_is_refused():
    with pytest.raises(ConfigurationError, match="at least 3, got 2"):
        made(population=2)
