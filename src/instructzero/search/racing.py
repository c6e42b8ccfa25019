"""When a candidate may drop out of its evaluation, because it can hardly reach the score any more that it needs.

Notation: m validation examples in random order, T the total score that a candidate must reach over all m,
S its sum over the first k. At every prefix a candidate drops out when S + (m − k) < T: even right answers from
here on would not do. That is never an error. At the looks before the last one, it also drops out when a test
rejects "the total is at least T". The mean of a convex function of S over the random order is largest where the
m scores lie at a corner of {x ∈ [0, 1]ᵐ, Σ x = T}: 0s and 1s, but for at most one. So

    P(S ≤ s) ≤ E (t − S)₊ / (t − s) ≤ E (t − H)₊ / (t − s)    for each t > s,

where H is the sum over the first k at such a corner, hypergeometric where T is whole; the smallest over t is the
bound (the corners: Kemperman, 1973, and Greene and Wellner, 2017; the functions: Bentkus, 2004). Since exp(−λS) is
a mixture of functions (t − S)₊, no exponential bound is smaller, neither Serfling's (1974) nor the
Hoeffding–Serfling inequality of Bardenet and Maillard (2015). Where all scores are 0 or 1, the exact hypergeometric
probability is smaller, but so little that with 20 examples it decides alike.

The bound shrinks as T grows: lowering scores until they total exactly T makes a small S likelier, not rarer.

**Error control.** A candidate whose total is at least T drops out with probability at most ``alpha`` over the
random order of the examples: each of the looks before the last spends an equal share of ``alpha``, and the
shares add up at most. T and the candidate must not depend on the order. A run that keeps one order for all its
candidates picks them by what earlier ones scored in it; there the bound holds for each candidate that is thought
of as chosen beforehand, and errors are not independent of each other.

**Ties.** A candidate that can still reach T exactly goes on; who has to be better asks for a little more than T.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9  # of a sum of scores: a mean times m need not give it back to the last bit


def sixths(examples: int) -> tuple[int, ...]:
    """Looks after each sixth of the examples, as numbers of examples.

    >>> sixths(20), sixths(3)
    ((3, 6, 10, 13, 16, 20), (1, 2, 3))
    """
    return tuple(sorted({examples * part // 6 for part in range(1, 7)} - {0}))


@dataclass(frozen=True, slots=True)
class Race:
    """When to look at a candidate on ``examples`` validation examples, and how readily to drop it.

    ``looks``: after how many examples, growing, the last one after all of them; with that one alone a candidate
    drops out only when it cannot win. ``alpha``: the probability of dropping one that would have reached the
    target.

    >>> race = Race(20, sixths(20), alpha=0.1)
    >>> race.may_still_win([1, 1, 0], target=0.9), race.may_still_win([1, 0, 0], target=0.9)
    (True, False)
    """

    examples: int
    looks: tuple[int, ...]
    alpha: float

    def __post_init__(self) -> None:
        growing = all(before < after for before, after in pairwise((0, *self.looks)))
        if not growing or self.looks[-1:] != (self.examples,):
            raise ValueError(
                f"expected looks that grow from 1 or more to all {self.examples} examples, got {self.looks}; "
                f"sixths(m) makes such for m examples"
            )
        if not 0 < self.alpha < 1:
            raise ValueError(f"expected alpha between 0 and 1, such as 0.05, got {self.alpha}")

    def may_still_win(self, prefix_scores: Sequence[float], target: float) -> bool:
        """Whether a candidate with these scores on the first examples should go on.

        ``target`` is the mean score over all examples that it must reach. With all scores there, the answer is
        whether they reached it. Between the looks only what is certain counts. Raises ValueError for scores or a
        target outside [0, 1], and for more scores than examples.
        """
        self._check(prefix_scores, target)
        drawn, reached = len(prefix_scores), math.fsum(prefix_scores)
        needed = target * self.examples - _ROUNDING
        if reached >= needed:
            return True
        if reached + self.examples - drawn < needed:
            return False
        if drawn not in self.looks[:-1]:
            return True
        return bounded_tail(self.examples, needed, drawn, reached) > self.alpha / (len(self.looks) - 1)

    def _check(self, prefix_scores: Sequence[float], target: float) -> None:
        if len(prefix_scores) > self.examples:
            raise ValueError(f"expected at most {self.examples} scores, got {len(prefix_scores)}")
        for score in (*prefix_scores, target):
            if not 0 <= score <= 1:
                raise ValueError(f"expected scores and target in [0, 1], got {score}")


def bounded_tail(examples: int, total: float, drawn: int, reached: float) -> float:
    """A bound on P(``drawn`` scores sum to at most ``reached``), drawn at random from ``examples`` in [0, 1].

    It holds whatever the scores are, as long as all ``examples`` of them sum to at least ``total``. Needs
    0 < drawn < examples and 0 < total <= examples.

    >>> round(bounded_tail(20, 18, 10, 8), 3), round(bounded_tail(20, 18, 10, 8.3), 3)
    (0.237, 0.338)
    """
    values, probabilities = _worst_sums(examples, total, drawn)
    below = np.cumsum(probabilities)
    means = values * below - np.cumsum(probabilities * values)  # E (t − H)₊ at the values t of H
    beyond = values > reached + _ROUNDING  # the bound is monotone in t between neighbouring values
    return float(min(1.0, (means[beyond] / (values[beyond] - reached)).min(initial=1.0)))


def _worst_sums(examples: int, total: float, drawn: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """H of the module's docstring: its values in increasing order, and their probabilities."""
    ones = math.ceil(total) - 1
    odd = total - ones  # the one score that need be neither 0 nor 1, ~ (0, 1]
    without = np.array(_hypergeometric(examples - 1, ones, drawn)) * (1 - drawn / examples)
    along = np.array(_hypergeometric(examples - 1, ones, drawn - 1)) * (drawn / examples)
    values = np.concatenate([np.arange(drawn + 1.0), np.arange(float(drawn)) + odd])
    order = np.argsort(values, kind="stable")
    return values[order], np.concatenate([without, along])[order]


@lru_cache(maxsize=4096)  # the same incumbent and looks come again for every candidate
def _hypergeometric(examples: int, total: int, drawn: int) -> tuple[float, ...]:
    """P(X = i) for i = 0 … drawn, where X of ``drawn`` out of ``examples`` are among the ``total``."""
    ways = math.comb(examples, drawn)
    return tuple(math.comb(total, i) * math.comb(examples - total, drawn - i) / ways for i in range(drawn + 1))
