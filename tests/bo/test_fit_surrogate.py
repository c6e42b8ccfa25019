"""The fitted surrogate: finite posteriors for every combination of options, and the correctness of its parts."""

import itertools
import math
from dataclasses import replace
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.fitting import FixedSimilarity, MaternSimilarity, fit_leave_one_out, fit_marginal_likelihood
from instructzero.bo.similarity import exact_match_similarity
from instructzero.bo.surrogate import (
    MINIMUM_VARIANCE,
    Observations,
    SurrogateOptions,
    binomial_noise,
    fit_surrogate,
    standardise,
)
from tests.bo.dense import reference_kernel, reference_posterior

CHOICES = {name: get_args(hint) for name, hint in get_type_hints(SurrogateOptions).items()}
EVERY_OPTION = [SurrogateOptions(*values) for values in itertools.product(*CHOICES.values())]


def name_of(options):
    return "-".join(getattr(options, name) for name in CHOICES)


def observe(seed, count, *, scores=None, repeated=False, preimages=0, dimension=3, examples=6):
    """Return observations of ``count`` instructions; ``scores`` is the common value of all scores, or None."""
    generator = np.random.default_rng(seed)
    points = generator.uniform(-1, 1, (count + preimages, dimension))
    if repeated:
        points[:] = points[0]
    random = generator.integers(0, 2, (count, examples)).astype(float)
    own = np.concatenate([np.arange(count), generator.integers(0, count, preimages)])
    answers = [[str(generator.choice(["", "a", "a b", "b c"])) for _ in range(examples)] for _ in range(count)]
    return Observations(
        points=torch.from_numpy(points),
        instruction=torch.from_numpy(own),
        scores=torch.from_numpy(random if scores is None else np.full_like(random, scores)),
        predictions=answers,
    )


def assert_finite_posterior(gp, observations):
    points = observations.points
    queries = torch.cat([points, points.flip(1), 1e3 + points])
    mean, variance = gp.posterior(queries)
    assert torch.isfinite(mean).all()
    assert torch.isfinite(variance).all()
    assert (variance > 0).all()
    assert torch.isfinite(gp.joint_posterior(queries)[1]).all()


@pytest.mark.parametrize("options", EVERY_OPTION, ids=name_of)
def test_fit_in_degenerate_cases_gives_finite_posterior(options):
    for observations in (
        observe(0, 1),
        observe(1, 1, scores=1.0, preimages=2),
        observe(2, 6, scores=0.0),
        observe(3, 6, scores=1.0, repeated=True),
        observe(4, 6, repeated=True, preimages=3),
        observe(5, 6, examples=1),
    ):
        assert_finite_posterior(fit_surrogate(observations, options), observations)


@settings(max_examples=100, deadline=None)
@given(
    options=st.sampled_from(EVERY_OPTION),
    seed=st.integers(0, 10_000),
    count=st.integers(1, 10),
    scores=st.sampled_from([None, None, 0.0, 0.5, 1.0]),
    repeated=st.booleans(),
    preimages=st.integers(0, 4),
)
def test_fit_on_random_observations_gives_finite_posterior(options, seed, count, scores, repeated, preimages):
    observations = observe(seed, count, scores=scores, repeated=repeated, preimages=preimages)
    assert_finite_posterior(fit_surrogate(observations, options), observations)


