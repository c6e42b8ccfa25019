"""The worst case over a Kullback-Leibler ball, and the search that maximises it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.optimizers import PAPER, InstructZero
from instructzero.optimizers.methods.dro import RADIUS, DistributionallyRobust, worst_case
from instructzero.types import Evaluation, Proposal, Trial, Writing

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def worst(*scores, radius):
    return worst_case(torch.tensor([scores], dtype=torch.float64), radius).item()


def divergence(*weights):
    return sum(weight * math.log(weight * len(weights)) for weight in weights)


def test_worst_case_of_three_scores_matches_hand_computation():
    """η = 2 ln 2: Q ∝ (1, 1/2, 1/4) on scores (0, 1/2, 1), whose mean is 0 · 4/7 + 1/2 · 2/7 + 1 · 1/7 = 2/7."""
    radius = divergence(4 / 7, 2 / 7, 1 / 7)
    assert worst(0.0, 0.5, 1.0, radius=radius) == pytest.approx(2 / 7, rel=1e-12)
    assert worst(1.0, 0.0, 0.5, radius=radius) == pytest.approx(2 / 7, rel=1e-12)


def test_worst_case_of_binary_scores_matches_hand_computation():
    """The weight q of one wrong answer of three solves q ln 3q + (1 − q) ln (3 (1 − q) / 2) = radius: here q = 2/3."""
    radius = divergence(2 / 3, 1 / 6, 1 / 6)
    assert worst(1.0, 0.0, 1.0, radius=radius) == pytest.approx(1 / 3, rel=1e-12)


def test_worst_case_ignores_missing_scores():
    radius = divergence(4 / 7, 2 / 7, 1 / 7)
    scores = torch.tensor([[0.0, 0.5, 1.0, math.nan], [0.2, math.nan, math.nan, math.nan]], dtype=torch.float64)
    np.testing.assert_allclose(worst_case(scores, radius), [2 / 7, 0.2], rtol=1e-12)


@settings(deadline=None)
@given(SCORES)
def test_radius_zero_gives_the_mean_and_a_large_radius_the_minimum(scores):
    assert worst(*scores, radius=0.0) == pytest.approx(sum(scores) / len(scores), abs=1e-7)
    assert worst(*scores, radius=math.log(len(scores)) + 1e-9) == pytest.approx(min(scores), abs=1e-7)


@settings(deadline=None)
@given(SCORES, st.floats(0, 3), st.floats(0, 3))
def test_larger_radius_never_increases_the_worst_case(scores, radius, more):
    smaller, larger = worst(*scores, radius=radius), worst(*scores, radius=radius + more)
    assert min(scores) - 1e-9 <= larger <= smaller + 1e-7
    assert smaller <= sum(scores) / len(scores) + 1e-9


@settings(deadline=None)
@given(SCORES, st.floats(0.01, 3))
def test_worst_case_equals_the_dual_problem(scores, radius):
    """max over λ of −λ ln mean exp(−score / λ) − λ radius (Hu and Hong, 2013), on a fine grid from below."""
    lambdas = np.geomspace(1e-4, 1e3, 4000)[:, None]
    shifted = np.array(scores) - min(scores)
    dual = min(scores) - lambdas[:, 0] * (np.log(np.exp(-shifted / lambdas).mean(1)) + radius)
    assert worst(*scores, radius=radius) == pytest.approx(dual.max(), abs=2e-3)
    assert worst(*scores, radius=radius) >= dual.max() - 1e-9


@settings(deadline=None)
@given(SCORES, st.floats(0, 2))
def test_worst_case_is_affine_in_the_scores(scores, radius):
    moved = worst(*(0.3 + 0.5 * score for score in scores), radius=radius)
    assert moved == pytest.approx(0.3 + 0.5 * worst(*scores, radius=radius), abs=1e-7)


def test_binary_scores_are_ranked_as_by_the_mean():
    rows = torch.tensor([[float(right > number) for number in range(20)] for right in range(21)], dtype=torch.float64)
    values = worst_case(rows)
    assert (values.diff() >= 0).all()
    assert values[-1] == 1
    assert values[-1] - values[-2] > 3 * (rows[-1].mean() - rows[-2].mean())


EVEN, UNEVEN = (0.3, 0.3, -0.6), (-0.5, 0.2, 0.4)


def told(optimizer):
    """Tell one instruction with medium scores on all examples, one with a slightly higher mean and very bad answers."""
    scores = {EVEN: (0.6,) * 4, UNEVEN: (1.0, 1.0, 0.5, 0.0), (0.0, 0.0, 0.0): (0.1, 0.2, 0.3, 0.2)}
    optimizer.tell(
        [
            Trial(number, 0, Proposal(z), Writing("", str(number)), Evaluation(answers, ("",) * 4))
            for number, (z, answers) in enumerate(scores.items())
        ]
    )
    return optimizer


@pytest.mark.parametrize(("kind", "start"), [(InstructZero, UNEVEN), (DistributionallyRobust, EVEN)])
def test_search_starts_from_the_best_worst_case(kind, start):
    options = replace(PAPER, initial=3, batch=1, sigma=1e-3, population=4, generations=1)
    (proposal,) = told(kind(dimension=3, seed=0, options=options)).ask(1)
    np.testing.assert_allclose(proposal.z, start, atol=0.05)


def test_surrogate_targets_are_worst_cases():
    options = replace(PAPER, initial=3)
    targets = told(DistributionallyRobust(dimension=3, seed=0, options=options))._fitted().targets
    values = [worst(*scores, radius=RADIUS) for scores in ((0.6,), (1.0, 1.0, 0.5, 0.0), (0.1, 0.2, 0.3, 0.2))]
    expected = (np.array(values) - np.mean(values)) / np.std(values, ddof=1)
    np.testing.assert_allclose(targets, expected, rtol=1e-9)
