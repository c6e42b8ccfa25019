"""InstructZero as a search of points: with the options of the paper, and repaired."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.optimizers import PAPER, REPAIRED, InstructZero
from instructzero.optimizers.registry import Materials, build_optimizer
from instructzero.types import Candidate, Evaluation, Proposal, Rewrite, Trial, Writing


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


def told(options, rewritten=()):
    """Return an optimizer after random points were evaluated, and the texts that are made from others."""
    optimizer = InstructZero(dimension=3, seed=0, options=replace(options, initial=8))
    generator = np.random.default_rng(0)
    proposals = [Proposal(tuple(z)) for z in generator.uniform(-1, 1, (8, 3)).tolist()] + list(rewritten)
    optimizer.tell(
        [
            Trial(number, 0, proposal, Writing("", f"text {number}"), evaluation(proposal))
            for number, proposal in enumerate(proposals)
        ]
    )
    return optimizer


def evaluation(proposal):
    """Return scores that increase with the first coordinate; the texts that are made from others have the highest."""
    right = 8 if proposal.rewrite else round(2 * (1 + proposal.z[0]))
    return Evaluation((1.0,) * right + (0.0,) * (8 - right), ("",) * 8)


OPTIONS = pytest.mark.parametrize("options", [PAPER, REPAIRED], ids=["paper", "repaired"])


@OPTIONS
def test_search_proposes_points_only_and_decides_no_race(options):
    optimizer = told(options)
    assert all(proposal.rewrite is None for proposal in optimizer.ask(10))
    assert optimizer.promising({"a": Evaluation((1.0,), ("",)), "b": Evaluation((0.0,), ("",))}, 1) is None


@OPTIONS
def test_belief_is_on_the_scale_of_scores_and_follows_them(options):
    candidates = [Candidate(Proposal((value, 0.0, 0.0)), Writing("", "")) for value in (-0.8, 0.0, 0.8)]
    means, doubts = told(options).belief(candidates)
    assert means.shape == doubts.shape == (3,)
    assert (doubts >= 0).all()
    assert -0.2 < means[0] < means[2] < 0.8


@OPTIONS
def test_texts_made_from_others_are_not_predicted_and_do_not_change_the_belief(options):
    rewritten = [Proposal((-0.9, value, 0.0), Rewrite("Vary.", "text", 0)) for value in (-0.5, 0.5)]
    with_them, without = told(options, rewritten), told(options)
    points = [Candidate(Proposal((value, 0.1, 0.2)), Writing("", "")) for value in (-0.9, 0.3)]
    assert all(map(with_them.predicts, points))
    assert not any(with_them.predicts(Candidate(proposal, Writing("", ""))) for proposal in rewritten)
    for first, second in zip(with_them.belief(points), without.belief(points), strict=True):
        np.testing.assert_allclose(first, second)


@pytest.mark.parametrize("method", ["paper", "dro"])
def test_share_of_continuations_is_refused_in_one_sentence(method):
    chosen = make_settings({"task": "sum", "method": method, "continued": 0.5})
    with pytest.raises(
        ConfigurationError, match=f"^method '{method}' has no continued, got 0.5; leave --continued out$"
    ):
        build_optimizer(chosen, Materials(lambda points: torch.zeros(len(points), 1), ""))
