"""Muon: nearly orthogonal updates that reduce a loss."""

import pytest
import torch

from training.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 48), (2, 64, 24), (1, 192, 640)])
def test_orthogonalise_gives_singular_values_near_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonalise(matrices))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_matrices_of_stack_are_independent() -> None:
    matrices = torch.randn(3, 6, 10, generator=torch.Generator().manual_seed(2))
    alone = torch.cat([orthogonalise(matrix[None]) for matrix in matrices])
    assert torch.allclose(orthogonalise(matrices), alone, atol=1e-5)
    assert torch.allclose(orthogonalise(100 * matrices), alone, atol=1e-4)


def test_update_keeps_singular_directions() -> None:
    matrix = torch.randn(1, 12, 12, generator=torch.Generator().manual_seed(3))
    left, _, right = torch.linalg.svd(matrix)
    turned = left.mT @ orthogonalise(matrix) @ right.mT
    assert torch.allclose(turned, torch.diag_embed(turned.diagonal(dim1=1, dim2=2)), atol=1e-4)


def test_steps_reduce_loss_of_regression() -> None:
    generator = torch.Generator().manual_seed(4)
    inputs, wanted = (torch.randn(size, generator=generator) for size in ((256, 24), (24, 16)))
    weights = torch.nn.Parameter(torch.zeros(24, 16))
    unused = torch.nn.Parameter(torch.ones(24, 16))
    optimizer = Muon([weights, unused], lr=0.15)
    losses = []
    for _ in range(80):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(inputs @ weights, inputs @ wanted)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert torch.equal(unused, torch.ones(24, 16))


def test_weight_decay_shrinks_weights() -> None:
    weights = torch.nn.Parameter(torch.ones(4, 4))
    weights.grad = torch.zeros(4, 4)
    Muon([weights], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(weights, torch.full((4, 4), 0.95))
