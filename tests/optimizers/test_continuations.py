"""New ends for the beginnings of good instructions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.optimizers import REPAIRED, InstructZero
from instructzero.optimizers.continuations import PARENTS, continuations, due, shortest_continuations
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing


def trial(number, text, score):
    return Trial(number, 0, Proposal((float(number),)), Writing(text, text), Evaluation((score,), ("",)))


@settings(deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1), st.floats(0, 1))
def test_share_does_not_depend_on_the_sizes_of_rounds(counts, share):
    done, continued = 0, 0
    for count in counts:
        part = due(done, count, share)
        assert 0 <= part <= count
        done, continued = done + count, continued + part
    assert abs(continued - share * done) < 1 + 1e-6


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.2, 1.0]), min_size=1, max_size=8), st.integers(0, 2**32))
def test_continuations_draw_different_parents_with_all_new_points(scores, seed):
    parents = [trial(number, f"text {number} goes on and on", score) for number, score in enumerate(scores)]
    fresh = iter(np.arange(100.0).reshape(-1, 2, 1))
    proposals = continuations(parents, 6, lambda: next(fresh), np.random.default_rng(seed))
    assert [proposal.z for proposal in proposals] == [(float(number),) for number in range(12)]
    assert all(first.rewrite.prompt == second.rewrite.prompt for first, second in batched(proposals))
    assert all(first.rewrite.start == second.rewrite.start for first, second in batched(proposals))
    begun = [parent for proposal in proposals for parent in parents if parent.instruction in proposal.rewrite.prompt]
    assert all(
        parent.instruction.startswith(proposal.rewrite.start) for parent, proposal in zip(begun, proposals, strict=True)
    )
    drawn = [parent.number for parent in begun[::2]]
    assert len(set(drawn)) == min(6, len(parents))
    assert drawn == [drawn[number % len(parents)] for number in range(6)]
    first_zero = next((place for place, number in enumerate(drawn) if not scores[number]), 6)
    assert first_zero >= min(6, sum(score > 0 for score in scores))


def batched(proposals):
    return zip(proposals[::2], proposals[1::2], strict=True)


def test_shortest_continuations_returns_one_text_for_each_beginning():
    parents = [trial(0, "sort the words", 1.0), trial(1, "reverse the words", 0.5)]
    proposals = continuations(parents, 2, lambda: np.zeros((3, 1)), np.random.default_rng(0))
    texts = ["one", "one two three", "one two", "one two", "one", "two"]
    candidates = [Candidate(proposal, Writing("", text)) for proposal, text in zip(proposals, texts, strict=True)]
    assert shortest_continuations(candidates, [1, 2, 4]) == [2, 4]
    assert shortest_continuations(candidates, [3, 4, 5]) == [4]


OPTIONS = replace(REPAIRED, initial=6, batch=5, continued=0.4)


def play(optimizer, rounds):
    """Play rounds in which z[0] determines the first word and the score, and continuations score highest."""
    trials = []
    for number in range(rounds):
        candidates = [Candidate(proposal, Writing("", text_for(proposal))) for proposal in optimizer.ask(5)]
        chosen = [candidates[position] for position in optimizer.choose(candidates, 5)]
        new = [
            Trial(
                len(trials) + place,
                number,
                candidate.proposal,
                candidate.writing,
                Evaluation((score_of(candidate),), ("",)),
            )
            for place, candidate in enumerate(chosen)
        ]
        optimizer.tell(new, [candidate for candidate in candidates if candidate not in chosen])
        trials += new
    return trials


def text_for(proposal):
    start = f"{proposal.rewrite.start} then " if proposal.rewrite else ""
    return f"{start}{proposal.z[0]:.2f} {proposal.z[1]:.2f}"


def score_of(candidate):
    return 1.0 if candidate.proposal.rewrite else abs(candidate.proposal.z[0]) / 2


def test_search_continues_the_set_share_after_the_initial_evaluations():
    trials = play(InstructZero(dimension=2, seed=0, options=OPTIONS), 8)
    continued = [trial.proposal.rewrite is not None for trial in trials]
    assert not any(continued[:6])
    assert sum(continued) == int(0.4 * (len(trials) - 6))


def test_half_of_the_endings_are_written_near_points_of_good_texts():
    optimizer = InstructZero(dimension=2, seed=0, options=OPTIONS)
    trials = play(optimizer, 8)
    best = np.array([trial.proposal.z for trial in sorted(trials, key=lambda trial: -trial.score)[:PARENTS]])
    asked = np.array([proposal.z for proposal in optimizer.ask(5) if proposal.rewrite])
    anywhere = np.random.default_rng(0).uniform(-1, 1, (999, 2))
    ends = OPTIONS.candidates
    assert len(asked) == 2 * ends
    assert np.abs(asked).max() <= 1
    near = to_nearest(best, np.concatenate([asked[ends // 2 : ends], asked[-ends // 2 :]]))
    assert near.min() < 0.1
    assert np.median(near) < np.median(to_nearest(best, anywhere))


def to_nearest(places, points):
    return np.linalg.norm(points[:, None] - places, axis=2).min(1)


def test_continuations_do_not_change_the_belief_about_points():
    """Continuations score 1 at any point; the belief is that of texts without a beginning, at most 0.5."""
    optimizer = InstructZero(dimension=2, seed=0, options=OPTIONS)
    trials = play(optimizer, 8)
    places = np.array([trial.proposal.z for trial in trials if trial.proposal.rewrite])
    means, _ = optimizer.belief(places)
    assert means.max() < 0.6


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_search_with_only_one_kind_of_proposal_runs(share):
    optimizer = InstructZero(dimension=2, seed=0, options=replace(OPTIONS, continued=share))
    trials = play(optimizer, 5)
    assert [trial.proposal.rewrite is not None for trial in trials[6:]] == [share == 1] * (len(trials) - 6)
    assert len({trial.instruction for trial in trials}) == len(trials) == 21
