"""EvoPrompt: the roulette, the next population, and the challengers of members."""

from collections import Counter

import numpy as np
import pytest

from instructzero.errors import ConfigurationError
from instructzero.optimizers.evolution import MUTATION, roulette, survivors
from instructzero.optimizers.metaprompts import guess
from instructzero.optimizers.methods.evoprompt_de import DIFFERENCE, DifferentialEvolution, Slots, differ_and_combine
from instructzero.optimizers.methods.evoprompt_ga import GeneticAlgorithm, cross_and_mutate, spin_twice
from instructzero.types import Candidate, Evaluation, Proposal, Rewrite, Trial, Writing

SHOWN = "Input: hot\nOutput: cold"
GUESS = Rewrite(guess(SHOWN), "", 0)


def made(variant, population=3, seed=0):
    kind = {"ga": GeneticAlgorithm, "de": DifferentialEvolution}[variant]
    return kind(dimension=2, seed=seed, demonstrations=SHOWN, population=population)


def trial(number, text, right, examples=10, z=(0.0, 0.0), rewrite=GUESS):
    scores = tuple(float(example < right) for example in range(examples))
    return Trial(number, 0, Proposal(z, rewrite), Writing(text, text), Evaluation(scores, ("",) * examples))


def guessed(*right):
    """Return trials of guesses ``text number i`` at different z."""
    return [trial(number, f"text number {number}", count, z=(0.1 * number, 0.2)) for number, count in enumerate(right)]


def named(proposal):
    """Return the instructions in a request, in order."""
    lines = [line for line in proposal.rewrite.prompt.splitlines() if line.startswith("Instruction ")]
    return [line.partition(": ")[2] for line in lines]


def told(variant, trials, **parts):
    optimizer = made(variant, **parts)
    optimizer.tell(trials)
    return optimizer


# Roulette


def test_roulette_matches_hand_computation():
    assert roulette([0.2, 0.0, 0.5, 0.3]).tolist() == pytest.approx([0.2, 0, 0.5, 0.3])
    assert roulette([1.0, 1.0, 0.5]).tolist() == pytest.approx([0.4, 0.4, 0.2])


def test_roulette_of_zero_scores_is_uniform():
    assert roulette([0.0] * 4).tolist() == [0.25] * 4


def test_spin_twice_draws_the_second_parent_by_roulette_among_the_others():
    """P(i, j) = p_i p_j / (1 - p_i); the counts of 4,000 draws are within five standard deviations."""
    generator = np.random.default_rng(0)
    drawn = Counter(spin_twice([0.2, 0.3, 0.5], generator) for _ in range(4000))
    by_hand = {(0, 1): 0.075, (0, 2): 0.125, (1, 0): 3 / 35, (1, 2): 3 / 14, (2, 0): 0.2, (2, 1): 0.3}
    assert drawn.keys() == by_hand.keys()
    for pair, chance in by_hand.items():
        assert drawn[pair] == pytest.approx(4000 * chance, abs=5 * (4000 * chance * (1 - chance)) ** 0.5)


def test_spin_twice_with_one_positive_score_draws_any_other_second():
    generator = np.random.default_rng(0)
    assert {spin_twice([0.0, 0.9, 0.0], generator) for _ in range(100)} == {(1, 0), (1, 2)}
    assert spin_twice([0.9], generator) == (0, 0)


# The genetic algorithm


def test_next_population_is_the_best_of_parents_and_children():
    """Parents 2, 8, 5 and children 8, 1, 6 of 10: the best three are 8 (the parent first), 8 and 6."""
    trials = guessed(2, 8, 5, 8, 1, 6)
    assert [trial.number for trial in survivors(trials, 3)] == [1, 3, 5]
    parents = {text for seed in range(20) for child in told("ga", trials, seed=seed).ask(3) for text in named(child)}
    assert parents == {"text number 1", "text number 3", "text number 5"}


def test_survivors_by_generation_equal_the_best_of_all():
    trials = guessed(2, 8, 5, 8, 1, 6, 7, 0, 9)
    by_generation = survivors(survivors(trials[:6], 3) + trials[6:], 3)
    assert by_generation == survivors(trials, 3) == [trials[8], trials[1], trials[3]]


