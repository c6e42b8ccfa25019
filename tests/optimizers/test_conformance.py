"""What every optimiser must hold to, whatever its method."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.optimizers import InstructZero, PaperSettings, Uniform
from instructzero.types import Evaluation, Trial, Writing

DIMENSION = 4
SMALL = PaperSettings(initial=6, batch=5, population=8, generations=3)
MAKERS = {
    "paper": lambda seed: InstructZero(dimension=DIMENSION, seed=seed, settings=SMALL),
    "uniform": lambda seed: Uniform(dimension=DIMENSION, seed=seed, batch=5),
}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def informative(z):
    """Scores that grow with the first coordinate, out of 8 examples."""
    return tuple(float(z[0] > threshold) for threshold in np.linspace(-0.9, 0.9, 8))


def trials_for(proposals, first=0, scores=informative):
    return [
        Trial(first + index, 0, each, Writing("", ""), Evaluation(scores(each.z), ("",) * 8))
        for index, each in enumerate(proposals)
    ]


def run(optimizer, rounds=4, limit=100, scores=informative):
    """All trials of a few rounds."""
    trials = []
    for _ in range(rounds):
        new = trials_for(optimizer.ask(limit), len(trials), scores)
        optimizer.tell(new)
        trials += new
    return trials


def test_asking_changes_nothing(make):
    optimizer = make(0)
    run(optimizer, rounds=2)
    assert optimizer.ask(5) == optimizer.ask(5)


def test_same_seed_same_run_and_another_seed_another(make):
    assert run(make(3)) == run(make(3))
    assert run(make(3)) != run(make(4))


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 21), name=st.sampled_from(sorted(MAKERS)))
def test_told_in_pieces_or_at_once_it_asks_the_same(cut, name):
    trials = run(MAKERS[name](1))
    at_once, in_pieces = MAKERS[name](1), MAKERS[name](1)
    at_once.tell(trials)
    in_pieces.tell(trials[:cut])
    in_pieces.tell(trials[cut:])
    assert at_once.ask(5) == in_pieces.ask(5)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_asks_for_one_to_limit_points_in_the_box(make, limit):
    optimizer = make(0)
    for _ in range(4):
        proposals = optimizer.ask(limit)
        assert 1 <= len(proposals) <= limit
        assert all(len(each.z) == DIMENSION and max(map(abs, each.z)) <= 1 for each in proposals)
        optimizer.tell(trials_for(proposals))


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_constant_scores_are_no_obstacle(make, constant):
    trials = run(make(0), scores=lambda z: (constant,) * 8)
    assert len({trial.proposal for trial in trials}) > len(trials) // 2


def test_global_generators_are_untouched(make):
    import random

    import torch

    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()
    run(make(0), rounds=2)
    assert before == (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.random.get_rng_state().tolist(),
    )