@pytest.mark.parametrize("options", EVERY_OPTION, ids=name_of)
def test_fit_of_same_observations_is_reproducible(options):
    observations = observe(0, 8, preimages=2)
    first, second = (fit_surrogate(observations, options).posterior(observations.points) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def observe_slope(count, preimages=0):
    """Return scores that increase along the first dimension, so that every kernel has a signal to fit."""
    observed = observe(0, count, preimages=preimages)
    scores = (observed.points[:count, :1] > torch.linspace(-0.9, 0.9, 6)).double()
    answers = [["right" if score else "wrong" for score in row] for row in scores.tolist()]
    return replace(observed, scores=scores, predictions=answers)


def fit_to(observations, features):
    """Return the hyperparameters fitted to ``features``, and the arguments of a process with them except S."""
    targets = standardise(observations.scores.mean(1))
    fitted = fit_marginal_likelihood(features, targets, None)
    assert fitted.outputscale > 0.1
    case = {"points": observations.points.numpy(), "instruction": observations.instruction.numpy()}
    return fitted, case | {"targets": targets.numpy(), "noise": fitted.noise.numpy(), "mean": fitted.mean}


def assert_posterior(gp, case):
    queries = np.random.default_rng(1).uniform(-1, 1, (20, 3))
    mean, covariance = gp.joint_posterior(torch.from_numpy(queries))
    expected_mean, expected = reference_posterior(case, queries)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(covariance, expected, rtol=1e-8, atol=1e-9)


def test_standard_kernel_equals_matern_process():
    """The reference is the textbook posterior with the kernel ρ l; the package's L has a jitter of 1e-4."""
    observations = observe_slope(12)
    queries = np.random.default_rng(1).uniform(-1, 1, (20, 3))
    points = observations.points.numpy()
    fitted, case = fit_to(observations, MaternSimilarity(observations.points))
    latent, cross, own = (
        fitted.outputscale * reference_kernel(*pair, fitted.lengthscale.numpy())
        for pair in ((points, points), (queries, points), (queries, queries))
    )
    noisy, residual = latent + np.diag(case["noise"]), case["targets"] - fitted.mean
    gp = fit_surrogate(observations, SurrogateOptions(kernel="standard"))
    mean, covariance = gp.joint_posterior(torch.from_numpy(queries))
    np.testing.assert_allclose(mean, fitted.mean + cross @ np.linalg.solve(noisy, residual), atol=1e-2)
    np.testing.assert_allclose(covariance, own - cross @ np.linalg.solve(noisy, cross.T), atol=1e-3 * own.max())


def test_only_coupled_kernel_variance_vanishes_away_from_data():
    observations, far = observe(0, 8), torch.full((1, 3), 1e3, dtype=torch.float64)
    variance = {
        kernel: fit_surrogate(observations, SurrogateOptions(kernel=kernel)).posterior(far)[1].item()
        for kernel in CHOICES["kernel"]
    }
    targets = standardise(observations.scores.mean(1))
    fitted = fit_marginal_likelihood(MaternSimilarity(observations.scores), targets, None)
    assert variance["coupled"] == MINIMUM_VARIANCE
    assert variance["corrected"] == pytest.approx(fitted.outputscale, rel=1e-9)
    assert variance["standard"] > 1e-3


def test_standard_kernel_averages_over_points_of_an_instruction():
    observations = observe_slope(6, preimages=5)
    own = observations.instruction.numpy()
    fitted, case = fit_to(observations, MaternSimilarity(observations.points[:6]))
    lengthscale = fitted.lengthscale.numpy()
    latent = reference_kernel(case["points"], case["points"], lengthscale)
    similarity = [[latent[own == i][:, own == j].mean() for j in range(6)] for i in range(6)]
    case |= {"similarity": fitted.outputscale * np.array(similarity), "correction": fitted.outputscale}
    assert_posterior(
        fit_surrogate(observations, SurrogateOptions(kernel="standard")), case | {"lengthscale": lengthscale}
    )


def test_coupled_kernel_uses_lengthscale_and_correction_of_leave_one_out():
    observations = observe_slope(8, preimages=3)
    matrix = exact_match_similarity(observations.predictions)
    fitted, case = fit_to(observations, FixedSimilarity(matrix))
    similarity, targets = fitted.outputscale * matrix, torch.from_numpy(case["targets"])
    case["similarity"] = similarity.numpy()
    arguments = observations.points[:8], similarity, targets, fitted.noise, fitted.mean
    for kernel in ("coupled", "corrected"):
        lengthscale, correction = fit_leave_one_out(*arguments, corrected=kernel == "corrected")
        options = SurrogateOptions(kernel=kernel, similarity="exact_match", lengthscale="loo")
        case |= {"lengthscale": np.full(3, lengthscale), "correction": correction}
        assert_posterior(fit_surrogate(observations, options), case)


def test_default_options_give_the_paper_kernel():
    observations = observe_slope(8)
    scores = observations.scores.numpy()
    fitted, case = fit_to(observations, MaternSimilarity(observations.scores))
    similarity = fitted.outputscale * reference_kernel(scores, scores, fitted.lengthscale.numpy())
    case |= {"similarity": similarity, "lengthscale": np.full(3, 1 / 3), "correction": 0.0}
    assert_posterior(fit_surrogate(observations, SurrogateOptions()), case)


def test_binomial_noise_equals_hand_computation():
    """By hand: p = 2.5/5 and 4.5/5; p (1 − p) / 4 = 0.0625 and 0.0225; the means 1/2 and 1 have a variance of 1/8."""
    scores = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]], dtype=torch.float64)
    np.testing.assert_allclose(binomial_noise(scores), [0.5, 0.18], rtol=1e-14)


@settings(deadline=None)
@given(value=st.sampled_from([0.0, 1.0]), count=st.integers(1, 5), examples=st.integers(1, 10_000))
def test_binomial_noise_of_perfect_scores_is_positive(value, count, examples):
    scores = torch.full((count, examples), value, dtype=torch.float64)
    assert (binomial_noise(scores) > 0).all()


def test_binomial_noise_decreases_with_number_of_examples():
    few, many = (torch.tensor([[0.0, 1.0], [1.0, 1.0]], dtype=torch.float64).repeat(1, times) for times in (2, 50))
    assert (binomial_noise(many) < binomial_noise(few)).all()


def test_binomial_noise_of_partial_scores_uses_known_scores_only():
    """The first instruction has two scores: its mean and its noise are computed from these two."""
    part = torch.tensor([[1, 0, math.nan, math.nan], [1, 0, 1, 0]], dtype=torch.float64)
    np.testing.assert_allclose(binomial_noise(part), [0.25 / 2, 0.25 / 4], rtol=1e-14)


@pytest.mark.parametrize("options", EVERY_OPTION, ids=name_of)
def test_fit_with_missing_scores_gives_finite_posterior(options):
    observations = observe(6, 8, preimages=2)
    for row, known in enumerate((1, 2, 3, 6, 6, 4)):
        observations.scores[row, known:] = math.nan
        observations.predictions[row][known:] = [None] * (6 - known)
    assert_finite_posterior(fit_surrogate(observations, options), observations)


@settings(deadline=None)
@given(values=st.lists(st.integers(-20, 20), min_size=2, max_size=9).filter(lambda values: len(set(values)) > 1))
def test_standardise_gives_zero_mean_and_unit_deviation(values):
    found = standardise(torch.tensor(values, dtype=torch.float64))
    assert found.mean().item() == pytest.approx(0, abs=1e-12)
    assert found.std().item() == pytest.approx(1)


def test_standardise_of_equal_values_gives_zeros():
    assert standardise(torch.full((7,), 0.3, dtype=torch.float64)).tolist() == [0] * 7
    assert standardise(torch.tensor([0.7], dtype=torch.float64)).tolist() == [0]
