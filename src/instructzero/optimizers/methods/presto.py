"""PRESTO: a neural bandit that uses its knowledge of which soft prompts give the same text.

Chu, Lee and Kim, PRESTO: Preimage-Informed Instruction Optimization for Prompting Black-Box LLMs (NeurIPS 2025, arXiv
2510.25808). The preimage of a text is the set of points of the pool that give this text. (1) All of them share its
score. (2) The first texts are those whose preimages are large and together are distributed like the whole pool. (3) The
network is trained to predict the same score over a whole preimage, also if the score is not known. The bandit is that
of INSTINCT (`optimizers.bandit`).

Differs from the publication, besides the differences of `instinct` in the pool, the batch, U and the network:
- The squared MMD is the biased estimate, which includes the pairs of a point with itself: it exists for preimages of
  one point, so that those of fewer than five are not left out. It is computed on standardised representations.
- The network's parameters are regularised as in INSTINCT; PRESTO's code does not, and takes 1,000 steps of 1e-4.
- U includes the points whose score is known, instead of those of all preimages of two and more from the start.
- The first texts are selected after the whole pool has been written. If a limit cuts a round short, the selection
  continues from the texts that were taken.

Notation: n points of the pool, u preimages, h the size of a representation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from instructzero.bo.neural import Network, train
from instructzero.optimizers.bandit import NeuralBandit
from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method
from instructzero.types import Candidate, Proposal

CONSISTENCY = 0.1
"""The largest weight γ of the consistency loss, as in PRESTO's code."""

RAMP = 0.5
"""The share of the training over which γ grows from 0, as in PRESTO's code."""


