"""A neural bandit over a fixed pool of soft prompts, which it reads as the writer represents them.

Shared by INSTINCT and PRESTO. A network of one hidden layer predicts the score of a text from the writer's last-layer
state at the last token; the next soft prompt is the one with the largest mean + ν σ (NeuralUCB). Points with the same
known text share its score.

Notation: n points of the pool, m points with a known score, k inputs of the network.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from instructzero.bo.neural import Network, choose_upper_bounds, predict, principal_components, train
from instructzero.bo.surrogate import standardise
from instructzero.optimizers.base import Optimizer, Represent, generator_for, proposed
from instructzero.optimizers.pool import Pool, PoolRecord
from instructzero.types import Candidate, Proposal, Trial

CANDIDATES = 8
"""The number of points written for one evaluation, as in the repaired search: some of the texts are already known."""


class NeuralBandit(Optimizer):
    """A first round that a subclass selects; then rounds of the largest upper confidence bounds.

    Parameters
    ----------
    dimension
        d, the number of coordinates of z.
    seed
        The seed of the pool and of the network.
    represent
        The writer's representation of points.
    initial
        The number of evaluations before the network is first trained.
    batch
        The number of evaluations in a later round.
    """

    def __init__(self, *, dimension: int, seed: int, represent: Represent, initial: int = 20, batch: int = 5) -> None:
        self._pool = Pool(dimension=dimension, seed=seed, represent=represent)
        self._record = PoolRecord(self._pool)
        self._network_seed = int(generator_for(seed, 0).integers(2**62))
        self._initial, self._batch = initial, batch
        self._evaluated = 0  # the number of texts of the pool
        self._prediction: tuple[Tensor, Tensor] | None = None

    def ask(self, limit: int) -> list[Proposal]:
        """Return points of the first round, or those with the largest upper confidence bounds."""
        positions = self._first(limit) if self._missing > 0 else self._best(min(self._batch, limit))
        return [Proposal(self._pool.points[position]) for position in positions or [0]]

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of the first new texts, at most as many as the round needs."""
        needed = self._missing if self._missing > 0 else self._batch
        return self._record.fresh(candidates)[: min(limit, needed)]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Add the scores and the texts; the network is trained again when it is next needed."""
        self._prediction = None
        self._evaluated += len(proposed(trials))
        self._record.tell(trials, unpaid)

    @property
    def _missing(self) -> int:
        """The number of evaluations before the network is first trained."""
        return self._initial - self._evaluated

    @abstractmethod
    def _first(self, limit: int) -> list[int]:
        """Return the positions to write before the network is trained, for at most ``limit`` evaluations."""

    def _best(self, count: int) -> list[int]:
        """Return the positions to write for ``count`` evaluations, in order of preference."""
        all_known = len(self._record.texts) == len(self._pool)
        mean, covariance = self._predicted()
        return choose_upper_bounds(mean, covariance, self._record.open(), count * (1 if all_known else CANDIDATES))

    def _predicted(self) -> tuple[Tensor, Tensor]:
        """Return mean (n,) and covariance (n, n) of the standardised scores over the pool, fitted from scratch."""
        if self._prediction is None:
            scored = self._record.scored()
            number = {text: index for index, text in enumerate(self._record.scores)}
            scores = standardise(torch.tensor(list(self._record.scores.values()), dtype=torch.float64))
            targets = scores[[number[self._record.texts[position]] for position in scored]]
            rows = torch.tensor(scored)
            self._prediction = predict(self._trained(rows, targets), self._inputs, rows)
        return self._prediction

    def _trained(self, rows: Tensor, targets: Tensor) -> Network:
        """Return the network trained on the ``targets`` (m,) at ``rows`` (m,) of the pool."""
        return train(self._inputs[rows], torch.arange(len(rows)), targets, seed=self._network_seed)

    @cached_property
    def _inputs(self) -> Tensor:
        """The inputs of the network for all points of the pool, (n, k)."""
        return principal_components(self._pool.features)
