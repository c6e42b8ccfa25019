"""A Gaussian process with the neural tangent kernel, and the process of its derivative.

Notation: n observed points X (n x h) with targets y; q query points; a network of L hidden layers of width w with
pre-activations u_l, activations a_l (a_0 = x) and back-propagated signals δ_l = ∂f/∂u_l.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]
"""Maps points (q, h) and (n, h) to covariances (q, n); differentiable with respect to both."""


class TangentKernel:
    """k(x, x') = ∇θ f(x)ᵀ ∇θ f(x') over all weights θ of a random network f (Jacot et al., NeurIPS 2018).

    f(x) = w_outᵀ a_L / √w with u_l = W_l a_{l−1} / √(size of a_{l−1}) + b_l and a_l = tanh u_l; all weights and
    biases are standard normal. The gradient with respect to W_l is δ_l a_{l−1}ᵀ / √(size of a_{l−1}), so that

        k(x, x') = a_Lᵀ a_L' / w + Σ_l (δ_lᵀ δ_l') (a_{l−1}ᵀ a_{l−1}' / (size of a_{l−1}) + 1)

    and the gradients themselves, which have millions of entries, are never computed.

    >>> kernel = TangentKernel(3, np.random.default_rng(0))
    >>> kernel(torch.zeros(2, 3, dtype=torch.float64), torch.ones(5, 3, dtype=torch.float64)).shape
    torch.Size([2, 5])
    """

    def __init__(self, size: int, generator: np.random.Generator, *, width: int = 32, depth: int = 2) -> None:
        """Draw the weights of the network, in the order W_1, b_1, …, W_L, b_L, w_out.

        Args:
            size: h, the size of a point.
            generator: The source of the weights.
            width: w, the units per hidden layer.
            depth: L ≥ 0; with 0 the kernel is linear, xᵀ x' / h.
        """
        sizes = [size] + depth * [width]
        self._layers = [
            (_normal(generator, above, below), _normal(generator, above)) for below, above in itertools.pairwise(sizes)
        ]
        self._out = _normal(generator, sizes[-1])

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return k, shape (q, n), for points of shapes (q, h) and (n, h)."""
        inputs, signals = self._pass(first)
        other_inputs, other_signals = self._pass(second)
        *below, last = [one @ other.T / one.shape[1] for one, other in zip(inputs, other_inputs, strict=True)]
        for gram, signal, other in zip(below, signals, other_signals, strict=True):
            last = last + (signal @ other.T) * (gram + 1)
        return last

    def _pass(self, points: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return a_0 … a_L and δ_1 … δ_L, with one row per point."""
        inputs, signals = [points], []
        for weights, biases in self._layers:
            inputs.append(torch.tanh(inputs[-1] @ weights.T / weights.shape[1] ** 0.5 + biases))
        signal = self._out.expand(len(points), -1)
        for (weights, _), activation in zip(reversed(self._layers), reversed(inputs), strict=False):
            signal = signal / activation.shape[1] ** 0.5 * (1 - activation.square())
            signals.append(signal)
            signal = signal @ weights
        return inputs, signals[::-1]


def _normal(generator: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(generator.standard_normal(shape))


class DerivedGP:
    """The posterior of f ~ GP(0, s² k) given y = f(X) + noise, and of its gradient (Hu et al., 2024, Section 4.1).

    Differentiation is linear, so the gradient is a Gaussian process too, with mean ∂k(x, X) (K + Σ)⁻¹ y and covariance
    ∂∂'k(x, x) − ∂k(x, X) (K + Σ)⁻¹ ∂'k(X, x).

    >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> gp = DerivedGP(lambda a, b: a @ b.T, x, torch.tensor([0.0, 1.0]).double(), torch.tensor([3.0, 3.0]).double())
    >>> gp.gradient(x[1]).tolist(), gp.slope_variance(x[1], x[1])
    ([0.25], (0.75, 1.0))
    """

    def __init__(
        self, kernel: Kernel, points: Tensor, targets: Tensor, noise: Tensor, *, outputscale: float = 1.0
    ) -> None:
        """Condition the process on observations.

        Args:
            kernel: k.
            points: X, shape (n, h).
            targets: y, shape (n,).
            noise: Variances > 0, shape (n,).
            outputscale: s².
        """
        self._kernel = kernel
        self._outputscale = outputscale
        self._points = points
        self._factor = torch.linalg.cholesky(self._covariance(points, points) + torch.diag(noise))  # K + Σ
        self._coefficients = torch.cholesky_solve(targets.unsqueeze(-1), self._factor).squeeze(-1)

    def _covariance(self, first: Tensor, second: Tensor) -> Tensor:
        return self._outputscale * self._kernel(first, second)

    def mean(self, points: Tensor) -> Tensor:
        """Return the posterior mean of f, shape (q,), at points (q, h)."""
        return self._covariance(points, self._points) @ self._coefficients

    def gradient(self, point: Tensor) -> Tensor:
        """Return the posterior mean of ∇f, shape (h,), at a point (h,)."""
        at = point.clone().requires_grad_()
        return torch.autograd.grad(self.mean(at.unsqueeze(0)).sum(), at)[0]

    def slope_variance(self, point: Tensor, direction: Tensor) -> tuple[float, float]:
        """Return the posterior and the prior variance of directionᵀ ∇f at ``point``; both vectors have shape (h,)."""
        one, other = point.clone().requires_grad_(), point.clone().requires_grad_()
        between = self._covariance(one.unsqueeze(0), other.unsqueeze(0)).sum()
        slope = torch.autograd.grad(between, one, create_graph=True)[0] @ direction
        prior = float(torch.autograd.grad(slope, other)[0] @ direction)
        # The derivatives of all n covariances along the direction at once: differentiate the weighted sum of the
        # covariances along the direction, then with respect to the weights.
        weights = torch.zeros_like(self._coefficients, requires_grad=True)
        weighted = (self._covariance(one.unsqueeze(0), self._points) @ weights).sum()
        slope = torch.autograd.grad(weighted, one, create_graph=True)[0] @ direction
        with_observed = torch.autograd.grad(slope, weights)[0].unsqueeze(-1)
        explained = torch.linalg.solve_triangular(self._factor, with_observed, upper=False)
        return max(prior - float(explained.square().sum()), 0.0), prior
