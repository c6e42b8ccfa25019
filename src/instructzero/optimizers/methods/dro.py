"""DRO-InstructZero: the search of InstructZero for the best worst case over shifted examples.

Reference: Li, *DRO-InstructZero: Distributionally Robust Prompt Optimization for Large Language Models* (2025, arXiv
2510.15260). The value of an instruction is inf E_Q[score] over all distributions Q of the examples within a
Kullback-Leibler divergence ε of the reference distribution. The search maximises this worst case instead of the mean.
Of two instructions with the same mean, the better is the one without very bad answers. If all scores are 0 or 1, the
worst case is an increasing function of the mean: the ranking is the same, with larger differences among the best.

Differs from the publication, of which there is no code:

- Q is a distribution over the validation examples of one task and the reference is uniform. The publication shifts
  weights between two tasks drawn in every round, around a reference that depends on the scores.
- The surrogate models the worst case of every evaluated instruction, and the search maximises its expected improvement.
  The publication maximises the worst case of a vector of upper confidence bounds.
- The ball is the one of the publication's text, KL(Q ‖ uniform) ≤ ε, solved exactly. Its experiments are reported
  for a Wasserstein ball.
- S couples instructions by their scores, as in InstructZero, and is not weighted by the worst distribution.
- The value of an instruction that was scored on the first examples only is its worst case over these. Its noise, as a
  share of the variance of all targets, is assumed to be that of its mean score.
- The search of points is the repaired one of this package, without the continuations of texts, which are ours.
- Only the search is robust: races, final selection and the final test compare mean scores.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from instructzero.bo.surrogate import Observations
from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.bayesian import InstructZero
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.optimizers.search_options import PARTS, REPAIRED, with_options
from instructzero.types import Trial

RADIUS = 0.1
"""ε of the publication, in nats. With it, the worst case of 19 right answers of 20 is 0.83, that of ten is 0.28."""


class DistributionallyRobust(InstructZero):
    """InstructZero on the worst case of the scores: in the surrogate, its incumbents and its starts.

    >>> optimizer = DistributionallyRobust(dimension=10, seed=0)
    >>> len(optimizer.ask(limit=20))
    20
    """

    def outcome(self, trial: Trial) -> float:
        """Return the worst case of the scores of a trial."""
        return float(worst_case(torch.tensor([trial.evaluation.scores], dtype=torch.float64)))

    def _observations(self) -> Observations:
        observations = super()._observations()
        return replace(observations, values=worst_case(observations.scores))


def worst_case(scores: Tensor, radius: float = RADIUS) -> Tensor:
    """Return min over Q of E_Q[score] with KL(Q ‖ uniform) ≤ ``radius``, for every row of ``scores``; shape (u,).

    The worst Q is proportional to exp(−η score), with the η ≥ 0 at which its divergence is the radius (Hu and Hong,
    *Kullback-Leibler divergence constrained distributionally robust optimization*, 2013, Theorem 1). If a Q with all
    weight on the lowest scores is within the radius, the result is the minimum.

    Parameters
    ----------
    scores
        Scores of u instructions on m examples, shape (u, m); NaN for examples without a score.
    radius
        ε, in nats.

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
    """Return Q with weights proportional to exp(−η score), 0 for examples without a score; shape (u, m)."""
    return torch.softmax((-log_eta.exp() * above).masked_fill(~scored, -torch.inf), dim=1)


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return DistributionallyRobust(**with_options(REPAIRED, arguments))


METHOD = Method(
    summary="DRO-InstructZero (Li, 2025): InstructZero with the worst case of the scores over shifted examples",
    make=_make,
    parts=PARTS,
    needs_soft_prompts=True,
)
