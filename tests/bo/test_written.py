"""The process over written instructions against the textbook, and its laws."""

import numpy as np
import pytest
import torch
from scipy import optimize

from instructzero.bo.fitting import negative_log_posterior
from instructzero.bo.kernels import squared_distances
from instructzero.bo.wording import ngram_features
from instructzero.bo.written import Written, WrittenGP, WrittenSimilarity
from tests.bo.dense import reference_kernel

WORDS = "give write the word its opposite antonym reverse number or so please maybe in most cases".split()


def random_written(generator, count, dimension=3):
    texts = [" ".join(generator.choice(WORDS, 5)) for _ in range(count)]
    points = torch.from_numpy(generator.uniform(-1, 1, (count, dimension)))
    return Written(points, ngram_features(texts))


def random_scores(generator, count, examples=6):
    return torch.from_numpy(generator.integers(0, 2, (count, examples)).astype(float))


def dense_kernel(gp, first, second):
    of_points, of_texts, weight = gp.fitted.lengthscale.tolist()
    points = reference_kernel(first.points.numpy(), second.points.numpy(), of_points)
    texts = reference_kernel(first.features.numpy(), second.features.numpy(), of_texts)
    return gp.fitted.outputscale * (points + weight * texts)


@pytest.mark.parametrize("known_noise", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_posterior_equals_the_textbooks(seed, known_noise):
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 12))
    seen, candidates = random_written(generator, count), random_written(generator, 5)
    gp = WrittenGP(seen, random_scores(generator, count), known_noise=known_noise)
    noisy = dense_kernel(gp, seen, seen) + np.diag(gp.fitted.noise)
    cross = dense_kernel(gp, candidates, seen)
    mean, covariance = gp.posterior(candidates)
    expected = gp.fitted.mean + cross @ np.linalg.solve(noisy, gp.targets.numpy() - gp.fitted.mean)
    np.testing.assert_allclose(mean, expected, rtol=1e-8, atol=1e-9)
    expected = dense_kernel(gp, candidates, candidates) - cross @ np.linalg.solve(noisy, cross.T)
    np.testing.assert_allclose(covariance, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_gradient_of_the_likelihood_equals_finite_differences(seed):
    generator = np.random.default_rng(seed)
    seen = random_written(generator, 8)
    similarity = WrittenSimilarity(
        squared_distances(seen.points, seen.points), squared_distances(seen.features, seen.features)
    )
    targets = torch.from_numpy(generator.normal(size=8))
    noise = torch.from_numpy(generator.uniform(0.05, 0.5, 8))
    at = torch.from_numpy(generator.uniform(-1, 1, 5))
    _, gradient = negative_log_posterior(at, similarity, targets, noise)
    expected = optimize.approx_fprime(
        at.numpy(),
        lambda parameters: negative_log_posterior(torch.from_numpy(parameters), similarity, targets, noise)[0],
        1e-6,
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_constant_scores_and_repeated_texts_are_no_obstacle(constant):
    generator = np.random.default_rng(0)
    seen = random_written(generator, 6)
    seen = Written(seen.points[:1].expand(6, 3), seen.features[:1].expand(6, -1))
    for scores in (torch.full((6, 4), constant, dtype=torch.float64), random_scores(generator, 6)):
        mean, covariance = WrittenGP(seen, scores).posterior(random_written(generator, 4))
        assert torch.isfinite(mean).all()
        assert torch.isfinite(covariance).all()
        assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_words_tell_apart_what_z_cannot():
    """Points of no meaning; whoever writes 'maybe' fails."""
    generator = np.random.default_rng(1)
    texts = [f"{verb} the {noun}{tail}." for verb in ("give", "write") for noun in ("word", "name", "antonym")
             for tail in ("", ", maybe")]  # fmt: skip
    scores = torch.tensor([[0.0] * 10 if "maybe" in text else [1.0] * 10 for text in texts], dtype=torch.float64)
    points = torch.from_numpy(generator.uniform(-1, 1, (len(texts), 4)))
    gp = WrittenGP(Written(points, ngram_features(texts)), scores)
    new = ngram_features(["output the opposite.", "output the opposite, maybe."])
    mean, _ = gp.posterior(Written(torch.zeros(2, 4, dtype=torch.float64), new))
    assert mean[0] > mean[1] + 0.5
