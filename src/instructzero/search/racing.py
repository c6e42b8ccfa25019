"""The rule by which a candidate drops out of its evaluation, because it can hardly reach the score that it needs.

Notation: m validation examples in random order, T the total score that a candidate must reach over all m,
S its sum over the first k. At every prefix a candidate drops out when S + (m − k) < T: even right answers to all
remaining examples would not suffice. That is never an error. At the looks before the last one, it also drops out when
a test rejects the hypothesis "the total is at least T". The mean of a convex function of S over the random order is
largest where the m scores are at a corner of {x ∈ [0, 1]ᵐ, Σ x = T}: 0s and 1s, except for at most one. So

    P(S ≤ s) ≤ E (t − S)₊ / (t − s) ≤ E (t − H)₊ / (t − s)    for each t > s,

where H is the sum over the first k at such a corner, hypergeometric if T is an integer; the minimum over t is the
bound (the corners: Kemperman, 1973, and Greene and Wellner, 2017; the functions: Bentkus, 2004). Since exp(−λS) is
a mixture of functions (t − S)₊, no exponential bound is smaller, neither Serfling's (1974) nor the
Hoeffding–Serfling inequality of Bardenet and Maillard (2015). If all scores are 0 or 1, the exact hypergeometric
probability is smaller, but by so little that with 20 examples the decisions are the same.

The bound decreases as T grows: lowering scores until their total is exactly T makes a small S more likely.

**Error control.** A candidate whose total is at least T drops out with probability at most ``alpha`` over the
random order of the examples: every look before the last spends an equal share of ``alpha``, and the total error is
at most the sum of the shares. T and the candidate must not depend on the order. A run uses one order for all
candidates, and proposes them from the scores of earlier ones in that order; there the bound holds for every
candidate that is regarded as chosen beforehand, and the errors of candidates are not independent.

**Ties.** A candidate that can still reach T exactly stays in; a caller that needs a strictly better one adds a little
to T.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9  # tolerance for a sum of scores: a mean times m may differ from it in the last bits


def sixths(examples: int) -> tuple[int, ...]:
    """Return looks after every sixth of the examples, as numbers of examples.

    >>> sixths(20), sixths(3)
    ((3, 6, 10, 13, 16, 20), (1, 2, 3))
    """
    return tuple(sorted({examples * part // 6 for part in range(1, 7)} - {0}))


@dataclass(frozen=True, slots=True)
class Race:
    """The looks at a candidate during its evaluation, and the probability of a wrong decision.

    Parameters
    ----------
    examples
        m, the number of validation examples.
    looks
        The numbers of examples after which the test is made, increasing, the last one m. With that one alone, a
        candidate drops out only when it cannot win.
    alpha
        The maximum probability of dropping a candidate that would have reached its target.

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
                f"sixths(m) returns such looks for m examples"
            )
        if not 0 < self.alpha < 1:
            raise ValueError(f"expected alpha between 0 and 1, such as 0.05, got {self.alpha}")

    def may_still_win(self, prefix_scores: Sequence[float], target: float) -> bool:
        """Return True if a candidate with these scores on the first examples should stay in the race.

        Between the looks a candidate drops out only if it certainly cannot reach the target. With all scores known,
        the result is True if they reached it.

        Parameters
        ----------
        prefix_scores
            The scores on the first k examples, in [0, 1].
        target
            The mean score over all m examples that the candidate must reach, in [0, 1].

        Raises
        ------
        ValueError
            If a score or the target is outside [0, 1], or there are more scores than examples.
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
    """Return a bound on P(sum of ``drawn`` scores ≤ ``reached``), for a random sample of ``examples`` scores in [0, 1].

    The bound holds for all scores whose sum over ``examples`` is at least ``total``. Needs 0 < drawn < examples and
    0 < total <= examples.

    >>> round(bounded_tail(20, 18, 10, 8), 3), round(bounded_tail(20, 18, 10, 8.3), 3)
    (0.237, 0.338)
    """
    values, probabilities = _worst_sums(examples, total, drawn)
    below = np.cumsum(probabilities)
    means = values * below - np.cumsum(probabilities * values)  # E (t − H)₊ at the values t of H
    beyond = values > reached + _ROUNDING  # the bound is monotone in t between neighbouring values
    return float(min(1.0, (means[beyond] / (values[beyond] - reached)).min(initial=1.0)))


def _worst_sums(examples: int, total: float, drawn: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return H of the module's docstring: its values in increasing order, and their probabilities."""
    ones = math.ceil(total) - 1
    odd = total - ones  # the one score that may be neither 0 nor 1, in (0, 1]
    without = np.array(_hypergeometric(examples - 1, ones, drawn)) * (1 - drawn / examples)
    along = np.array(_hypergeometric(examples - 1, ones, drawn - 1)) * (drawn / examples)
    values = np.concatenate([np.arange(drawn + 1.0), np.arange(float(drawn)) + odd])
    order = np.argsort(values, kind="stable")
    return values[order], np.concatenate([without, along])[order]


@lru_cache(maxsize=4096)  # the incumbent and the looks are the same for many candidates
def _hypergeometric(examples: int, total: int, drawn: int) -> tuple[float, ...]:
    """Return P(X = i) for i = 0 … drawn, where X of ``drawn`` out of ``examples`` are among the ``total``."""
    ways = math.comb(examples, drawn)
    return tuple(math.comb(total, i) * math.comb(examples - total, drawn - i) / ways for i in range(drawn + 1))
