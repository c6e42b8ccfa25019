"""PRESTO: the coverage of the pool, the consistency loss, and whole rounds."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.optimizers.methods.presto import (
    Presto,
    choose_covering,
    consistency_loss,
    coverage_scores,
    gaussian_kernel,
    shared_preimages,
    squared_mmd,
)
from instructzero.optimizers.pool import Pool
from instructzero.types import Candidate, Evaluation, Trial, Writing

LAYER = torch.randn(2, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def represent(points):
    return torch.tanh(torch.tensor(points, dtype=torch.float64) @ LAYER)


def tensor(rows):
    return torch.tensor(rows, dtype=torch.float64)


@pytest.fixture
def optimizer():
    return Presto(dimension=2, seed=0, represent=represent, initial=5, batch=3)


def text_for(z):
    return " ".join(str(round(3 * value)) for value in z)


def written(proposals):
    return [Candidate(proposal, Writing(text_for(proposal.z), text_for(proposal.z))) for proposal in proposals]


def evaluated(candidates, first=0):
    hits = [round(float(candidate.instruction.split()[0]) + 3) for candidate in candidates]
    return [
        Trial(
            first + number,
            0,
            candidate.proposal,
            candidate.writing,
            Evaluation((1.0,) * hit + (0.0,) * (6 - hit), ("",) * 6),
        )
        for number, (candidate, hit) in enumerate(zip(candidates, hits, strict=True))
    ]


def play_round(optimizer, trials, limit=100):
    candidates = written(optimizer.ask(limit))
    chosen = optimizer.choose(candidates, limit)
    new = evaluated([candidates[index] for index in chosen], len(trials))
    optimizer.tell(new, [candidate for index, candidate in enumerate(candidates) if index not in chosen])
    return candidates, new


class TestCoverage:
    """A pool of four points 0, 1, 2 and 4 on a line with the texts A, A, B and C.

    The squared distances of the pairs are 1, 1, 4, 4, 9 and 16. torch's median of an even number is the lower of the
    two in the middle: s² = 4.
    """

    POINTS = tensor([[0.0], [1.0], [2.0], [4.0]])
    MEMBERS = tensor([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    ONE, TWO, THREE, FOUR = (math.exp(-(distance**2) / 8) for distance in (1, 2, 3, 4))

    def test_kernel_is_gaussian_with_the_median_distance(self):
        one, two, three, four = self.ONE, self.TWO, self.THREE, self.FOUR
        by_hand = [[1, one, two, four], [one, 1, one, three], [two, one, 1, two], [four, three, two, 1]]
        assert gaussian_kernel(self.POINTS).numpy() == pytest.approx(np.array(by_hand))

    def test_kernel_of_equal_points_is_one(self):
        assert torch.equal(gaussian_kernel(torch.zeros(3, 2).double()), torch.ones(3, 3).double())

    def by_hand(self):
        """Return the squared MMD of A, B and C to the pool: mean within − 2 · mean across + mean of the pool."""
        one, two, three, four = self.ONE, self.TWO, self.THREE, self.FOUR
        pool = (4 + 2 * (2 * one + 2 * two + three + four)) / 16
        of_a = (2 + 2 * one) / 4 - 2 * ((1 + one + two + four) + (one + 1 + one + three)) / 8 + pool
        of_b = 1 - 2 * (two + one + 1 + two) / 4 + pool
        of_c = 1 - 2 * (four + three + two + 1) / 4 + pool
        return [of_a, of_b, of_c]

    def test_mmd_matches_hand_computation(self):
        assert squared_mmd(gaussian_kernel(self.POINTS), self.MEMBERS).tolist() == pytest.approx(self.by_hand())

    def test_coverage_score_is_relative_size_plus_one_minus_relative_mmd(self):
        of_a, of_b, of_c = self.by_hand()
        assert of_c > max(of_a, of_b)
        scores = coverage_scores(gaussian_kernel(self.POINTS), self.MEMBERS, torch.zeros(4).double())
        assert scores.tolist() == pytest.approx([1 + 1 - of_a / of_c, 0.5 + 1 - of_b / of_c, 0.5])

    def test_coverage_score_includes_the_taken_points(self):
        one, two, three, four = self.ONE, self.TWO, self.THREE, self.FOUR
        pool = (4 + 2 * (2 * one + 2 * two + three + four)) / 16
        rows = [1 + one + two + four, 2 * one + 1 + three, 2 * two + one + 1, 1 + two + three + four]
        with_b = (3 + 2 * (2 * one + two)) / 9 - 2 * (rows[0] + rows[1] + rows[2]) / 12 + pool
        with_c = (3 + 2 * (one + three + four)) / 9 - 2 * (rows[0] + rows[1] + rows[3]) / 12 + pool
        scores = coverage_scores(gaussian_kernel(self.POINTS), self.MEMBERS[1:], self.MEMBERS[0])
        worst = max(with_b, with_c)
        assert scores.tolist() == pytest.approx([1 + 1 - with_b / worst, 1 + 1 - with_c / worst])
        # C is as large as B, and no point near it was taken.
        assert choose_covering(gaussian_kernel(self.POINTS), self.MEMBERS, torch.zeros(4).double(), 2) == [0, 2]

    def test_choose_covering_takes_every_preimage_once(self):
        taken = choose_covering(gaussian_kernel(self.POINTS), self.MEMBERS, torch.zeros(4).double(), 9)
        assert sorted(taken) == [0, 1, 2]

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 1000))
    def test_mmd_is_non_negative_and_zero_for_the_whole_pool(self, seed):
        generator = torch.Generator().manual_seed(seed)
        kernel = gaussian_kernel(torch.randn(5, 2, generator=generator, dtype=torch.float64))
        some = torch.cat([(torch.rand(4, 5, generator=generator) > 0.5).double(), torch.ones(1, 5).double()])
        mmd = squared_mmd(kernel, some[some.sum(1) > 0])
        assert bool((mmd >= 0).all())
        assert float(mmd[-1]) == pytest.approx(0, abs=1e-12)


class TestConsistency:
    def test_loss_of_two_points_is_their_squared_difference(self):
        assert float(consistency_loss(tensor([1.0, 3.0]), torch.tensor([0, 0]))) == 4.0

    def test_loss_is_the_mean_over_pairs_then_over_preimages(self):
        predictions, preimage = tensor([0.0, 1.0, 5.0, 3.0, 5.0]), torch.tensor([0, 1, 1, 0, 0])
        # Preimage 0: 3², 5² and 2² over three pairs; preimage 1: 4².
        assert float(consistency_loss(predictions, preimage)) == pytest.approx(((9 + 25 + 4) / 3 + 16) / 2)

    def test_loss_gradient_brings_predictions_together(self):
        predictions = tensor([1.0, 3.0]).requires_grad_()
        consistency_loss(predictions, torch.tensor([0, 0])).backward()
        assert predictions.grad.tolist() == [-4.0, 4.0]

    def test_shared_preimages_have_several_points_and_no_score(self):
        alike, preimage = shared_preimages(torch.tensor([9, -1, 4, 9, -1, 2, 4, 9]))
        assert alike.tolist() == [0, 2, 3, 6, 7]
        assert preimage.tolist() == [1, 0, 1, 0, 1]
        assert [len(tensors) for tensors in shared_preimages(torch.tensor([0, 1, -1, -1]))] == [0, 0]


class TestSearch:
    def test_first_round_writes_the_whole_pool(self, optimizer):
        trials = []
        asked = []
        for _ in range(4):
            candidates, new = play_round(optimizer, trials)
            trials += new
            asked.append((len(candidates), len(new)))
        assert asked == [(500, 5), (3, 3), (3, 3), (3, 3)]

    def test_first_texts_have_large_preimages(self, optimizer):
        candidates = written(optimizer.ask(100))
        texts = [candidate.instruction for candidate in candidates]
        sizes = {text: texts.count(text) for text in texts}
        chosen = [candidates[index].instruction for index in optimizer.choose(candidates, 100)]
        assert len(set(chosen)) == 5
        assert sizes[chosen[0]] == max(sizes.values())
        assert min(sizes[text] for text in chosen) > np.median(list(sizes.values())) / 2

    @pytest.mark.parametrize("limit", [1, 2])
    def test_interrupted_selection_continues_with_the_same_texts(self, optimizer, limit):
        candidates = written(optimizer.ask(100))
        at_once = [candidates[index].instruction for index in optimizer.choose(candidates, 100)]
        in_rounds = []
        while len(in_rounds) < 5:
            _, new = play_round(optimizer, in_rounds, limit)
            in_rounds += new
        assert [trial.instruction for trial in in_rounds] == at_once

    def test_consistency_loss_makes_predictions_within_preimages_agree(self, optimizer, monkeypatch):
        play_round(optimizer, [])
        alike, preimage = shared_preimages(optimizer._record.open())
        rows = torch.tensor(optimizer._record.scored())
        targets = torch.linspace(-1, 1, len(rows), dtype=torch.float64)

        def inconsistency():
            return float(consistency_loss(optimizer._trained(rows, targets)(optimizer._inputs[alike]), preimage))

        with_loss = inconsistency()
        monkeypatch.setattr("instructzero.optimizers.methods.presto.CONSISTENCY", 0.0)
        assert with_loss < inconsistency()

    def test_all_points_of_an_evaluated_preimage_have_a_score(self, optimizer):
        candidates, new = play_round(optimizer, [])
        paid = {trial.instruction for trial in new}
        pool = Pool(dimension=2, seed=0, represent=represent)
        preimages = [pool.position(candidate.proposal.z) for candidate in candidates if candidate.instruction in paid]
        assert optimizer._record.scored() == sorted(preimages)
        assert len(preimages) > len(new)
