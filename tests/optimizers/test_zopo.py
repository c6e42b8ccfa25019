"""ZOPO: its steps, the projection, the local exploration, and whole rounds on a pool."""

import numpy as np
import pytest
import torch

from instructzero.optimizers.methods.zopo import NEIGHBOURS, STEP, UNCERTAIN, Zopo, ascent, is_uncertain, nearest, step
from instructzero.optimizers.pool import Pool
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def identity(points):
    return torch.tensor(points, dtype=torch.float64)


class Known:
    """A constant gradient, with a given share of its prior variance remaining."""

    def __init__(self, gradient, share):
        self._gradient, self._share = tensor(*gradient), share

    def gradient(self, point):
        return self._gradient

    def slope_variance(self, point, direction):
        assert direction.norm().item() == pytest.approx(1)
        return self._share * 4.0, 4.0


EAST, SURE, UNSURE = (7.0, 0.0), UNCERTAIN - 0.01, UNCERTAIN + 0.01
LINE = torch.stack([torch.arange(30).double() * 0.5, torch.zeros(30).double()], dim=1)
"""Candidates half a unit apart."""


def open_but(*closed):
    texts = torch.arange(len(LINE))
    texts[list(closed)] = -1
    return texts


def test_step_length_does_not_depend_on_the_gradient_norm():
    np.testing.assert_allclose(
        step(Known((0.03, 0.04), 0), tensor(1.0, 1.0)), [0.6 * STEP * 2**0.5, 0.8 * STEP * 2**0.5]
    )
    assert step(Known((0.0, 0.0), 0), tensor(1.0, 1.0)).tolist() == [0, 0]


def test_nearest_returns_the_nearest_allowed_candidate():
    candidates = tensor([0.0, 0.0], [1.0, 0.0], [1.2, 0.0], [0.0, 3.0])
    everything = torch.ones(4, dtype=torch.bool)
    assert nearest(candidates, tensor(0.9, 0.1), everything) == 1
    assert nearest(candidates, tensor(0.9, 0.1), tensor(1, 0, 1, 1).bool()) == 2
    assert nearest(candidates, tensor(0.9, 0.1), tensor(1, 0, 0, 1).bool()) == 0


def test_certain_gradient_is_followed():
    """From 5.0 a step of 0.71 leads to 5.71: candidate 11 at 5.5 is nearest. The next are 6.21, 6.71 and so on."""
    assert ascent(Known(EAST, SURE), LINE, open_but(10), 10, 4) == [11, 12, 13, 14]
    assert ascent(Known((-1.0, 0.0), SURE), LINE, open_but(10), 10, 3) == [9, 8, 7]


def test_step_skips_evaluated_candidates():
    assert ascent(Known(EAST, SURE), LINE, open_but(10, 11, 12), 10, 2) == [13, 14]


def test_uncertain_gradient_returns_open_neighbours_first():
    assert NEIGHBOURS == 10
    wanted = ascent(Known(EAST, UNSURE), LINE, open_but(10, 11, 7), 10, 10)
    assert sorted(wanted[:8]) == [5, 6, 8, 9, 12, 13, 14, 15]
    assert wanted[0] == 9
    assert wanted[8:] == [16, 17]


def test_uncertain_gradient_is_followed_once_neighbours_are_evaluated():
    assert ascent(Known(EAST, UNSURE), LINE, open_but(*range(5, 16)), 10, 2) == [16, 17]


def test_is_uncertain_compares_remaining_variance_with_the_prior():
    point = tensor(0.0, 0.0)
    assert is_uncertain(Known(EAST, UNSURE), point)
    assert not is_uncertain(Known(EAST, SURE), point)
    assert is_uncertain(Known((0.0, 0.0), SURE), point)


def test_ascent_returns_one_candidate_of_equal_texts():
    texts = torch.arange(len(LINE))
    texts[[10, 11]] = -1
    texts[13] = texts[12]
    assert ascent(Known(EAST, SURE), LINE, texts, 10, 2) == [12, 14]


def test_ascent_returns_at_most_the_open_candidates():
    assert ascent(Known(EAST, SURE), LINE, open_but(*range(28)), 0, 5) == [28, 29]


DIMENSION = 6


def score_of(z):
    """Return scores on ten examples that increase with the first coordinate."""
    return tuple(float(z[0] > threshold) for threshold in np.linspace(-0.95, 0.95, 10))


def written(proposals, text=str):
    return [Candidate(proposal, Writing("", text(proposal.z))) for proposal in proposals]


