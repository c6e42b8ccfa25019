"""The projection of points z to soft prompts."""

import numpy as np
import pytest
import torch

from instructzero.errors import ConfigurationError
from instructzero.writing.projection import Projection


def draw(distribution="uniform", seed=0, **changes):
    arguments = {"dimension": 10, "soft_tokens": 5, "hidden_size": 64, "seed": seed} | changes
    return Projection.draw(distribution, **arguments)


def test_soft_prompt_is_matrix_times_z():
    projection = draw()
    z = np.random.default_rng(0).uniform(-1, 1, (3, 10))
    expected = (z @ projection.matrix.double().numpy().T).reshape(3, 5, 64)
    np.testing.assert_allclose(projection(z.tolist()), expected, rtol=1e-6)


def test_uniform_matrix_covers_minus_one_to_one():
    matrix = draw().matrix
    assert matrix.shape == (320, 10)
    assert -1 <= matrix.min() < -0.99
    assert 0.99 < matrix.max() <= 1


def test_normal_soft_prompts_have_embedding_statistics():
    projection = draw("normal", hidden_size=512, embedding_statistics=(0.3, 0.02))
    soft = projection(np.random.default_rng(0).uniform(-1, 1, (400, 10)).tolist())
    assert soft.mean().item() == pytest.approx(0.3, abs=1e-3)
    assert soft.std().item() == pytest.approx(0.02, rel=0.05)


def test_equal_seeds_draw_equal_matrices():
    before = torch.random.get_rng_state()
    assert torch.equal(draw(seed=1).matrix, draw(seed=1).matrix)
    assert not torch.equal(draw(seed=1).matrix, draw(seed=2).matrix)
    assert torch.equal(before, torch.random.get_rng_state())


def test_soft_prompt_does_not_depend_on_batch():
    points = np.random.default_rng(0).uniform(-1, 1, (25, 10)).tolist()
    assert torch.equal(draw()(points)[7:8], draw()(points[7:8]))


def test_unknown_distribution_raises():
    with pytest.raises(ConfigurationError, match="uniform or normal, got 'cauchy'"):
        draw("cauchy")