def test_incomplete_scores_rank_behind_complete_ones_of_equal_mean():
    trials = [
        trial(0, "dropped at half", 1, examples=2),
        trial(1, "complete", 5),
        trial(2, "dropped at six tenths", 3, examples=5),
        trial(3, "later and complete", 5),
    ]
    assert [trial.number for trial in survivors(trials, 4)] == [2, 1, 3, 0]


def test_genetic_algorithm_draws_parents_by_score():
    """Scores 0.8, 0.1, 0.1: the best is the first parent of 80 in 100 children, within five standard deviations."""
    optimizer = told("ga", guessed(*[8, 1, 1] + [0] * 997), population=1000)
    first = Counter(named(proposal)[0] for proposal in optimizer.ask(1000))
    assert first["text number 0"] == pytest.approx(800, abs=65)
    assert first.keys() == {"text number 0", "text number 1", "text number 2"}


def test_child_request_quotes_two_texts_and_z_is_near_the_second():
    trials = [trial(0, "say the opposite now", 5, z=(0.5, 0.0)), trial(1, "invert it", 5, z=(-0.5, 0.0))]
    optimizer = told("ga", [*trials, *[trial(2 + n, f"dull {n}", 0) for n in range(498)]], population=500)
    children = optimizer.ask(500)
    for child in children:
        first, second = named(child)
        assert child.rewrite.prompt == cross_and_mutate(first, second)
        assert first != second
        assert child.rewrite.start in {"say", "say the", "say the opposite", "invert"}
        assert first.startswith(child.rewrite.start + " ")
        assert max(map(abs, child.z)) <= 1
    assert np.mean([child.z[0] for child in children if named(child)[1] == "invert it"]) < -0.3
    assert np.mean([child.z[0] for child in children if named(child)[0] == "invert it"]) > 0.3
    assert np.std([child.z[1] for child in children]) == pytest.approx(MUTATION, abs=0.1)
    assert len({child.rewrite.seed for child in children}) == 500


def test_single_text_is_crossed_with_itself():
    optimizer = made("ga")
    optimizer.tell([trial(0, "say the opposite", 5)], [Candidate(Proposal((0.0, 0.0), GUESS), Writing("", ""))] * 2)
    assert [named(proposal) for proposal in optimizer.ask(10)] == [["say the opposite"] * 2] * 3


# Differential evolution


def test_every_member_is_challenged_with_the_right_four_texts():
    """Members score 3, 9, 5, 1 and 9 of 10: the best is the second, earlier than the last."""
    optimizer = told("de", guessed(3, 9, 5, 1, 9), population=5)
    texts = [f"text number {number}" for number in range(5)]
    for place, proposal in enumerate(optimizer.ask(100)):
        first, second, best, own = named(proposal)
        assert (best, own) == ("text number 1", texts[place])
        assert len({first, second, own}) == 3
        assert {first, second} <= set(texts)
        assert proposal.rewrite.prompt == differ_and_combine(first, second, best, own)
        assert own.startswith(proposal.rewrite.start + " ")


def test_challenger_draws_any_two_other_members():
    pairs = {
        tuple(named(told("de", guessed(3, 9, 5, 1), population=4, seed=seed).ask(1)[0])[:2]) for seed in range(200)
    }
    others = ["text number 1", "text number 2", "text number 3"]
    assert pairs == {(a, b) for a in others for b in others if a != b}


def test_challenger_z_is_the_best_moved_along_the_difference():
    trials = [
        trial(0, "zero", 1, z=(0.2, 0.9)), trial(1, "one", 9, z=(0.6, -0.8)), trial(2, "two", 5, z=(-0.8, 0.7))
    ]  # fmt: skip
    z = {trial.instruction: np.array(trial.proposal.z) for trial in trials}
    for proposal in told("de", trials).ask(3):
        first, second, _, _ = named(proposal)
        assert proposal.z == pytest.approx((z["one"] + DIFFERENCE * (z[first] - z[second])).clip(-1, 1))


def test_child_replaces_its_own_member_only_if_better():
    """Members 3, 9, 5, 1; children 4 (better), 8 (worse), 5 (equal), 10 (better)."""
    optimizer = told("de", guessed(3, 9, 5, 1), population=4)
    children = [
        trial(4 + place, f"child of {place}", right, rewrite=proposal.rewrite)
        for place, (proposal, right) in enumerate(zip(optimizer.ask(100), (4, 8, 5, 10), strict=True))
    ]
    optimizer.tell(children)
    following = [named(proposal) for proposal in optimizer.ask(100)]
    assert [own for *_, own in following] == ["child of 0", "text number 1", "text number 2", "child of 3"]
    assert {best for _, _, best, _ in following} == {"child of 3"}


