"""InstructZero with the options of the paper."""

import numpy as np

from instructzero.optimizers import InstructZero
from instructzero.types import Evaluation, Trial, Writing


def test_first_round_covers_the_whole_box():
    """25 scrambled Sobol points: every quarter of [-1, 1] holds some of them in every dimension."""
    points = np.array([proposal.z for proposal in InstructZero(dimension=10, seed=0).ask(150)])
    assert points.shape == (25, 10)
    quarters = np.floor((points + 1) * 2).clip(0, 3)
    assert all(len(set(quarters[:, dimension])) == 4 for dimension in range(10))


def test_interrupted_first_round_is_completed_with_the_same_points():
    optimizer = InstructZero(dimension=3, seed=5)
    whole = optimizer.ask(25)
    told = [Trial(i, 0, proposal, Writing("", ""), Evaluation((1.0,), ("",))) for i, proposal in enumerate(whole[:10])]
    optimizer.tell(told)
    assert optimizer.ask(25) == whole[10:]


def test_later_rounds_return_one_point_for_each_start():
    optimizer = InstructZero(dimension=3, seed=0)
    generator = np.random.default_rng(0)
    for round_number in range(3):
        proposals = optimizer.ask(100)
        assert len(proposals) == 25
        optimizer.tell(
            [
                Trial(i, round_number, proposal, Writing("", ""), Evaluation(tuple(generator.random(5)), ("",) * 5))
                for i, proposal in enumerate(proposals)
            ]
        )
