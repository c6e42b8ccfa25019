"""INSTINCT: a neural bandit over a fixed pool of soft prompts, which it reads as the writer represents them.

Lin, Wu, Dai, Hu, Shu, Ng, Jaillet and Low, Use Your INSTINCT: INSTruction optimization for LLMs usIng Neural bandits
Coupled with Transformers (ICML 2024, arXiv 2310.02905). `optimizers.bandit` implements the bandit.

Differs from the publication:
- The pool has 500 points of [-1, 1]^d instead of 10,000 of [0, 1]^d, and every round considers all of them instead of
  1,000 at random. The first points are those of the Sobol sequence instead of random ones.
- Rounds of a batch instead of single points: selected one after the other, U updated after every selection.
- More points are written than evaluated. A text is evaluated once: another point with the same text receives its score,
  as in the published code, and the next best point is evaluated instead.
- U is exact instead of diagonal, includes the points of the first round, and its gradients are those of the current
  network, instead of those of the round in which a point was selected.
- Scores are standardised, and gradients scaled to unit mean square length, so that ν = 1 gives both the same weight.
- The network reads the 64 leading principal components of the representations, standardised over the pool instead of
  over the evaluated points. It is 0 before training (as in NeuralUCB) instead of drawn from N(0, 1), and is trained
  in 100 steps of 1e-2 instead of 1,000 of 1e-3.
"""

from __future__ import annotations

from instructzero.optimizers.bandit import NeuralBandit
from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method

FIRST_CANDIDATES = 2
"""The number of points written for one evaluation of the first round, when no text is known."""


class Instinct(NeuralBandit):
    """The first points of the pool; then rounds of the largest upper confidence bounds.

    >>> import torch
    >>> optimizer = Instinct(dimension=2, seed=0, represent=lambda z: torch.tensor(z, dtype=torch.float64), initial=3)
    >>> len(optimizer.ask(limit=20))
    6
    """

    def _first(self, limit: int) -> list[int]:
        unknown = (self._record.open() >= 0).nonzero().squeeze(-1)
        return unknown[: FIRST_CANDIDATES * min(self._missing, limit)].tolist()


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Instinct(represent=materials.represent, **arguments)


METHOD = Method(
    summary="INSTINCT (Lin et al., 2024): NeuralUCB on the writer's hidden states",
    make=_make,
    parts=SIZES,
    represents=True,
    needs_soft_prompts=True,
)
