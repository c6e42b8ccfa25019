"""CAPO: survival with a length penalty, and the children."""

from collections import Counter

import pytest

from instructzero.errors import ConfigurationError
from instructzero.optimizers.metaprompts import guess
from instructzero.optimizers.methods.capo import Capo, merge_and_rephrase
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
    """Return the names of the parents in a request."""
    lines = [line for line in proposal.rewrite.prompt.splitlines() if line.startswith("Instruction ")]
    return [line.split()[2] for line in lines]


def population(optimizer):
    """Return the names of all members, which are the parents of 200 children."""
    return {name for proposal in optimizer.ask(200) for name in named(proposal)}


def test_survivors_match_hand_computed_fitness():
    """The longest first text has 10 words: a word costs 0.005, also in later texts.

    Fitness: a 0.80 - 0.050 = 0.750, b 0.76 - 0.005 = 0.755, c 0.50 - 0.025 = 0.475, d 0.84 - 0.100 = 0.740,
    e 0.47 - 0.005 = 0.465.
    """
    first = [trial(0, of_words("a", 10), 80), trial(1, "b", 76), trial(2, of_words("c", 5), 50)]
    children = [trial(3, of_words("d", 20), 84), trial(4, "e", 47)]
    assert population(told(*first, *children, population=3, batch=200)) == {"a", "b", "d"}
    longer = trial(5, of_words("f", 40), 94)  # 0.94 - 0.200 = 0.740, equal to d, which is earlier
    assert population(told(*first, *children, longer, population=3, batch=200)) == {"a", "b", "d"}
    better = trial(5, of_words("f", 40), 96)  # 0.76
    assert population(told(*first, *children, better, population=3, batch=200)) == {"a", "b", "f"}


def test_equal_scores_are_ranked_by_length():
    trials = [trial(number, of_words(name, words), 50) for number, (name, words) in
              enumerate([("a", 9), ("b", 3), ("c", 7), ("d", 2), ("e", 8)])]  # fmt: skip
    assert population(told(*trials, population=3, batch=200)) == {"b", "d", "c"}


def test_equal_fitness_is_ranked_by_number_of_examples():
    """All texts have the same length: b dropped out at 5 of 10, and c at 6 of 10."""
    trials = [trial(0, "a", 90), trial(1, "b", 5, 10), trial(2, "c", 6, 10), trial(3, "d", 50)]
    assert population(told(*trials, population=3, batch=200)) == {"a", "c", "d"}


def test_parents_are_drawn_uniformly_from_all_pairs():
    """Three members have six ordered pairs: 500 of 3,000 children for a pair, within five deviations of 20."""
    trials = [trial(0, "a", 90), trial(1, "b", 5), trial(2, "c", 0)]
    pairs = Counter(tuple(named(proposal)) for proposal in told(*trials, population=3, batch=3000).ask(3000))
    assert pairs.keys() == {(a, b) for a in "abc" for b in "abc" if a != b}
    assert all(count == pytest.approx(500, abs=102) for count in pairs.values())


def test_child_request_quotes_both_parents_and_starts_as_the_first():
    texts = {"say": "say the opposite", "invert": "invert every word", "flip": "flip its meaning"}
    trials = [trial(number, text, 50, z=(0.9, -0.9)) for number, text in enumerate(texts.values())]
    for child in told(*trials, population=3).ask(4):
        first, second = (texts[name] for name in named(child))
        assert child.rewrite.prompt == merge_and_rephrase(first, second, SHOWN)
        assert SHOWN in child.rewrite.prompt
        assert first.startswith(child.rewrite.start + " ")
        assert max(map(abs, child.z)) <= 1


def test_first_round_guesses_and_later_rounds_ask_for_four_children():
    optimizer = made()
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(100)] == [guess(SHOWN)] * 10
    optimizer.tell([trial(number, f"text {number}", number) for number in range(10)])
    assert [len(optimizer.ask(limit)) for limit in (1, 3, 4, 100)] == [1, 3, 4, 4]


def test_single_text_is_crossed_with_itself():
    optimizer = told(trial(0, "say", 5), population=3)
    optimizer.tell([], [Candidate(Proposal((0.0, 0.0)), Writing("say", "say"))] * 2)
    assert [named(proposal) for proposal in optimizer.ask(2)] == [["say", "say"]] * 2


def test_choose_returns_only_new_texts():
    optimizer = told(trial(0, "a", 5))
    candidates = [Candidate(Proposal((0.0, 0.0)), Writing(text, text)) for text in ("new", "a", "new", "newer")]
    assert optimizer.choose(candidates, 10) == [0, 3]


def test_population_below_three_is_refused():
    with pytest.raises(ConfigurationError, match="at least 3, got 2"):
        made(population=2)
