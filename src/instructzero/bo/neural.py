"""A small network that predicts the scores of points, and the uncertainty measure of NeuralUCB.

Source: Zhou, Li and Gu, Neural Contextual Bandits with UCB-based Exploration (ICML 2020, arXiv 1911.04462).

Notation: n points with features x of k coordinates (X is n x k); w hidden units; g(x) the gradient of the prediction
with respect to all parameters θ; G the matrix with the rows g(x)ᵀ of the observed points; U = λ I + GᵀG.

U is neither inverted nor approximated by its diagonal: with K = G Gᵀ and g(x)ᵀ g(x') known in closed form, the exact
λ g(x)ᵀ U⁻¹ g(x) is g(x)ᵀ g(x) − (G g(x))ᵀ (K + λ I)⁻¹ G g(x), by Woodbury's identity. The linear system has as many
equations as points instead of parameters. The result is the posterior variance of a Gaussian process with noise λ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from instructzero.bo.threads import one_thread

WIDTH = 100
"""The number of hidden units, as in INSTINCT's code."""

REGULARISATION = 0.1
"""λ, for the weight penalty in training and in U, as in INSTINCT's code."""

EXPLORATION = 1.0
"""ν, the weight of σ in the upper bound, as in INSTINCT's code."""

COMPONENTS = 64
"""The number of principal components in the network's input. Training cost is independent of the writer's size."""

STEPS, RATE = 100, 1e-2
"""Steps and learning rate of Adam. INSTINCT takes 1,000 steps with 1e-3.

On pools of random tanh features with 40 scores, the predictions of the other scores correlate with the truth by 0.91
with these numbers and by 0.92 with INSTINCT's, which take seven times as long.
"""

MOMENTUM, SCALE = 0.9, 0.999
"""β₁ and β₂ of Adam: Kingma and Ba (2015), Algorithm 1."""

Penalty = Callable[[Tensor, float], Tensor]
"""An additional loss, of the predictions at all points (n,) and the completed share of the training, in [0, 1)."""


@dataclass(frozen=True)
class Network:
    """f(x) = c + aᵀ relu(W x + b): one hidden layer.

    ``hidden`` W (w, k), ``shift`` b (w,), ``output`` a (w,), ``offset`` c, a scalar tensor.
    """

    hidden: Tensor
    shift: Tensor
    output: Tensor
    offset: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """Return the predictions, shape (n,), at points (n, k)."""
        prediction: Tensor = self.offset + (points @ self.hidden.T + self.shift).relu() @ self.output
        return prediction

    def gram(self, points: Tensor) -> Tensor:
        """Return g(x)ᵀ g(x') between all points (n, k), shape (n, n)."""
        before = points @ self.hidden.T + self.shift
        slopes, active = (before > 0) * self.output, before.relu()  # ∂f/∂b, ∂f/∂a
        gram: Tensor = (points @ points.T + 1) * (slopes @ slopes.T) + active @ active.T + 1
        return gram


@one_thread()
def principal_components(features: Tensor, maximum: int = COMPONENTS) -> Tensor:
    """Return the leading coordinates of features along their principal axes, scaled to a mean square of 1.

    Args:
        features: Shape (n, h).
        maximum: The maximum number of coordinates.

    Returns:
        Shape (n, k) with k = min(n, h, maximum); zeros where all rows are equal.
    """
    centred = features - features.mean(0)
    squares, axes = torch.linalg.eigh(centred @ centred.T)  # ascending
    coordinates = (axes * squares.clamp_min(0.0).sqrt()).flip(1)[:, : min(maximum, features.shape[1])]
    scale = coordinates.square().mean().sqrt()
    normalised: Tensor = coordinates / scale if scale > 0 else coordinates
    return normalised


