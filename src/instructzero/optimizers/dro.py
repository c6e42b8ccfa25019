"""DRO-InstructZero: the search of InstructZero for the instruction whose worst case over shifted examples is best.

Reference: Li, *DRO-InstructZero: Distributionally Robust Prompt Optimization for Large Language Models* (2025, arXiv
2510.15260). An instruction is worth inf E_Q[score] over all distributions Q of the examples within a Kullback-Leibler
divergence ε of the reference distribution, and the search maximises this worst case instead of the mean. Of two
instructions with the same mean, the better is the one without very bad answers. Where all scores are 0 or 1, the worst
case is an increasing function of the mean: it ranks as the mean does, and spreads the differences among the best ones.

Differs from the publication, of which there is no code:

- Q is a distribution over the validation examples of one task and the reference is uniform. The publication shifts
  weights between two tasks drawn in every round, around a reference that follows the scores.
- The worst case of every evaluated instruction is the target of the surrogate, and its expected improvement is
  maximised. The publication maximises the worst case of a vector of upper confidence bounds.
- The ball is the one of the publication's text, KL(Q ‖ uniform) ≤ ε, solved exactly. Its experiments are said to solve
  for a Wasserstein ball.
- S couples instructions by their scores, as in InstructZero, and is not weighted by the worst distribution.
- An instruction that was scored on the first examples only is worth its worst case over these. Its noise, as a share
  of the variance of all targets, is taken to be that of its mean score.
- The search of points is the repaired one of this package, without the continuations of texts, which are ours.
- Only the search is robust: races and the end of a run compare mean scores.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from instructzero.bo.surrogate import Observations
from instructzero.optimizers.instructzero import InstructZero
from instructzero.types import Trial

RADIUS = 0.1
"""ε of the publication, in nats. With it, 19 right answers of 20 are worth 0.83 and ten of 20 are worth 0.28."""


class DistributionallyRobust(InstructZero):
    """InstructZero on the worst case of the scores: for the surrogate, its incumbents and its starts.

    >>> optimizer = DistributionallyRobust(dimension=10, seed=0)
    >>> len(optimizer.ask(limit=20))
    20
    """

    def outcome(self, trial: Trial) -> float:
        return float(worst_case(torch.tensor([trial.evaluation.scores], dtype=torch.float64)))

    def _observations(self) -> Observations:
        observations = super()._observations()
        return replace(observations, values=worst_case(observations.scores))


def worst_case(scores: Tensor, radius: float = RADIUS) -> Tensor:
    """min over Q of E_Q[score] with KL(Q ‖ uniform) ≤ ``radius``, for every row of ``scores`` (u, m); shape (u,).

    NaN stands for examples without a score. The worst Q is proportional to exp(−η score), with the η ≥ 0 at which its
    divergence is the radius (Hu and Hong, *Kullback-Leibler divergence constrained distributionally robust
    optimization*, 2013, Theorem 1); where even all weight on the lowest scores is within the radius, it is the minimum.

    >>> worst_case(torch.tensor([[0.0, 0.5, 1.0]], dtype=torch.float64), radius=0.0)
    tensor([0.5000], dtype=torch.float64)
    """
    scored = ~scores.isnan()
    lowest = scores.masked_fill(~scored, torch.inf).amin(1, keepdim=True)
    above = torch.where(scored, scores - lowest, 0.0)
    spread = above.amax(1, keepdim=True)
    above = above / spread.clamp_min(1e-300)  # in [0, 1]
    examples = scored.sum(1, keepdim=True)
    low, high = torch.full_like(lowest, -30.0), torch.full_like(lowest, 60.0)  # of log η
    for _ in range(60):
        middle = (low + high) / 2
        weights = _tilted(above, scored, middle)
        divergence = torch.special.xlogy(weights, weights * examples).sum(1, keepdim=True)  # KL(Q ‖ uniform)
        low, high = torch.where(divergence > radius, low, middle), torch.where(divergence > radius, middle, high)
    return (lowest + spread * (_tilted(above, scored, low) * above).sum(1, keepdim=True)).squeeze(1)


def _tilted(above: Tensor, scored: Tensor, log_eta: Tensor) -> Tensor:
    """Q with weights proportional to exp(−η score), 0 where there is no score; shape (u, m)."""
    return torch.softmax((-log_eta.exp() * above).masked_fill(~scored, -torch.inf), dim=1)
