import pytest
import torch

from instructzero.bo.neural import believe, principal_components, train
from instructzero.bo.surrogate import standardise
from instructzero.optimizers.instinct import CANDIDATES, Instinct
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
    return " ".join(str(round(4 * each)) for each in z)


def written(proposals):
    return [Candidate(each, Writing(text_for(each.z), text_for(each.z))) for each in proposals]


def evaluated(candidates, first=0):
    """Scores that grow with the first coordinate of the text."""
    hits = [round(2 * (float(each.instruction.split()[0]) + 4)) for each in candidates]
    return [
        Trial(
            first + number, 0, each.proposal, each.writing, Evaluation((1.0,) * hit + (0.0,) * (16 - hit), ("",) * 16)
        )
        for number, (each, hit) in enumerate(zip(candidates, hits, strict=True))
    ]


def play(optimizer, rounds, limit=100):
    trials = []
    for _ in range(rounds):
        candidates = written(optimizer.ask(limit))
        chosen = optimizer.choose(candidates, limit)
        new = evaluated([candidates[index] for index in chosen], len(trials))
        optimizer.tell(new, [each for index, each in enumerate(candidates) if index not in chosen])
        trials += new
    return trials


def test_begins_with_the_first_points_of_the_pool_and_pays_for_as_many_as_are_wanted(optimizer, pool):
    proposals = optimizer.ask(100)
    assert [each.z for each in proposals] == list(pool.points[:12])
    assert len(optimizer.choose(written(proposals), 100)) == 6


def test_the_writer_represents_the_pool_once():
    asked = []

    def counted(points):
        asked.append(len(points))
        return represent(points)

    play(Instinct(dimension=3, seed=0, represent=counted, initial=4, batch=2), rounds=4)
    assert asked == [500]


def test_asks_for_the_largest_mean_plus_sigma_first(optimizer, pool):
    trials = evaluated(written(optimizer.ask(100)[:6]))
    optimizer.tell(trials)
    inputs, rows = principal_components(pool.features), torch.arange(6)
    scores = standardise(torch.tensor([trial.score for trial in trials], dtype=torch.float64))
    network = train(inputs[:6], rows, scores, seed=optimizer._network_seed)
    mean, covariance = believe(network, inputs, rows)
    bounds = mean + covariance.diagonal().sqrt()
    bounds[:6] = -torch.inf
    proposals = optimizer.ask(100)
    assert proposals[0].z == pool.points[int(bounds.argmax())]
    assert len({each.z for each in proposals}) == len(proposals) == 2 * CANDIDATES


def test_what_the_network_chooses_is_better_than_the_first_points(optimizer):
    scores = [trial.score for trial in play(optimizer, rounds=6)]
    assert len(scores) == 6 + 5 * 2
    assert sum(scores[6:]) / 10 > sum(scores[:6]) / 6 + 0.2


def test_a_text_that_was_paid_for_lends_its_score_to_other_points(optimizer):
    candidates = written(optimizer.ask(100))
    optimizer.tell(evaluated(candidates[:6]))
    before, _ = optimizer._believed()
    twin = Candidate(candidates[8].proposal, candidates[0].writing)
    optimizer.tell([], [twin])
    assert 8 in optimizer._record.scored()
    assert not torch.equal(before, optimizer._believed()[0])
    assert twin.proposal not in optimizer.ask(100)


def test_when_every_text_of_the_pool_was_paid_for_it_still_asks_and_chooses_nothing(optimizer, pool):
    everywhere = [Candidate(Proposal(z), Writing("0", "0")) for z in pool.points]
    optimizer.tell(evaluated(everywhere[:1]), everywhere[1:])
    proposals = optimizer.ask(5)
    assert len(proposals) == 1
    assert optimizer.choose([Candidate(proposals[0], Writing("0", "0"))], 5) == []