def play(optimizer, trials, limit=100, scores=score_of, text=str):
    candidates = written(optimizer.ask(limit), text)
    chosen = optimizer.choose(candidates, limit)
    new = [
        Trial(
            len(trials) + number,
            0,
            candidates[position].proposal,
            candidates[position].writing,
            Evaluation(scores(candidates[position].proposal.z), ("",) * len(scores(candidates[position].proposal.z))),
        )
        for number, position in enumerate(chosen)
    ]
    optimizer.tell(new, [candidate for position, candidate in enumerate(candidates) if position not in chosen])
    trials.extend(new)
    return new


def make(represent=identity, **parts):
    return Zopo(dimension=DIMENSION, seed=2, represent=represent, **parts)


def test_first_round_is_the_beginning_of_the_pool():
    optimizer = make(initial=12)
    pool = Pool(dimension=DIMENSION, seed=2, represent=identity)
    assert [proposal.z for proposal in optimizer.ask(100)[:12]] == list(pool.points[:12])
    assert len(play(optimizer, [])) == 12


def test_interrupted_first_round_is_completed_with_the_same_points():
    at_once, in_pieces, whole, parts = make(initial=12), make(initial=12), [], []
    play(at_once, whole)
    for limit in (5, 5, 5):
        play(in_pieces, parts, limit=limit)
    assert [trial.proposal for trial in parts] == [proposal.proposal for proposal in whole]
    assert at_once.ask(5) == in_pieces.ask(5)


def test_later_rounds_score_higher():
    """Scores depend on the first coordinate only, and its mean increases in later rounds."""
    optimizer, trials = make(), []
    for _ in range(7):
        play(optimizer, trials)
    first, last = trials[:20], trials[-10:]
    assert len(trials) == 50
    assert np.mean([trial.proposal.z[0] for trial in last]) > np.mean([trial.proposal.z[0] for trial in first]) + 0.4
    assert max(trial.score for trial in trials) == 1


def test_round_begins_at_the_best_candidate():
    """Candidates of an exploration are among the nearest to the best one."""
    optimizer, trials = make(), []
    play(optimizer, trials)
    best = max(trials, key=lambda trial: trial.score)
    features = Pool(dimension=DIMENSION, seed=2, represent=identity).features
    distances = (features - features[trials.index(best)]).norm(dim=1)
    nearby = {
        Pool(dimension=DIMENSION, seed=2, represent=identity).points[i] for i in distances.argsort()[1:16].tolist()
    }
    assert optimizer.ask(1)[0].z in nearby


def test_raced_scores_are_used_as_they_are():
    def raced(z):
        return score_of(z) if z[0] > 0 else score_of(z)[::2]

    optimizer, trials = make(), []
    for _ in range(3):
        play(optimizer, trials, scores=raced)
    assert {len(trial.evaluation.scores) for trial in trials} == {5, 10}
    assert len(trials) == 30


@pytest.mark.parametrize("represent", [identity, lambda points: torch.zeros(len(points), 3)])
def test_equal_scores_and_representations_still_give_new_texts(represent):
    optimizer, trials = make(represent), []
    for _ in range(3):
        play(optimizer, trials, scores=lambda z: (1.0, 1.0))
    assert len({trial.instruction for trial in trials}) == 30


def test_exhausted_pool_chooses_nothing_and_evaluates_no_text_twice():
    """All 500 points give one of four texts."""
    optimizer, trials = make(initial=3), []

    def quarter(z):
        return f"{z[0] > 0} {z[1] > 0}"

    counts = [len(play(optimizer, trials, text=quarter)) for _ in range(30)]
    assert sorted(trial.instruction for trial in trials) == ["False False", "False True", "True False", "True True"]
    assert counts[-3:] == [0, 0, 0]
    assert optimizer.ask(5)


def test_points_outside_the_pool_are_ignored():
    optimizer = make(initial=1)
    plain = Trial(0, 0, Proposal(None), Writing("", "plain"), Evaluation((1.0,), ("",)))
    optimizer.tell([plain])
    candidates = written(optimizer.ask(5))
    assert optimizer.choose(candidates, 5) == [0, 1, 2, 3, 4]


def test_representations_are_computed_at_the_first_ascent():
    calls = []

    def represent(points):
        calls.append(len(points))
        return identity(points)

    optimizer, trials = make(represent), []
    play(optimizer, trials)
    assert calls == []
    play(optimizer, trials)
    play(optimizer, trials)
    assert calls == [500]
