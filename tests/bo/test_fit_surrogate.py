"""The fitted surrogate: sound for every combination of options, and the parts it is made of."""

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
    return "-".join(getattr(options, each) for each in CHOICES)


def observe(seed, count, *, scores=None, repeated=False, preimages=0, dimension=3, examples=6):
    """Observations of ``count`` instructions; ``scores`` makes all of them equal."""
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


def assert_sound(gp, observations):
    points = observations.points
    queries = torch.cat([points, points.flip(1), 1e3 + points])
    mean, variance = gp.posterior(queries)
    assert torch.isfinite(mean).all()
    assert torch.isfinite(variance).all()
    assert (variance > 0).all()
    assert torch.isfinite(gp.joint_posterior(queries)[1]).all()


@pytest.mark.parametrize("options", EVERY_OPTION, ids=name_of)
def test_fit_is_sound_in_degenerate_cases(options):
    for observations in (
        observe(0, 1),
        observe(1, 1, scores=1.0, preimages=2),
        observe(2, 6, scores=0.0),
        observe(3, 6, scores=1.0, repeated=True),
        observe(4, 6, repeated=True, preimages=3),
        observe(5, 6, examples=1),
    ):
        assert_sound(fit_surrogate(observations, options), observations)


@settings(max_examples=100, deadline=None)
@given(
    options=st.sampled_from(EVERY_OPTION),
    seed=st.integers(0, 10_000),
    count=st.integers(1, 10),
    scores=st.sampled_from([None, None, 0.0, 0.5, 1.0]),
    repeated=st.booleans(),
    preimages=st.integers(0, 4),
)
def test_fit_is_sound(options, seed, count, scores, repeated, preimages):
    observations = observe(seed, count, scores=scores, repeated=repeated, preimages=preimages)
    assert_sound(fit_surrogate(observations, options), observations)


@pytest.mark.parametrize("options", EVERY_OPTION, ids=name_of)
def test_same_observations_same_fit(options):
    observations = observe(0, 8, preimages=2)
    first, second = (fit_surrogate(observations, options).posterior(observations.points) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def observe_a_slope(count, preimages=0):
    """The further along the first dimension, the more examples are right: every kernel has something to fit."""
    observed = observe(0, count, preimages=preimages)
    scores = (observed.points[:count, :1] > torch.linspace(-0.9, 0.9, 6)).double()
    answers = [["right" if score else "wrong" for score in row] for row in scores.tolist()]
    return replace(observed, scores=scores, predictions=answers)


def fit_to(observations, features):
    """The hyperparameters of these features, and the arguments of a process with them, but for S."""
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


def test_standard_kernel_is_the_matern_process():
    """The textbook posterior with the kernel ρ l and the same hyperparameters; our L has a jitter of 1e-4."""
    observations = observe_a_slope(12)
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


def test_only_the_coupled_kernel_loses_its_variance_away_from_the_data():
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


def test_standard_kernel_knows_an_instruction_by_the_average_of_its_points():
    observations = observe_a_slope(6, preimages=5)
    own = observations.instruction.numpy()
    fitted, case = fit_to(observations, MaternSimilarity(observations.points[:6]))
    lengthscale = fitted.lengthscale.numpy()
    latent = reference_kernel(case["points"], case["points"], lengthscale)
    similarity = [[latent[own == i][:, own == j].mean() for j in range(6)] for i in range(6)]
    case |= {"similarity": fitted.outputscale * np.array(similarity), "correction": fitted.outputscale}
    assert_posterior(
        fit_surrogate(observations, SurrogateOptions(kernel="standard")), case | {"lengthscale": lengthscale}
    )


def test_coupled_kernel_takes_lengthscale_and_correction_from_leave_one_out():
    observations = observe_a_slope(8, preimages=3)
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


def test_defaults_are_the_papers_kernel():
    observations = observe_a_slope(8)
    scores = observations.scores.numpy()
    fitted, case = fit_to(observations, MaternSimilarity(observations.scores))
    similarity = fitted.outputscale * reference_kernel(scores, scores, fitted.lengthscale.numpy())
    case |= {"similarity": similarity, "lengthscale": np.full(3, 1 / 3), "correction": 0.0}
    assert_posterior(fit_surrogate(observations, SurrogateOptions()), case)


def test_binomial_noise_by_hand():
    """p = 2.5/5 and 4.5/5; p (1 − p) / 4 is 0.0625 and 0.0225; the means 1/2 and 1 have a variance of 1/8."""
    scores = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]], dtype=torch.float64)
    np.testing.assert_allclose(binomial_noise(scores), [0.5, 0.18], rtol=1e-14)


@settings(deadline=None)
@given(value=st.sampled_from([0.0, 1.0]), count=st.integers(1, 5), examples=st.integers(1, 10_000))
def test_binomial_noise_is_never_zero(value, count, examples):
    scores = torch.full((count, examples), value, dtype=torch.float64)
    assert (binomial_noise(scores) > 0).all()


def test_binomial_noise_falls_with_the_examples():
    few, many = (torch.tensor([[0.0, 1.0], [1.0, 1.0]], dtype=torch.float64).repeat(1, times) for times in (2, 50))
    assert (binomial_noise(many) < binomial_noise(few)).all()


def test_an_instruction_scored_on_a_part_is_known_by_that_part_and_with_more_noise():
    """As if the others' scores had never been asked of it: its mean is of two, its noise too."""
    part = torch.tensor([[1, 0, math.nan, math.nan], [1, 0, 1, 0]], dtype=torch.float64)
    np.testing.assert_allclose(binomial_noise(part), [0.25 / 2, 0.25 / 4], rtol=1e-14)


@pytest.mark.parametrize("options", EVERY_OPTION, ids=name_of)
def test_fit_is_sound_with_scores_that_are_missing(options):
    observations = observe(6, 8, preimages=2)
    for row, known in enumerate((1, 2, 3, 6, 6, 4)):
        observations.scores[row, known:] = math.nan
        observations.predictions[row][known:] = [None] * (6 - known)
    assert_sound(fit_surrogate(observations, options), observations)


@settings(deadline=None)
@given(values=st.lists(st.integers(-20, 20), min_size=2, max_size=9).filter(lambda values: len(set(values)) > 1))
def test_standardised_values_have_mean_zero_and_deviation_one(values):
    found = standardise(torch.tensor(values, dtype=torch.float64))
    assert found.mean().item() == pytest.approx(0, abs=1e-12)
    assert found.std().item() == pytest.approx(1)


def test_standardise_gives_zeros_for_equal_values():
    assert standardise(torch.full((7,), 0.3, dtype=torch.float64)).tolist() == [0] * 7
    assert standardise(torch.tensor([0.7], dtype=torch.float64)).tolist() == [0]
