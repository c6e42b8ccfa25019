"""The random projection A, which maps a low-dimensional vector z to a soft prompt (Section 3.1 of the paper).

Notation: n vectors, d intrinsic dimension, t soft tokens, h hidden size of the writer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from instructzero.errors import ConfigurationError

DISTRIBUTIONS = ("uniform", "normal")
_LARGEST = 10**9  # numbers of A, 4 GB


@dataclass(frozen=True)
class Projection:
    """A fixed random matrix A with an offset, drawn once per run: soft prompt = A z + offset.

    Parameters
    ----------
    matrix
        A, shape (t * h, d), float32.
    offset
        Added to every entry of the soft prompt.
    soft_tokens
        t.

    >>> projection = Projection.draw("uniform", dimension=2, soft_tokens=3, hidden_size=4, seed=0)
    >>> projection([(0.5, -0.5)]).shape
    torch.Size([1, 3, 4])
    """

    matrix: Tensor
    offset: float
    soft_tokens: int

    @classmethod
    def draw(
        cls,
        distribution: str,
        *,
        dimension: int,
        soft_tokens: int,
        hidden_size: int,
        seed: int,
        embedding_statistics: tuple[float, float] = (0.0, 1.0),
        scale: float = 1.0,
    ) -> Projection:
        """Draw the matrix A.

        Parameters
        ----------
        distribution
            ``uniform``: A ~ U(-1, 1), as in the paper. ``normal``: a normal distribution such that, for z uniform in
            [-1, 1]^d, the entries of the soft prompt have the mean and the standard deviation ``embedding_statistics``.
        dimension, soft_tokens, hidden_size
            d, t and h.
        seed
            Determines A together with the shape.
        embedding_statistics
            Mean and standard deviation of the writer's own embeddings; used by ``normal`` only.
        scale
            Multiplies A.

        Raises
        ------
        ConfigurationError
            If ``distribution`` is unknown, or the matrix would be larger than a machine holds.
        """
        generator = torch.Generator().manual_seed(seed)
        shape = (soft_tokens * hidden_size, dimension)
        if soft_tokens * hidden_size * dimension > _LARGEST:
            raise ConfigurationError(
                f"expected a random matrix of at most {_LARGEST:,} numbers, got tokens × hidden size × dimension = "
                f"{soft_tokens:,} × {hidden_size:,} × {dimension:,}; lower soft_tokens or dimension"
            )
        if distribution == "uniform":
            unit = torch.rand(shape, generator=generator, dtype=torch.float32)
            return cls(scale * (unit * 2 - 1), 0.0, soft_tokens)  # A ~ U(-1, 1)
        if distribution == "normal":
            mean, deviation = embedding_statistics
            spread = deviation * math.sqrt(3.0 / dimension)  # Var[A z] = d * spread^2 / 3 for z ~ U(-1, 1)^d
            normal = torch.randn(shape, generator=generator, dtype=torch.float32)
            return cls(normal * (scale * spread), mean, soft_tokens)
        raise ConfigurationError(
            f"expected a projection of {' or '.join(DISTRIBUTIONS)}, got {distribution!r}; choose one of them"
        )

    def __call__(self, points: Sequence[Sequence[float]]) -> Tensor:
        """Return soft prompts of shape (n, t, h), float32, for n points z of shape (d,)."""
        z = torch.tensor(points, dtype=torch.float64)
        soft = z @ self.matrix.double().T + self.offset  # A z
        return soft.float().reshape(len(points), self.soft_tokens, -1)