@one_thread()
def train(points: Tensor, rows: Tensor, targets: Tensor, *, seed: int, penalty: Penalty | None = None) -> Network:
    """Train a network on the mean squared error at the observed points, by Adam on the full batch.

    The loss includes λ / 2m ‖θ‖², as in INSTINCT's code.

    Args:
        points: All points, shape (n, k).
        rows: The positions of the observed points, shape (m,).
        targets: Their scores, shape (m,).
        seed: The seed of the initial weights.
        penalty: An additional loss on the predictions at all points.
    """
    parameters = _first_weights(points.shape[1], seed).requires_grad_()
    momentum, scale = torch.zeros_like(parameters), torch.zeros_like(parameters)
    for step in range(STEPS):
        predictions = _network(parameters, points.shape[1])(points)
        loss = (predictions[rows] - targets).square().mean()
        loss = loss + REGULARISATION / (2 * len(targets)) * parameters.square().sum()
        if penalty is not None:
            loss = loss + penalty(predictions, step / STEPS)
        (gradient,) = torch.autograd.grad(loss, parameters)
        momentum.lerp_(gradient, 1 - MOMENTUM)
        scale.lerp_(gradient.square(), 1 - SCALE)
        direction = momentum / ((scale / (1 - SCALE ** (step + 1))).sqrt() + 1e-8)
        parameters.data.sub_(direction, alpha=RATE / (1 - MOMENTUM ** (step + 1)))
    return _network(parameters.detach(), points.shape[1])


def _first_weights(inputs: int, seed: int) -> Tensor:
    """Draw θ so that the second half of the units cancels the first half: f is 0 before training."""
    generator = torch.Generator().manual_seed(seed)
    half = WIDTH // 2
    hidden = torch.randn(half, inputs, generator=generator, dtype=torch.float64) * (2 / inputs) ** 0.5
    output = torch.randn(half, generator=generator, dtype=torch.float64) * (1 / WIDTH) ** 0.5
    shift = hidden.new_zeros(2 * half)
    return torch.cat([hidden.flatten(), hidden.flatten(), shift, output, -output, hidden.new_zeros(1)])


def _network(parameters: Tensor, inputs: int) -> Network:
    hidden, shift, output, offset = torch.split(parameters, [WIDTH * inputs, WIDTH, WIDTH, 1])
    return Network(hidden.view(WIDTH, inputs), shift, output, offset.squeeze())


def predict(network: Network, points: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (n,) and covariance λ g(x)ᵀ U⁻¹ g(x') (n, n) at points (n, k); U holds the rows ``observed``.

    Gradients are scaled to a mean square length of 1 over the points, the variance of standardised scores.
    """
    gram = network.gram(points)
    return network(points), covariance_given(gram / gram.diagonal().mean(), observed)


def covariance_given(covariance: Tensor, rows: Tensor, regularisation: float = REGULARISATION) -> Tensor:
    """Return λ g(x)ᵀ U⁻¹ g(x') between all points, shape (n, n), after adding the points at ``rows`` to U.

    ``covariance`` is the same matrix before they are added; with no observation, the Gram matrix g(x)ᵀ g(x').
    """
    of_rows = covariance[rows]
    noise = regularisation * torch.eye(len(rows), dtype=covariance.dtype)
    factor = torch.linalg.cholesky(of_rows[:, rows] + noise)
    explained = torch.linalg.solve_triangular(factor, of_rows, upper=False)
    remaining: Tensor = covariance - explained.T @ explained
    return remaining


@one_thread()
def choose_upper_bounds(mean: Tensor, covariance: Tensor, group: Tensor, count: int) -> list[int]:
    """Choose points greedily by the largest mean + ν σ, at most one per group.

    After each choice the whole group of the point is added to U; the means do not change.

    Args:
        mean: Predicted scores, shape (n,).
        covariance: The result of `covariance_given`, shape (n, n).
        group: A number for each point, shape (n,), equal for points with the same text; -1 excludes a point.
        count: The maximum number of points.

    Returns:
        The positions of the chosen points, in the order of choice.
    """
    group, chosen = group.clone(), list[int]()
    while len(chosen) < count and bool((group >= 0).any()):
        sigma = covariance.diagonal().clamp_min(0.0).sqrt()
        bounds = torch.where(group >= 0, mean + EXPLORATION * sigma, -torch.inf)
        chosen.append(int(bounds.argmax()))
        alike = (group == group[chosen[-1]]).nonzero().squeeze(-1)
        covariance = covariance_given(covariance, alike)
        group[alike] = -1
    return chosen
