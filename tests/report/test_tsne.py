"""t-SNE keeps neighbours together."""

import numpy as np
import pytest

from instructzero.report.tsne import _conditional, _gradient, _joint, _squared_distances, tsne


def clusters(each=15):
    rng = np.random.default_rng(0)
    centres = 8 * np.eye(3, 10)
    return np.concatenate([centre + 0.3 * rng.standard_normal((each, 10)) for centre in centres])


def test_clusters_stay_apart_and_together():
    points = clusters()
    places = tsne(points, points[:, :2])
    distances = np.sqrt(_squared_distances(places)) + 1e9 * np.eye(len(points))
    assert (distances.argmin(axis=1) // 15 == np.arange(45) // 15).all()
    means = places.reshape(3, 15, 2).mean(axis=1)
    spread = np.linalg.norm(places.reshape(3, 15, 2) - means[:, None], axis=-1).max()
    assert np.linalg.norm(means[0] - means[1]) > spread


def test_the_same_input_gives_the_same_output():
    points = clusters(5)
    assert (tsne(points, points[:, :2]) == tsne(points, points[:, :2])).all()


@pytest.mark.parametrize("points", [np.zeros((10, 3)), np.repeat(np.eye(2, 3), 5, axis=0), np.eye(4)])
def test_equal_points_and_few_points_give_numbers(points):
    assert np.isfinite(tsne(points, points[:, :2])).all()


def test_neighbourhoods_have_the_perplexity_asked_for():
    points = np.random.default_rng(1).standard_normal((60, 4))
    joint = _joint(points, 10.0)
    assert joint.sum() == pytest.approx(1, abs=1e-6)
    assert joint == pytest.approx(joint.T)
    flat = _conditional(_squared_distances(points), np.full((60, 1), 1e-9), ~np.eye(60, dtype=bool))
    assert np.exp(-(flat[0] * np.log(np.maximum(flat[0], 1e-12))).sum()) == pytest.approx(59, rel=1e-3)


def test_the_gradient_is_that_of_the_divergence():
    rng = np.random.default_rng(2)
    p, places = _joint(rng.standard_normal((8, 3)), 2.0), rng.standard_normal((8, 2))

    def divergence(at):
        w = 1 / (1 + _squared_distances(at))
        np.fill_diagonal(w, 0)
        off = ~np.eye(8, dtype=bool)
        return (p[off] * np.log(p[off] / (w / w.sum())[off])).sum()

    step = 1e-6 * np.eye(16).reshape(16, 8, 2)
    numeric = np.array([(divergence(places + each) - divergence(places - each)) / 2e-6 for each in step])
    assert _gradient(p, places).ravel() == pytest.approx(numeric, abs=1e-6)
