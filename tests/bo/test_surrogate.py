"""The posterior compared with a reference with explicit matrices, and its properties."""

import numpy as np
import pytest
import torch

from instructzero.bo.surrogate import MINIMUM_VARIANCE, CoupledGP
from tests.bo.dense import reference_posterior


def random_case(generator):
    """Return the arguments of a random process; instructions may be few, equal, or have several points."""
    count = int(generator.choice([1, 2, 3, 6]))
    dimension = int(generator.choice([1, 2, 4]))
    more = int(generator.choice([0, 0, 1, 5]))
    answers = generator.integers(0, 2, (count, 3)) * generator.choice([0, 1], p=[0.1, 0.9])
    kind = generator.choice(["normal", "binary", "zeros", "ones"])
    targets = {
        "normal": generator.normal(size=count),
        "binary": generator.integers(0, 2, count).astype(float),
        "zeros": np.zeros(count),
        "ones": np.ones(count),
    }[kind]
    return {
        "points": generator.uniform(-1, 1, (count + more, dimension)),
        "instruction": np.concatenate([np.arange(count), generator.integers(0, count, more)]),
        "similarity": generator.uniform(0.1, 3) * (answers[:, None] == answers).mean(-1),
        "targets": targets,
        "noise": generator.uniform(1e-2, 0.5, count),
        "lengthscale": generator.uniform(0.1, 2, dimension),
        "mean": float(generator.normal()),
        "correction": float(generator.choice([0.0, generator.uniform(0.1, 2)])),
    }


def process(case):
    tensors = {name: torch.from_numpy(value) for name, value in case.items() if isinstance(value, np.ndarray)}
    return CoupledGP(**tensors, mean=case["mean"], correction=case["correction"])


@pytest.mark.parametrize("seed", range(10))
def test_posterior_equals_dense_reference(seed):
    generator = np.random.default_rng(seed)
    for _ in range(100):
        case = random_case(generator)
        queries = generator.uniform(-1.2, 1.2, (5, case["points"].shape[1]))
        queries[0] = case["points"][0]
        mean, covariance = reference_posterior(case, queries)
        gp = process(case)
        single_mean, variance = gp.posterior(torch.from_numpy(queries))
        joint_mean, joint = gp.joint_posterior(torch.from_numpy(queries))
        np.testing.assert_allclose(single_mean, mean, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(joint_mean, mean, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(variance, np.diag(covariance), rtol=1e-8, atol=1e-11)
        np.testing.assert_allclose(joint, covariance, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("seed", range(10))
def test_posterior_variance_is_finite_and_positive(seed):
    """The queries lie inside the box, on a point, right beside a point, and far away."""
    generator = np.random.default_rng(seed)
    for _ in range(50):
        case = random_case(generator)
        case["noise"][:] = generator.choice([1e-4, 0.1])
        points = case["points"]
        points[-1] = points[0]
        inside = generator.uniform(-1, 1, (12, points.shape[1]))
        beside = points[:1] + np.array([[0.0], [1e-12], [1e-6], [1e-3]])
        away = points[:1] + np.array([[2.0], [10.0], [1e3], [1e6]])
        queries = torch.from_numpy(np.concatenate([inside, beside, away]))
        gp = process(case)
        mean, variance = gp.posterior(queries)
        _, covariance = gp.joint_posterior(queries)
        assert torch.isfinite(mean).all()
        assert torch.isfinite(covariance).all()
        assert (variance > 0).all()
        assert np.linalg.eigvalsh(covariance).min() > -1e-9
        assert torch.equal(covariance, covariance.mT)


def test_posterior_of_batches_equals_single_queries():
    case = random_case(np.random.default_rng(3))
    queries = torch.from_numpy(np.random.default_rng(4).uniform(-1, 1, (2, 3, 5, case["points"].shape[1])))
    gp = process(case)
    mean, variance = gp.posterior(queries)
    joint_mean, covariance = gp.joint_posterior(queries)
    assert (mean.shape, variance.shape, covariance.shape) == ((2, 3, 5), (2, 3, 5), (2, 3, 5, 5))
    np.testing.assert_allclose(joint_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(covariance.diagonal(dim1=-2, dim2=-1), variance, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mean[1, 2], gp.posterior(queries[1, 2])[0], rtol=1e-12)
    np.testing.assert_allclose(covariance[1, 2], gp.joint_posterior(queries[1, 2])[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_posterior_gradients_equal_finite_differences(seed):
    generator = np.random.default_rng(seed)
    case = random_case(generator)
    queries = torch.from_numpy(generator.uniform(-1, 1, (3, case["points"].shape[1]))).requires_grad_(True)
    assert torch.autograd.gradcheck(process(case).posterior, queries, rtol=1e-5, atol=1e-6)


def spread(dimension=2, count=4):
    """Return points so far apart that their covariance is negligible."""
    return 5.0 * np.arange(count)[:, None] * np.ones(dimension)


def test_points_of_one_instruction_have_equal_posteriors():
    """The posteriors are equal up to the jitter."""
    case = random_case(np.random.default_rng(0)) | {"points": spread(), "instruction": np.array([0, 1, 1, 0])}
    case |= {"similarity": np.array([[1.0, 0.3], [0.3, 1.0]]), "targets": np.array([-1.0, 1.0])}
    case |= {"noise": np.array([0.1, 0.2]), "lengthscale": np.full(2, 0.3), "mean": 0.5, "correction": 0.7}
    mean, covariance = process(case).joint_posterior(torch.from_numpy(case["points"]))
    similarity, scores = case["similarity"], case["similarity"] + np.diag(case["noise"])
    own = 0.5 + similarity @ np.linalg.solve(scores, case["targets"] - 0.5)
    own_covariance = similarity - similarity @ np.linalg.solve(scores, similarity)
    np.testing.assert_allclose(mean, own[[0, 1, 1, 0]], atol=1e-3)
    np.testing.assert_allclose(covariance, own_covariance[[0, 1, 1, 0]][:, [0, 1, 1, 0]], atol=1e-3)


def test_posterior_far_from_data_has_prior_mean_and_correction_variance():
    for correction in (0.0, 0.8):
        case = random_case(np.random.default_rng(1)) | {"correction": correction}
        mean, variance = process(case).posterior(torch.from_numpy(case["points"] + 1e3))
        np.testing.assert_allclose(mean, case["mean"], rtol=1e-12)
        np.testing.assert_allclose(variance, max(correction, MINIMUM_VARIANCE), rtol=1e-12)
