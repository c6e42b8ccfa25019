"""INSTINCT: the first points, and the upper confidence bounds of the network."""

import pytest
import torch

from instructzero.bo.neural import predict, principal_components, train
from instructzero.bo.surrogate import standardise
from instructzero.optimizers.bandit import CANDIDATES
from instructzero.optimizers.methods.instinct import Instinct
from instructzero.optimizers.pool import Pool
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing

LAYER = torch.randn(3, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def represent(points):
    return torch.tanh(torch.tensor(points, dtype=torch.float64) @ LAYER)


@pytest.fixture
def optimizer():
    return Instinct(dimension=3, seed=0, represent=represent, initial=6, batch=2)


@pytest.fixture
def pool():
    return Pool(dimension=3, seed=0, represent=represent)


def text_for(z):
    return " ".join(str(round(4 * value)) for value in z)


def written(proposals):
    return [Candidate(proposal, Writing(text_for(proposal.z), text_for(proposal.z))) for proposal in proposals]


def evaluated(candidates, first=0):
    """Return trials whose scores increase with the first coordinate of the text."""
    hits = [round(2 * (float(candidate.instruction.split()[0]) + 4)) for candidate in candidates]
    return [
        Trial(
            first + number,
            0,
            candidate.proposal,
            candidate.writing,
            Evaluation((1.0,) * hit + (0.0,) * (16 - hit), ("",) * 16),
        )
        for number, (candidate, hit) in enumerate(zip(candidates, hits, strict=True))
    ]


def play(optimizer, rounds, limit=100):
    trials = []
    for _ in range(rounds):
        candidates = written(optimizer.ask(limit))
        chosen = optimizer.choose(candidates, limit)
        new = evaluated([candidates[index] for index in chosen], len(trials))
        optimizer.tell(new, [candidate for index, candidate in enumerate(candidates) if index not in chosen])
        trials += new
    return trials


def test_first_round_is_the_beginning_of_the_pool(optimizer, pool):
    proposals = optimizer.ask(100)
    assert [proposal.z for proposal in proposals] == list(pool.points[:12])
    assert len(optimizer.choose(written(proposals), 100)) == 6


def test_pool_is_represented_once():
    asked = []

    def counted(points):
        asked.append(len(points))
        return represent(points)

    play(Instinct(dimension=3, seed=0, represent=counted, initial=4, batch=2), rounds=4)
    assert asked == [500]


def test_ask_returns_the_largest_upper_confidence_bound_first(optimizer, pool):
    trials = evaluated(written(optimizer.ask(100)[:6]))
    optimizer.tell(trials)
    inputs, rows = principal_components(pool.features), torch.arange(6)
    scores = standardise(torch.tensor([trial.score for trial in trials], dtype=torch.float64))
    network = train(inputs[:6], rows, scores, seed=optimizer._network_seed)
    mean, covariance = predict(network, inputs, rows)
    bounds = mean + covariance.diagonal().sqrt()
    bounds[:6] = -torch.inf
    proposals = optimizer.ask(100)
    assert proposals[0].z == pool.points[int(bounds.argmax())]
    assert len({proposal.z for proposal in proposals}) == len(proposals) == 2 * CANDIDATES


def test_later_rounds_score_higher_than_the_first(optimizer):
    scores = [trial.score for trial in play(optimizer, rounds=6)]
    assert len(scores) == 6 + 5 * 2
    assert sum(scores[6:]) / 10 > sum(scores[:6]) / 6 + 0.2


def test_other_points_of_an_evaluated_text_receive_its_score(optimizer):
    candidates = written(optimizer.ask(100))
    optimizer.tell(evaluated(candidates[:6]))
    before, _ = optimizer._predicted()
    twin = Candidate(candidates[8].proposal, candidates[0].writing)
    optimizer.tell([], [twin])
    assert 8 in optimizer._record.scored()
    assert not torch.equal(before, optimizer._predicted()[0])
    assert twin.proposal not in optimizer.ask(100)


def test_exhausted_pool_still_asks_and_chooses_nothing(optimizer, pool):
    everywhere = [Candidate(Proposal(z), Writing("0", "0")) for z in pool.points]
    optimizer.tell(evaluated(everywhere[:1]), everywhere[1:])
    proposals = optimizer.ask(5)
    assert len(proposals) == 1
    assert optimizer.choose([Candidate(proposals[0], Writing("0", "0"))], 5) == []
