"""INSTINCT: a neural bandit over a fixed pool of soft prompts, which it sees as the writer represents them.

Lin, Wu, Dai, Hu, Shu, Ng, Jaillet and Low, Use Your INSTINCT: INSTruction optimization for LLMs usIng Neural bandits
Coupled with Transformers (ICML 2024, arXiv 2310.02905). A network of one hidden layer predicts the score from the
writer's last-layer state at the last token; the next soft prompt is the one with the largest mean + ν σ (NeuralUCB).

Differs from the publication:
- The pool has 500 points of [-1, 1]^d instead of 10,000 of [0, 1]^d, and every one of them is looked at in every round
  instead of 1,000 at random. The first points are those of the Sobol sequence instead of random ones.
- Rounds of a batch instead of single points: chosen one after the other, U updated after each.
- More points are written than paid for. A text that was paid for is not paid for again: its point takes the score, as
  the published code looks it up, and the next best point is evaluated instead.
- U is exact instead of diagonal, holds the points of the first round too, and its gradients are those of the network
  as it is now, instead of those of the round in which a point was chosen.
- Scores are standardised, and gradients scaled to unit mean square length, so that ν = 1 weighs both alike.
- The network reads the 64 leading principal components of the representations, standardised over the pool instead of
  over the points evaluated. It is 0 before training (as NeuralUCB has it) instead of drawn from N(0, 1), and is trained
  in 100 steps of 1e-2 instead of 1,000 of 1e-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from instructzero.bo.neural import Network, believe, choose_upper_bounds, principal_components, train
from instructzero.bo.surrogate import standardise
from instructzero.optimizers.base import Optimizer, Represent, generator_for
from instructzero.optimizers.pool import Pool, PoolRecord
from instructzero.types import Candidate, Proposal, Trial

CANDIDATES = 8
"""Points written for each one that is paid for, as many as the repaired search writes: some texts are known already."""

FIRST_CANDIDATES = 2
"""The same in the first round, when no text is known."""


class Instinct(Optimizer):
    """The first points of the pool; then rounds of the largest upper confidence bounds.

    >>> optimizer = Instinct(dimension=2, seed=0, represent=lambda z: torch.tensor(z, dtype=torch.float64), initial=3)
    >>> len(optimizer.ask(limit=20))
    6
    """

    def __init__(self, *, dimension: int, seed: int, represent: Represent, initial: int = 20, batch: int = 5) -> None:
        self._pool = Pool(dimension=dimension, seed=seed, represent=represent)
        self._record = PoolRecord(self._pool)
        self._network_seed = int(generator_for(seed, 0).integers(2**62))
        self._initial, self._batch = initial, batch
        self._belief: tuple[Tensor, Tensor] | None = None

    def ask(self, limit: int) -> list[Proposal]:
        positions = self._first(limit) if self._missing > 0 else self._wanted(min(self._batch, limit))
        return [Proposal(self._pool.points[position]) for position in positions or [0]]

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        most = min(limit, self._missing if self._missing > 0 else self._batch)
        return self._record.fresh(candidates)[:most]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        self._belief = None
        self._record.tell(trials, unpaid)

    @property
    def _missing(self) -> int:
        """Evaluations before the network is asked."""
        return self._initial - len(self._record.scores)

    def _first(self, limit: int) -> list[int]:
        """The positions to be written before the network is asked."""
        worth = (self._record.open() >= 0).nonzero().squeeze(-1)
        return worth[: FIRST_CANDIDATES * min(self._missing, limit)].tolist()

    def _wanted(self, count: int) -> list[int]:
        """The positions to be written for the sake of ``count`` evaluations, the most wanted first."""
        all_known = len(self._record.texts) == len(self._pool)
        mean, covariance = self._believed()
        return choose_upper_bounds(mean, covariance, self._record.open(), count * (1 if all_known else CANDIDATES))

    def _believed(self) -> tuple[Tensor, Tensor]:
        """Mean (n,) and covariance (n, n) of the standardised scores over the pool, fitted cold."""
        if self._belief is None:
            scored = self._record.scored()
            number = {text: index for index, text in enumerate(self._record.scores)}
            scores = standardise(torch.tensor(list(self._record.scores.values()), dtype=torch.float64))
            targets = scores[[number[self._record.texts[position]] for position in scored]]
            rows = torch.tensor(scored)
            self._belief = believe(self._trained(rows, targets), self._inputs, rows)
        return self._belief

    def _trained(self, rows: Tensor, targets: Tensor) -> Network:
        """The network for the ``targets`` (m,) at ``rows`` (m,) of the pool."""
        return train(self._inputs[rows], torch.arange(len(rows)), targets, seed=self._network_seed)

    @cached_property
    def _inputs(self) -> Tensor:
        """What the network reads of every point of the pool, (n, k)."""
        return principal_components(self._pool.features)
