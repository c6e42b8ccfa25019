"""The process over features of texts: its posterior, its fit, the chance of being the best, and values of texts."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo import feature_gp
from instructzero.bo.feature_gp import (
    LENGTHSCALES,
    SIGNAL_VARIANCES,
    FeatureGP,
    chance_of_exceeding,
    fit_leave_one_out,
    separated,
)
from instructzero.bo.fitting import MINIMUM_NOISE
from tests.bo.dense import reference_kernel

SEEDS = st.integers(0, 2**32)
quickly = settings(deadline=None, max_examples=60)


def random_features(generator, count, width):
    """Return rows of length 1 with few features; some are equal, and some are zeros, as of a text without a word."""
    rows = (generator.random((count, width)) < 0.4).astype(float)
    rows[generator.random(count) < 0.1] = 0.0
    return rows / np.maximum(np.sqrt(rows.sum(1, keepdims=True)), 1.0)


def random_case(generator):
    """Return features (n, f), values (n,) and noise (n,); n may be 1, and the values may all be equal."""
    count = int(generator.choice([1, 2, 3, 8]))
    kind = generator.choice(["uniform", "binary", "zeros", "ones"])
    values = {
        "uniform": generator.random(count),
        "binary": generator.integers(0, 2, count).astype(float),
        "zeros": np.zeros(count),
        "ones": np.ones(count),
    }[kind]
    return random_features(generator, count, 6), values, generator.uniform(1e-3, 0.2, count)


def process(features, values, noise, scales=None):
    return FeatureGP(*map(torch.from_numpy, (features, values, noise)), scales)


def wider(features, width):
    return np.pad(features, ((0, 0), (0, width - features.shape[1])))


def standard(values):
    """Return centre, scale and standardised values."""
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    scale = deviation if deviation > 1e-12 else 1.0
    return values.mean(), scale, (values - values.mean()) / scale


def reference(features, values, noise, queries, scales=None):
    """Return the posterior of the values of new texts and of the scored texts, by explicit inverses.

    A target is mean + g + own + noise, where g has the kernel and ``own`` is different for every text.
    """
    own, eye = feature_gp.OWN_VARIANCE, np.eye(len(values))
    centre, scale, targets = standard(values)
    variances = np.maximum(noise / scale**2, MINIMUM_NOISE) + own
    lengthscale, signal = scales or fit_leave_one_out(*map(torch.from_numpy, (features, targets, variances)))
    kernel = signal * reference_kernel(features, features, lengthscale)
    inverse = np.linalg.inv(kernel + np.diag(variances))
    mean = inverse.sum(0) @ targets / inverse.sum()

    def posterior(cross, prior):
        return (
            centre + scale * (mean + cross @ inverse @ (targets - mean)),
            scale**2 * (prior - cross @ inverse @ cross.T),
        )

    columns = max(features.shape[1], queries.shape[1])
    queries, scored = wider(queries, columns), wider(features, columns)
    cross = signal * reference_kernel(queries, scored, lengthscale)
    prior = signal * reference_kernel(queries, queries, lengthscale) + own * np.eye(len(queries))
    return posterior(cross, prior), posterior(kernel + own * eye, kernel + own * eye)


@quickly
@given(SEEDS, st.sampled_from([0.0, 0.2, 1.0]), st.sampled_from([4, 6, 9]), st.sampled_from([None, (0.7, 3.0)]))
def test_posterior_equals_explicit_inverse(seed, own, width, scales):
    """Of new texts, whose features may be more or fewer than those of the scored texts, and of the scored texts."""
    generator = np.random.default_rng(seed)
    case, queries = random_case(generator), random_features(generator, 5, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_gp, "OWN_VARIANCE", own)
        gp, expected = process(*case, scales), reference(*case, queries, scales)
        found = gp.posterior(torch.from_numpy(queries)), gp.posterior_of_scored()
    for (mean, covariance), (right_mean, right_covariance) in zip(found, expected, strict=True):
        np.testing.assert_allclose(mean, right_mean, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(covariance, right_covariance, rtol=1e-7, atol=1e-8)


@quickly
@given(SEEDS)
def test_variance_of_new_text_is_at_least_that_of_scored_text_with_same_features(seed):
    case = random_case(np.random.default_rng(seed))
    gp = process(*case)
    (_, new), (_, scored) = gp.posterior(torch.from_numpy(case[0])), gp.posterior_of_scored()
    assert (new.diagonal() >= scored.diagonal() - 1e-9).all()
    assert (scored.diagonal() > -1e-9).all()


@quickly
@given(SEEDS, st.sampled_from([4, 6, 9]))
def test_marginal_posterior_is_the_diagonal_of_the_joint_one(seed, width):
    generator = np.random.default_rng(seed)
    gp, queries = process(*random_case(generator)), torch.from_numpy(random_features(generator, 5, width))
    (mean, variance), (joint_mean, covariance) = gp.marginal_posterior(queries), gp.posterior(queries)
    np.testing.assert_allclose(mean, joint_mean, atol=1e-12)
    np.testing.assert_allclose(variance, covariance.diagonal(), atol=1e-9)


@quickly
@given(SEEDS, st.sampled_from([4, 6, 9]))
def test_posterior_beside_best_joins_that_of_best_scored_text_and_of_new_texts(seed, width):
    generator = np.random.default_rng(seed)
    features, values, noise = random_case(generator)
    gp, queries = process(features, values, noise), torch.from_numpy(random_features(generator, 3, width))
    (scored, of_scored), (new, of_new) = gp.posterior_of_scored(), gp.posterior(queries)
    mean, covariance = gp.posterior_beside_best(queries)
    best = int(scored.argmax())
    np.testing.assert_allclose(mean, [scored[best], *new], atol=1e-9)
    np.testing.assert_allclose(covariance[1:, 1:], of_new, atol=1e-9)
    np.testing.assert_allclose(covariance[0, 0], of_scored[best, best], atol=1e-9)
    assert np.linalg.eigvalsh(covariance.numpy()).min() > -1e-8


@quickly
@given(SEEDS)
def test_order_of_texts_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    features, values, noise = np.eye(7)[:5] @ random_rotation(generator), generator.random(5), np.full(5, 0.01)
    queries, order = torch.from_numpy(random_features(generator, 4, 7)), generator.permutation(5)
    first, second = process(features, values, noise), process(features[order], values[order], noise[order])
    for before, after in zip(first.posterior(queries), second.posterior(queries), strict=True):
        np.testing.assert_allclose(before, after, atol=1e-8)
    (mean, covariance), (permuted, other) = first.posterior_of_scored(), second.posterior_of_scored()
    np.testing.assert_allclose(mean[order], permuted, atol=1e-8)
    np.testing.assert_allclose(covariance[order][:, order], other, atol=1e-8)


def random_rotation(generator):
    return np.linalg.qr(generator.standard_normal((7, 7)))[0]


@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_constant_values_are_predicted_everywhere_with_doubt(count, constant):
    features = np.eye(8)[:count]
    gp = process(features, np.full(count, constant), np.full(count, 0.01))
    for mean, covariance in (gp.posterior(torch.eye(8, dtype=torch.float64)), gp.posterior_of_scored()):
        np.testing.assert_allclose(mean, constant, atol=1e-12)
        assert (covariance.diagonal() > 0).all()


def test_scored_text_is_known_better_than_its_neighbours_and_strangers():
    features = np.eye(4)[:3]
    gp = process(features, np.array([0.1, 0.5, 0.9]), np.full(3, 1e-3))
    near = torch.tensor([[0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)], [0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    means, covariance = gp.posterior(near)
    scored, of_scored = gp.posterior_of_scored()
    assert scored[2] > means[0] > means[1]
    assert of_scored[2, 2] < covariance[0, 0] <= covariance[1, 1]


# The fit


def left_out_density(features, targets, noise, lengthscale, signal):
    """Return the sum of log densities of every target given the others; the mean is that of all targets."""
    covariance = signal * reference_kernel(features, features, lengthscale) + np.diag(noise)
    inverse = np.linalg.inv(covariance)
    mean = inverse.sum(0) @ targets / inverse.sum()
    total = 0.0
    for left in range(len(targets)):
        others = np.arange(len(targets)) != left
        weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, left])
        error = targets[left] - mean - weights @ (targets[others] - mean)
        variance = covariance[left, left] - weights @ covariance[others, left]
        total -= 0.5 * math.log(variance) + 0.5 * error**2 / variance
    return total


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(3, 9))
def test_fit_has_highest_density_when_every_target_is_left_out(seed, count):
    generator = np.random.default_rng(seed)
    features, targets = random_features(generator, count, 6), generator.standard_normal(count)
    noise = generator.uniform(0.05, 0.5, count)
    fitted = fit_leave_one_out(*map(torch.from_numpy, (features, targets, noise)))
    densities = {
        choice: left_out_density(features, targets, noise, *choice)
        for choice in product(LENGTHSCALES, SIGNAL_VARIANCES)
    }
    assert densities[fitted] >= max(densities.values()) - 1e-8


@pytest.mark.parametrize("count", [1, 2])
def test_fit_of_fewer_than_three_texts_needs_no_data(count):
    ones = torch.ones(count, dtype=torch.float64)
    assert fit_leave_one_out(torch.eye(2, dtype=torch.float64)[:count], ones, ones) == (1.0, 1.0)


# The chance of being the best


@pytest.mark.parametrize("seed", range(3))
def test_chance_of_exceeding_the_best_equals_monte_carlo(seed):
    generator = np.random.default_rng(seed)
    mean, root = generator.normal(size=5), generator.normal(size=(5, 5))
    chances = chance_of_exceeding(torch.from_numpy(mean), torch.from_numpy(root @ root.T), int(mean.argmax()))
    draws = mean + generator.standard_normal((400_000, 5)) @ root.T
    leader = mean.argmax()
    expected = (draws > draws[:, [leader]]).mean(0)
    expected[leader] = 1.0
    np.testing.assert_allclose(chances, expected, atol=4e-3)


@quickly
@given(SEEDS, st.integers(1, 6))
def test_chance_of_exceeding_the_best_is_one_for_the_leader_and_at_most_half_for_the_others(seed, count):
    generator = np.random.default_rng(seed)
    mean, root = generator.normal(size=count), generator.normal(size=(count, 3))
    chances = chance_of_exceeding(torch.from_numpy(mean), torch.from_numpy(root @ root.T), int(mean.argmax()))
    assert chances[mean.argmax()] == 1
    assert sorted(chances.tolist())[:-1] == [chance for chance in sorted(chances.tolist()) if 0 <= chance <= 0.5]


def test_chance_of_exceeding_the_best_without_doubt_about_the_difference():
    """The differences are known exactly: a lower value is certainly lower, and an equal one has even odds."""
    chances = chance_of_exceeding(torch.tensor([0.2, 0.7, 0.7]).double(), torch.ones(3, 3, dtype=torch.float64), 1)
    assert chances.tolist() == [0.0, 1.0, 0.5]


# Values of texts, separated from effects of examples


def values_of(*rows):
    values, noise = separated(torch.from_numpy(np.array(rows, dtype=np.float64)))
    return values.numpy(), noise.numpy()


def prefixes(generator, count, examples):
    """Return random scores of texts on their first examples, of which some are easier; NaN for the others."""
    scores = (generator.random((count, examples)) < generator.random(examples)).astype(float)
    sizes = generator.integers(1, examples + 1, count)
    sizes[0] = examples
    scores[np.arange(examples) >= sizes[:, None]] = np.nan
    return scores


@quickly
@given(st.lists(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=4, max_size=4), min_size=1, max_size=6))
def test_complete_scores_have_their_means_as_values(rows):
    values, noise = values_of(*rows)
    np.testing.assert_allclose(values, np.mean(rows, axis=1), atol=1e-9)
    p = (np.sum(rows, axis=1) + 0.5) / 5
    np.testing.assert_allclose(noise, p * (1 - p) / 4, atol=1e-12)


@quickly
@given(SEEDS, st.integers(1, 4), st.sampled_from([2.0, 5.0]))
def test_values_are_those_of_ridge_regression(seed, count, shrinkage):
    """They minimise Σ (score − value − effect)² + shrinkage Σ effect², here solved as one least-squares problem."""
    scores = prefixes(np.random.default_rng(seed), count, 6)
    text, example = np.nonzero(~np.isnan(scores))
    design = np.zeros((len(text) + 6, count + 6))
    design[np.arange(len(text)), text] = design[np.arange(len(text)), count + example] = 1.0
    design[len(text) :, count:] = math.sqrt(shrinkage) * np.eye(6)
    solution = np.linalg.lstsq(design, np.concatenate([scores[text, example], np.zeros(6)]), rcond=None)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_gp, "EXAMPLE_SHRINKAGE", shrinkage)
        np.testing.assert_allclose(values_of(*scores)[0], solution[:count], atol=2e-3)


@quickly
@given(SEEDS, st.integers(1, 6))
def test_values_do_not_depend_on_the_order_or_on_examples_without_scores(seed, count):
    generator = np.random.default_rng(seed)
    scores, order = prefixes(generator, count, 5), generator.permutation(count)
    values, noise = values_of(*scores)
    for rows in (scores[order], np.pad(scores[order], ((0, 0), (0, 2)), constant_values=np.nan)):
        others, other_noise = values_of(*rows)
        np.testing.assert_allclose(others, values[order], atol=1e-12)
        np.testing.assert_allclose(other_noise, noise[order], atol=1e-12)


NONE = [math.nan] * 6
EASY, HARD = [1.0] * 4, [0.0] * 6
"""Ten examples: almost every text is right on the first four and wrong on the others."""


def test_text_scored_on_easy_examples_only_is_not_overrated():
    usual = [[*EASY, *HARD]] * 20
    better = [*EASY, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    values, noise = values_of(*usual, better, [*EASY, *NONE])
    short = values[-1]
    assert short < values[-2]
    assert abs(short - values[0]) < abs(short - 1.0)
    assert noise[-1] > 0


def test_text_scored_on_hard_examples_only_is_not_underrated():
    usual = [[*HARD, *EASY]] * 20
    worse = [*HARD, 1.0, 0.0, 0.0, 0.0]
    values, _ = values_of(*usual, worse, [*HARD, *[math.nan] * 4])
    assert values[-1] > values[-2]
    assert abs(values[-1] - values[0]) < abs(values[-1])


def test_more_scores_leave_less_noise():
    _, noise = values_of([1.0, 0.0, *NONE], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
    assert noise[0] > noise[1] > 0