def test_child_keeps_its_slot_if_others_of_its_generation_repeat_texts():
    optimizer = told("de", guessed(3, 9, 5, 1), population=4)
    proposals = optimizer.ask(100)
    children = [
        trial(4, "child of 1", 10, rewrite=proposals[1].rewrite),
        trial(5, "child of 3", 0, rewrite=proposals[3].rewrite),
    ]
    optimizer.tell(children, [Candidate(proposals[place], Writing("old", "old")) for place in (0, 2)])
    own = [named(proposal)[3] for proposal in optimizer.ask(100)]
    assert own == ["text number 0", "child of 1", "text number 2", "text number 3"]


@pytest.mark.parametrize(
    ("member", "child", "replaced"),
    [((5, 10), (3, 5), True), ((5, 10), (1, 2), False), ((1, 2), (5, 10), True), ((1, 2), (1, 2), False)],
)
def test_raced_child_is_compared_by_mean_then_by_number_of_examples(member, child, replaced):
    trials = [trial(0, "own text", *member), trial(1, "one", 9), trial(2, "two", 2)]
    optimizer = told("de", trials)
    optimizer.tell([trial(3, "child", *child, rewrite=optimizer.ask(1)[0].rewrite)])
    assert [named(proposal)[3] for proposal in optimizer.ask(3)][-1] == ("child" if replaced else "own text")


def test_small_limit_challenges_members_in_turn():
    optimizer = told("de", guessed(3, 9, 5, 1), population=4)
    own = []
    for _ in range(4):
        (proposal,) = optimizer.ask(1)
        own.append(named(proposal)[3])
        optimizer.tell([], [Candidate(proposal, Writing("two", "two"))])
    assert own == [f"text number {number}" for number in range(4)]


def test_fewer_than_three_members_guess_again():
    optimizer = told("de", guessed(3, 9), population=4)
    optimizer.tell([], [Candidate(Proposal((0.0, 0.0), GUESS), Writing("", ""))] * 2)
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(100)] == [guess(SHOWN)] * 4
    optimizer.tell([trial(2, "text number 2", 4)])
    assert [named(proposal)[3] for proposal in optimizer.ask(100)] == [
        "text number 2",
        "text number 0",
        "text number 1",
    ]


# Both


def test_slots_decode_the_slot_of_a_sample_number():
    slots, generator = Slots(7), np.random.default_rng(0)
    samples = [slots.draw_sample(slot, generator) for slot in range(7)]
    assert [slots.of(Rewrite("", "", sample)) for sample in samples] == list(range(7))
    assert all(0 <= sample < 2**31 for sample in samples)


@pytest.mark.parametrize("variant", ["ga", "de"])
def test_ask_returns_at_most_a_generation_or_the_limit(variant):
    optimizer = made(variant, population=4)
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(100)] == [guess(SHOWN)] * 4
    assert len(optimizer.ask(3)) == 3
    optimizer.tell(guessed(3, 9, 5, 1))
    assert [len(optimizer.ask(limit)) for limit in (1, 3, 4, 100)] == [1, 3, 4, 4]


@pytest.mark.parametrize("variant", ["ga", "de"])
def test_generation_without_new_texts_is_followed_by_other_samples(variant):
    optimizer = told(variant, guessed(3, 9, 5))
    before = optimizer.ask(10)
    optimizer.tell([], [Candidate(proposal, Writing("text number 0", "text number 0")) for proposal in before])
    assert not {proposal.rewrite.seed for proposal in before} & {
        proposal.rewrite.seed for proposal in optimizer.ask(10)
    }


@pytest.mark.parametrize("variant", ["ga", "de"])
def test_choose_returns_only_new_texts(variant):
    optimizer = told(variant, guessed(3, 9, 5))
    texts = ["new", "text number 0", "new", "newer"]
    candidates = [Candidate(Proposal((0.0, 0.0)), Writing(text, text)) for text in texts]
    assert optimizer.choose(candidates, 10) == [0, 3]
    assert optimizer.choose(candidates, 1) == [0]


def test_population_below_three_is_refused():
    with pytest.raises(ConfigurationError, match="at least 3, got 2"):
        made("de", population=2)
