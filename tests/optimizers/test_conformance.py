"""What every optimiser must hold to, whatever its method."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.optimizers import PAPER, REPAIRED, InstructZero, Uniform
from instructzero.optimizers.ape import Ape
from instructzero.optimizers.capo import Capo
from instructzero.optimizers.dro import DistributionallyRobust
from instructzero.optimizers.evoprompt import EvoPrompt
from instructzero.optimizers.instinct import Instinct
from instructzero.optimizers.opro import Opro
from instructzero.optimizers.presto import Presto
from instructzero.optimizers.zopo import Zopo
from instructzero.types import Candidate, Evaluation, Trial, Writing

DIMENSION = 4
SMALL = {"initial": 6, "batch": 5, "population": 8, "generations": 3}
SHOWN = "Input: hot\nOutput: cold"
LAYER = torch.randn(DIMENSION, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def represent(points):
    """What a writer makes of points before it writes."""
    return torch.tanh(torch.tensor(points, dtype=torch.float64) @ LAYER)


POOLED = {"dimension": DIMENSION, "represent": represent, "initial": 6, "batch": 5}
POPULATION = {"dimension": DIMENSION, "demonstrations": SHOWN, "population": 6}
MAKERS = {
    "instructzero": lambda seed: InstructZero(dimension=DIMENSION, seed=seed, options=replace(REPAIRED, **SMALL)),
    "paper": lambda seed: InstructZero(dimension=DIMENSION, seed=seed, options=replace(PAPER, **SMALL)),
    "uniform": lambda seed: Uniform(dimension=DIMENSION, seed=seed, batch=5),
    "ape": lambda seed: Ape(dimension=DIMENSION, seed=seed, demonstrations=SHOWN, initial=6, batch=5),
    "opro": lambda seed: Opro(dimension=DIMENSION, seed=seed, demonstrations=SHOWN, initial=6, batch=5),
    "evoprompt-ga": lambda seed: EvoPrompt(seed=seed, variant="ga", **POPULATION),
    "evoprompt-de": lambda seed: EvoPrompt(seed=seed, variant="de", **POPULATION),
    "capo": lambda seed: Capo(seed=seed, **POPULATION),
    "instinct": lambda seed: Instinct(seed=seed, **POOLED),
    "presto": lambda seed: Presto(seed=seed, **POOLED),
    "zopo": lambda seed: Zopo(seed=seed, **POOLED),
    "dro": lambda seed: DistributionallyRobust(dimension=DIMENSION, seed=seed, options=replace(REPAIRED, **SMALL)),
}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def informative(z):
    """Scores that grow with the first coordinate, out of 8 examples."""
    return tuple(float(z[0] > threshold) for threshold in np.linspace(-0.9, 0.9, 8))


def text_for(proposal):
    """What a writer makes of a proposal: many points give one text, and a start is gone on from."""
    words = [str(round(3 * each)) for each in proposal.z]
    start = proposal.rewrite.start.split() if proposal.rewrite else []
    return " ".join([*start, *words[len(start) :]])


def written(proposals):
    return [Candidate(each, Writing(text_for(each), text_for(each))) for each in proposals]


def play_round(optimizer, trials, limit=100, scores=informative):
    """One round: ask, write, choose, evaluate, tell. Gives the new trials and what was not chosen."""
    candidates = written(optimizer.ask(limit))
    chosen = optimizer.choose(candidates, limit)
    new = [
        Trial(
            len(trials) + index, 0, candidates[position].proposal, candidates[position].writing, evaluate(scores, each)
        )
        for index, (position, each) in enumerate((position, candidates[position]) for position in chosen)
    ]
    unpaid = [each for position, each in enumerate(candidates) if position not in chosen]
    optimizer.tell(new, unpaid)
    return new, unpaid


def evaluate(scores, candidate):
    z = [float(part) / 3 for part in candidate.instruction.split()]
    return Evaluation(scores(z), ("",) * 8)


def run(optimizer, rounds=4, limit=100, scores=informative):
    """All trials of a few rounds, and all that was not chosen."""
    trials, unpaid = [], []
    for _ in range(rounds):
        new, others = play_round(optimizer, trials, limit, scores)
        trials += new
        unpaid += others
    return trials, unpaid


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
    trials, unpaid = run(MAKERS[name](1))
    at_once, in_pieces = MAKERS[name](1), MAKERS[name](1)
    at_once.tell(trials, unpaid)
    in_pieces.tell(trials[:cut])
    in_pieces.tell(trials[cut:], unpaid)
    assert at_once.ask(5) == in_pieces.ask(5)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_asks_for_points_in_the_box_and_pays_for_one_to_limit(make, limit):
    optimizer, trials = make(0), []
    for _ in range(4):
        proposals = optimizer.ask(limit)
        assert proposals
        assert all(len(each.z) == DIMENSION and max(map(abs, each.z)) <= 1 for each in proposals)
        assert optimizer.choose(written(proposals), limit) == optimizer.choose(written(proposals), limit)
        new, _ = play_round(optimizer, trials, limit)
        assert 1 <= len(new) <= limit
        trials += new


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_constant_scores_are_no_obstacle(make, constant):
    trials, _ = run(make(0), scores=lambda z: (constant,) * 8)
    assert len({trial.proposal for trial in trials}) > len(trials) // 2


def test_a_writer_that_always_writes_the_same_is_no_obstacle(make):
    optimizer = make(0)
    same = Writing("write", "write")
    for number in range(3):
        candidates = [Candidate(each, same) for each in optimizer.ask(5)]
        chosen = optimizer.choose(candidates, 5)
        assert len(chosen) <= 5
        evaluation = Evaluation((1.0, 0.0), ("", ""))
        trials = [Trial(5 * number + each, number, candidates[position].proposal, same, evaluation)
                  for each, position in enumerate(chosen)]  # fmt: skip
        optimizer.tell(trials, [each for position, each in enumerate(candidates) if position not in chosen])


@pytest.mark.parametrize(
    "name", ["instructzero", "ape", "opro", "evoprompt-ga", "evoprompt-de", "capo", "instinct", "presto"]
)
def test_a_method_that_writes_before_it_pays_never_pays_twice_for_a_text(name):
    trials, unpaid = run(MAKERS[name](2), rounds=6)
    texts = [trial.instruction for trial in trials]
    assert len(set(texts)) == len(texts)
    assert unpaid


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
