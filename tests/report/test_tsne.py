"""Tests of t-SNE."""

import numpy as np
import pytest

from instructzero.report.tsne import _conditional, _gradient, _joint, _squared_distances, tsne


def clusters(size=15):
    rng = np.random.default_rng(0)
    centres = 8 * np.eye(3, 10)
    return np.concatenate([centre + 0.3 * rng.standard_normal((size, 10)) for centre in centres])


def test_tsne_keeps_clusters_separate():
    points = clusters()
    places = tsne(points, points[:, :2])
    distances = np.sqrt(_squared_distances(places)) + 1e9 * np.eye(len(points))
    assert (distances.argmin(axis=1) // 15 == np.arange(45) // 15).all()
    means = places.reshape(3, 15, 2).mean(axis=1)
    spread = np.linalg.norm(places.reshape(3, 15, 2) - means[:, None], axis=-1).max()
    assert np.linalg.norm(means[0] - means[1]) > spread


def test_tsne_is_deterministic():
    points = clusters(5)
    assert (tsne(points, points[:, :2]) == tsne(points, points[:, :2])).all()


@pytest.mark.parametrize("points", [np.zeros((10, 3)), np.repeat(np.eye(2, 3), 5, axis=0), np.eye(4)])
def test_tsne_of_equal_or_few_points_is_finite(points):
    assert np.isfinite(tsne(points, points[:, :2])).all()


def test_joint_probabilities_have_requested_perplexity():
    points = np.random.default_rng(1).standard_normal((60, 4))
    joint = _joint(points, 10.0)
    assert joint.sum() == pytest.approx(1, abs=1e-6)
    assert joint == pytest.approx(joint.T)
    flat = _conditional(_squared_distances(points), np.full((60, 1), 1e-9), ~np.eye(60, dtype=bool))
    assert np.exp(-(flat[0] * np.log(np.maximum(flat[0], 1e-12))).sum()) == pytest.approx(59, rel=1e-3)


def test_gradient_matches_numerical_gradient_of_divergence():
    rng = np.random.default_rng(2)
    p, places = _joint(rng.standard_normal((8, 3)), 2.0), rng.standard_normal((8, 2))

    def divergence(at):
        w = 1 / (1 + _squared_distances(at))
        np.fill_diagonal(w, 0)
        off = ~np.eye(8, dtype=bool)
        return (p[off] * np.log(p[off] / (w / w.sum())[off])).sum()

    step = 1e-6 * np.eye(16).reshape(16, 8, 2)
    numeric = np.array([(divergence(places + shift) - divergence(places - shift)) / 2e-6 for shift in step])
    assert _gradient(p, places).ravel() == pytest.approx(numeric, abs=1e-6)
