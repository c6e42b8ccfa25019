"""New ends for the beginnings of good instructions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.optimizers import REPAIRED, InstructZero
from instructzero.optimizers.continuations import PARENTS, briefest_of_each, continuations, due
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing


def trial(number, text, score):
    return Trial(number, 0, Proposal((float(number),)), Writing(text, text), Evaluation((score,), ("",)))


@given(st.lists(st.integers(1, 20), min_size=1), st.floats(0, 1))
def test_however_a_search_is_cut_into_rounds_the_share_is_kept(counts, share):
    done, continued = 0, 0
    for count in counts:
        part = due(done, count, share)
        assert 0 <= part <= count
        done, continued = done + count, continued + part
    assert abs(continued - share * done) < 1 + 1e-6


@given(st.lists(st.sampled_from([0.0, 0.2, 1.0]), min_size=1, max_size=8), st.integers(0, 2**32))
def test_beginnings_are_drawn_by_roulette_each_under_all_new_points(scores, seed):
    parents = [trial(number, f"text {number} goes on and on", score) for number, score in enumerate(scores)]
    fresh = iter(np.arange(100.0).reshape(-1, 2, 1))
    proposals = continuations(parents, 6, lambda: next(fresh), np.random.default_rng(seed))
    assert [each.z for each in proposals] == [(float(number),) for number in range(12)]
    assert all(first.rewrite.prompt == second.rewrite.prompt for first, second in batched(proposals))
    assert all(first.rewrite.start == second.rewrite.start for first, second in batched(proposals))
    begun = [parent for each in proposals for parent in parents if parent.instruction in each.rewrite.prompt]
    assert all(parent.instruction.startswith(each.rewrite.start) for parent, each in zip(begun, proposals, strict=True))
    drawn = [parent.number for parent in begun[::2]]
    assert len(set(drawn)) == min(6, len(parents))
    assert drawn == [drawn[number % len(parents)] for number in range(6)]
    first_zero = next((place for place, number in enumerate(drawn) if not scores[number]), 6)
    assert first_zero >= min(6, sum(score > 0 for score in scores))


def batched(proposals):
    return zip(proposals[::2], proposals[1::2], strict=True)


def test_of_each_beginning_the_briefest_new_text_is_taken():
    parents = [trial(0, "sort the words", 1.0), trial(1, "reverse the words", 0.5)]
    proposals = continuations(parents, 2, lambda: np.zeros((3, 1)), np.random.default_rng(0))
    texts = ["one", "one two three", "one two", "one two", "one", "two"]
    candidates = [Candidate(each, Writing("", text)) for each, text in zip(proposals, texts, strict=True)]
    assert briefest_of_each(candidates, [1, 2, 4]) == [2, 4]
    assert briefest_of_each(candidates, [3, 4, 5]) == [4]


OPTIONS = replace(REPAIRED, initial=6, batch=5, continued=0.4)


def play(optimizer, rounds):
    """Rounds in which z[0] decides the first word and the score, and continuations are worth most."""
    trials = []
    for number in range(rounds):
        candidates = [Candidate(each, Writing("", text_for(each))) for each in optimizer.ask(5)]
        chosen = [candidates[position] for position in optimizer.choose(candidates, 5)]
        new = [
            Trial(len(trials) + place, number, each.proposal, each.writing, Evaluation((score_of(each),), ("",)))
            for place, each in enumerate(chosen)
        ]
        optimizer.tell(new, [each for each in candidates if each not in chosen])
        trials += new
    return trials


def text_for(proposal):
    start = f"{proposal.rewrite.start} then " if proposal.rewrite else ""
    return f"{start}{proposal.z[0]:.2f} {proposal.z[1]:.2f}"


def score_of(candidate):
    return 1.0 if candidate.proposal.rewrite else abs(candidate.proposal.z[0]) / 2


def test_the_share_of_the_evaluations_after_the_initial_ones_is_continued():
    trials = play(InstructZero(dimension=2, seed=0, options=OPTIONS), 8)
    continued = [trial.proposal.rewrite is not None for trial in trials]
    assert not any(continued[:6])
    assert sum(continued) == int(0.4 * (len(trials) - 6))


def test_half_of_the_ends_are_written_around_the_places_of_good_texts():
    optimizer = InstructZero(dimension=2, seed=0, options=OPTIONS)
    trials = play(optimizer, 8)
    best = np.array([each.proposal.z for each in sorted(trials, key=lambda each: -each.score)[:PARENTS]])
    asked = np.array([each.z for each in optimizer.ask(5) if each.rewrite])
    anywhere = np.random.default_rng(0).uniform(-1, 1, (999, 2))
    ends = OPTIONS.candidates
    assert len(asked) == 2 * ends
    assert np.abs(asked).max() <= 1
    near = to_nearest(best, np.concatenate([asked[ends // 2 : ends], asked[-ends // 2 :]]))
    assert near.min() < 0.1
    assert np.median(near) < np.median(to_nearest(best, anywhere))


def to_nearest(places, points):
    return np.linalg.norm(points[:, None] - places, axis=2).min(1)


def test_a_continuation_says_nothing_about_the_points_around_its_own():
    """What continues a text scores 1 at any point, and the belief stays with what points alone score: at most 0.5."""
    optimizer = InstructZero(dimension=2, seed=0, options=OPTIONS)
    trials = play(optimizer, 8)
    places = np.array([trial.proposal.z for trial in trials if trial.proposal.rewrite])
    means, _ = optimizer.belief(places)
    assert means.max() < 0.6


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_search_of_only_one_kind_goes_on(share):
    optimizer = InstructZero(dimension=2, seed=0, options=replace(OPTIONS, continued=share))
    trials = play(optimizer, 5)
    assert [trial.proposal.rewrite is not None for trial in trials[6:]] == [share == 1] * (len(trials) - 6)
    assert len({trial.instruction for trial in trials}) == len(trials) == 21
