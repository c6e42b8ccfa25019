"""PRESTO: INSTINCT that knows which soft prompts are written as the same text, and makes use of it three times.

Chu, Lee and Kim, PRESTO: Preimage-Informed Instruction Optimization for Prompting Black-Box LLMs (NeurIPS 2025, arXiv
2510.25808). The preimage of a text are the points of the pool that are written as it. (1) All of them share its score.
(2) The first texts are those whose preimages are large and together are spread as the whole pool. (3) The network is
trained to predict the same score all over a preimage, also where the score is not known.

Differs from the publication, beside what `instinct` says of the pool, the batch, U and the network:
- The squared MMD is the biased estimate, with the pairs of a point with itself: it exists for preimages of one point,
  so that those of fewer than five are not left out. It is taken of standardised representations.
- The network's parameters are held small as in INSTINCT; PRESTO's code does without and takes 1,000 steps of 1e-4.
- U holds the points whose score is known, instead of those of all preimages of two and more from the start.
- The first texts are chosen after the pool has been written; where a round is cut short by a limit, the choice goes on
  from what was taken.

Notation: n points of the pool, u preimages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from instructzero.bo.neural import Network, train
from instructzero.optimizers.instinct import Instinct
from instructzero.types import Candidate, Proposal

CONSISTENCY = 0.1
"""The largest weight γ of the consistency loss, as in PRESTO's code."""

RAMP = 0.5
"""The share of the training over which γ grows from 0, as in PRESTO's code."""


class Presto(Instinct):
    """The whole pool is written first and covered; then rounds of the largest upper confidence bounds.

    >>> optimizer = Presto(dimension=2, seed=0, represent=lambda z: torch.tensor(z, dtype=torch.float64))
    >>> len(optimizer.ask(limit=20))
    500
    """

    def ask(self, limit: int) -> list[Proposal]:
        if len(self._record.texts) < len(self._pool):
            return [Proposal(point) for point in self._pool.points]
        return super().ask(limit)

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        if self._missing <= 0:
            return super().choose(candidates, limit)
        texts = {**self._record.texts, **self._record.texts_of(candidates)}
        index_of = {candidates[index].instruction: index for index in self._record.fresh(candidates)}
        return [index_of[text] for text in self._covering(texts, list(index_of), min(limit, self._missing))]

    def _first(self, limit: int) -> list[int]:
        first = {text: position for position, text in sorted(self._record.texts.items(), reverse=True)}
        unpaid = [text for text in reversed(first) if text not in self._record.scores]
        return [first[text] for text in self._covering(self._record.texts, unpaid, min(limit, self._missing))]

    def _covering(self, texts: Mapping[int, str], among: Sequence[str], count: int) -> list[str]:
        """Those ``among`` the texts that best stand for the pool, beside the ones that were paid for already."""
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
        """The similarity of all points of the pool by which coverage is measured, (n, n)."""
        return gaussian_kernel(self._pool.features)

    def _trained(self, rows: Tensor, targets: Tensor) -> Network:
        """With the loss of score consistency, where there are preimages of two or more points without a score."""
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
    """exp(−‖x − x'‖² / 2 s²) between features (n, h), shape (n, n); s² is the median of ‖x − x'‖² over x ≠ x'."""
    squares = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist").square()
    pairs = squares[torch.ones_like(squares, dtype=torch.bool).triu(1)]
    median = pairs.median() if len(pairs) else squares.new_zeros(())
    return torch.exp(-squares / (2 * median)) if median > 0 else (squares == 0).double()


def squared_mmd(kernel: Tensor, members: Tensor) -> Tensor:
    """The squared maximum mean discrepancy of each subset of the pool to the pool, shape (u,).

    ``kernel`` (n, n) over the pool; ``members`` (u, n) is 1 where a point belongs to a subset and 0 elsewhere.
    """
    shares = members / members.sum(1, keepdim=True)
    towards = shares @ kernel
    squared: Tensor = (towards * shares).sum(1) - 2 * towards.mean(1) + kernel.mean()
    return squared.clamp_min(0.0)


def coverage_scores(kernel: Tensor, members: Tensor, taken: Tensor) -> Tensor:
    """Size and representativeness of each preimage as the next to be taken, each in [0, 1]; shape (u,).

    ``members`` (u, n) are the preimages, ``taken`` (n,) is 1 at the points that were taken. A preimage's size is
    measured by the largest; the MMD, of it and what was taken together, by the worst.
    """
    sizes, discrepancies = members.sum(1), squared_mmd(kernel, members + taken)
    worst = discrepancies.max()
    representativeness = 1 - discrepancies / worst if worst > 0 else torch.zeros_like(sizes)
    return sizes / sizes.max() + representativeness


def choose_covering(kernel: Tensor, members: Tensor, taken: Tensor, count: int) -> list[int]:
    """At most ``count`` preimages, each the one with the highest coverage score beside those taken before it."""
    left, chosen = list(range(len(members))), list[int]()
    while left and len(chosen) < count:
        pick = int(coverage_scores(kernel, members[left], taken).argmax())
        taken = taken + members[left[pick]]
        chosen.append(left.pop(pick))
    return chosen


def shared_preimages(group: Tensor) -> tuple[Tensor, Tensor]:
    """The points whose number in ``group`` (n,) another point has too, and the numbers counted from 0.

    Points numbered -1 are left out.
    """
    shared = (group == group[:, None]).sum(1) > 1
    alike = ((group >= 0) & shared).nonzero().squeeze(-1)
    number = {each: index for index, each in enumerate(sorted(set(group[alike].tolist())))}
    return alike, torch.tensor([number[each] for each in group[alike].tolist()], dtype=torch.long)


def consistency_loss(predictions: Tensor, preimage: Tensor) -> Tensor:
    """The squared difference of the predictions at two points of a preimage, on average over pairs and preimages.

    ``predictions`` (n,); ``preimage`` (n,) numbers from 0, each at two points or more.
    """
    sizes = preimage.bincount()
    means = predictions.new_zeros(len(sizes)).index_add(0, preimage, predictions) / sizes
    squares = (predictions - means[preimage]).square()
    # The pairs' squared differences sum up to the size times the squared distances from the mean.
    return (2 * predictions.new_zeros(len(sizes)).index_add(0, preimage, squares) / (sizes - 1)).mean()