class Presto(NeuralBandit):
    """The whole pool is written and covered first; then rounds of the largest upper confidence bounds.

    >>> optimizer = Presto(dimension=2, seed=0, represent=lambda z: torch.tensor(z, dtype=torch.float64))
    >>> len(optimizer.ask(limit=20))
    500
    """

    def ask(self, limit: int) -> list[Proposal]:
        """Return the whole pool until it is written; then as the bandit does."""
        if len(self._record.texts) < len(self._pool):
            return [Proposal(point) for point in self._pool.points]
        return super().ask(limit)

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of the texts that cover the pool best; after the first round as the bandit does."""
        if self._missing <= 0:
            return super().choose(candidates, limit)
        texts = {**self._record.texts, **self._record.texts_of(candidates)}
        index_of = {candidates[index].instruction: index for index in self._record.fresh(candidates)}
        return [index_of[text] for text in self._covering(texts, list(index_of), min(limit, self._missing))]

    def _first(self, limit: int) -> list[int]:
        first = {text: position for position, text in sorted(self._record.texts.items(), reverse=True)}
        unpaid = [text for text in reversed(first) if text and text not in self._record.scores]
        return [first[text] for text in self._covering(self._record.texts, unpaid, min(limit, self._missing))]

    def _covering(self, texts: Mapping[int, str], among: Sequence[str], count: int) -> list[str]:
        """Return the ``count`` texts of ``among`` that, with the evaluated ones, represent the pool best."""
        number = {text: index for index, text in enumerate(among)}
        members = torch.zeros(len(among), len(self._pool), dtype=torch.float64)
        taken = torch.zeros(len(self._pool), dtype=torch.float64)
        for position, text in texts.items():
            if text in number:
                members[number[text], position] = 1
            elif text in self._record.scores:
                taken[position] = 1
        return [among[index] for index in choose_covering(self._kernel, members, taken, count)]

    @cached_property
    def _kernel(self) -> Tensor:
        """The similarity of all points of the pool, by which coverage is measured, (n, n)."""
        return gaussian_kernel(self._pool.features)

    def _trained(self, rows: Tensor, targets: Tensor) -> Network:
        """Return the trained network, with the consistency loss if preimages of several points have no score."""
        alike, preimage = shared_preimages(self._record.open())
        together, seen = torch.cat([rows, alike]), len(rows)

        def inconsistency(predictions: Tensor, progress: float) -> Tensor:
            return CONSISTENCY * min(1.0, progress / RAMP) * consistency_loss(predictions[seen:], preimage)

        return train(
            self._inputs[together],
            torch.arange(seen),
            targets,
            seed=self._network_seed,
            penalty=inconsistency if len(alike) else None,
        )


def gaussian_kernel(features: Tensor) -> Tensor:
    """Return exp(−‖x − x'‖² / 2 s²) for features (n, h), shape (n, n); s² is the median of ‖x − x'‖² over x ≠ x'."""
    squares = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist").square()
    pairs = squares[torch.ones_like(squares, dtype=torch.bool).triu(1)]
    median = pairs.median() if len(pairs) else squares.new_zeros(())
    return torch.exp(-squares / (2 * median)) if median > 0 else (squares == 0).double()


def squared_mmd(kernel: Tensor, members: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy of u subsets of the pool to the pool, shape (u,).

    ``kernel`` (n, n) over the pool; ``members`` (u, n) is 1 if a point belongs to a subset and 0 otherwise.
    """
    shares = members / members.sum(1, keepdim=True)
    towards = shares @ kernel
    squared: Tensor = (towards * shares).sum(1) - 2 * towards.mean(1) + kernel.mean()
    return squared.clamp_min(0.0)


def coverage_scores(kernel: Tensor, members: Tensor, taken: Tensor) -> Tensor:
    """Return size plus representativeness of u preimages as the next to take, each term in [0, 1]; shape (u,).

    ``members`` (u, n) are the preimages, ``taken`` (n,) is 1 at the points that were taken. The size of a preimage is
    relative to the largest. The MMD, of a preimage together with the taken points, is relative to the worst.
    """
    sizes, discrepancies = members.sum(1), squared_mmd(kernel, members + taken)
    worst = discrepancies.max()
    representativeness = 1 - discrepancies / worst if worst > 0 else torch.zeros_like(sizes)
    return sizes / sizes.max() + representativeness


def choose_covering(kernel: Tensor, members: Tensor, taken: Tensor, count: int) -> list[int]:
    """Return at most ``count`` preimages, greedily the one with the highest coverage score given those before."""
    left, chosen = list(range(len(members))), list[int]()
    while left and len(chosen) < count:
        pick = int(coverage_scores(kernel, members[left], taken).argmax())
        taken = taken + members[left[pick]]
        chosen.append(left.pop(pick))
    return chosen


def shared_preimages(group: Tensor) -> tuple[Tensor, Tensor]:
    """Return the points whose number in ``group`` (n,) another point also has, and these numbers counted from 0.

    Points numbered -1 are left out.
    """
    shared = (group == group[:, None]).sum(1) > 1
    alike = ((group >= 0) & shared).nonzero().squeeze(-1)
    number = {value: index for index, value in enumerate(sorted(set(group[alike].tolist())))}
    return alike, torch.tensor([number[value] for value in group[alike].tolist()], dtype=torch.long)


def consistency_loss(predictions: Tensor, preimage: Tensor) -> Tensor:
    """Return the squared difference of the predictions at two points of a preimage, averaged over pairs and preimages.

    ``predictions`` (n,); ``preimage`` (n,) numbers counted from 0, every number at two points or more.
    """
    sizes = preimage.bincount()
    means = predictions.new_zeros(len(sizes)).index_add(0, preimage, predictions) / sizes
    squares = (predictions - means[preimage]).square()
    # The squared differences of all pairs sum to the size times the sum of squared distances from the mean.
    return (2 * predictions.new_zeros(len(sizes)).index_add(0, preimage, squares) / (sizes - 1)).mean()


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Presto(represent=materials.represent, **arguments)


METHOD = Method(
    summary="PRESTO (Chu et al., 2025): INSTINCT with scores shared by soft prompts of one text",
    make=_make,
    parts=SIZES,
    represents=True,
    needs_soft_prompts=True,
)
