"""A fixed pool of points, and the record of its texts and scores."""

import pytest
import torch

from instructzero.errors import ModelError
from instructzero.optimizers.pool import Pool, PoolRecord
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing


def represent(points):
    z = torch.tensor(points, dtype=torch.float64)
    return torch.stack([z[:, 0] * 100 + 7, z[:, 1] ** 3, torch.full((len(z),), 5.0, dtype=torch.float64)], dim=1)


@pytest.fixture
def pool():
    return Pool(dimension=2, seed=0, represent=represent, size=6)


def candidate(z, text):
    return Candidate(Proposal(z), Writing(text, text))


def trial(number, z, text, *scores):
    return Trial(number, 0, Proposal(z), Writing(text, text), Evaluation(scores, ("",) * len(scores)))


class TestPool:
    def test_points_fill_the_box_and_depend_on_the_seed_only(self, pool):
        large = Pool(dimension=3, seed=1, represent=represent)
        points = torch.tensor(large.points)
        assert len(set(large.points)) == len(large) == 500
        assert points.abs().max() <= 1
        assert points.mean(0).abs().max() < 0.02
        assert pool.points == Pool(dimension=2, seed=0, represent=represent, size=6).points
        assert pool.points != Pool(dimension=2, seed=1, represent=represent, size=6).points

    def test_larger_pool_begins_with_the_smaller(self, pool):
        assert Pool(dimension=2, seed=0, represent=represent, size=9).points[:6] == pool.points

    def test_features_are_standardised_and_constant_ones_are_zero(self, pool):
        assert torch.allclose(pool.features.mean(0), torch.zeros(3).double(), atol=1e-12)
        assert torch.allclose(pool.features.square().mean(0), torch.tensor([1.0, 1.0, 0.0]).double())

    def test_features_are_computed_once_on_first_use(self):
        asked = []

        def counted(points):
            asked.append(len(points))
            return represent(points)

        pool = Pool(dimension=2, seed=0, represent=counted, size=6)
        assert asked == []
        assert pool.features is pool.features
        assert asked == [6]

    @pytest.mark.parametrize("bad", [lambda z: represent(z) * torch.nan, lambda z: represent(z)[:2]])
    def test_representations_that_are_not_finite_are_refused(self, bad):
        with pytest.raises(ModelError, match="expected finite representations of 6 points"):
            _ = Pool(dimension=2, seed=0, represent=bad, size=6).features

    def test_position_finds_only_points_of_the_pool(self, pool):
        assert [pool.position(z) for z in pool.points] == list(range(6))
        assert pool.position((0.0, 0.5)) is None
        assert pool.position(None) is None


class TestPoolRecord:
    @pytest.fixture
    def record(self, pool):
        """Return a record: points 1 and 4 give "a", evaluated at 4; 0 and 3 give "b"; 2 and 5 are not written."""
        record = PoolRecord(pool)
        z = pool.points
        record.tell([trial(0, z[4], "a", 1.0, 0.0)], [candidate(z[3], "b"), candidate(z[1], "a"), candidate(z[0], "b")])
        return record

    def test_points_of_one_text_share_its_score(self, record):
        assert record.scores == {"a": 0.5}
        assert record.scored() == [1, 4]

    def test_open_excludes_evaluated_texts_and_numbers_equal_texts_alike(self, record):
        group = record.open().tolist()
        assert [number < 0 for number in group] == [False, True, False, False, True, False]
        assert group[0] == group[3]
        assert len({group[0], group[2], group[5]}) == 3

    def test_fresh_returns_the_first_candidate_of_every_new_text(self, record):
        texts = ["a", "c", "b", "c", "b", "d"]
        assert record.fresh([candidate((0.0, 0.0), text) for text in texts]) == [1, 2, 5]

    def test_points_outside_the_pool_have_a_score_and_no_position(self, pool):
        record = PoolRecord(pool)
        record.tell([trial(0, None, "plain", 1.0), trial(1, (0.3, 0.3), "other", 0.0)])
        assert record.scored() == []
        assert record.fresh([candidate(pool.points[0], "plain"), candidate(pool.points[1], "new")]) == [1]
