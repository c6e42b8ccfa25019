"""Confidence intervals of mean scores, and paired tests of two instructions on the same examples.

Scores lie in [0, 1]. All results are pure functions of the multiset of scores (or of pairs of scores): the order
of the examples does not matter, and the generator of the resamples is seeded with `SEED`, so equal input gives
equal output to the last bit.

Intervals of scores that are all 0 or 1 are Wilson's (1927). Other intervals are percentile bootstraps with
`RESAMPLES` resamples of the n examples and two more: one with the worst possible value and one with the best.
Without these two, a bootstrap is limited to the observed values: 20 equal scores would give an interval of width
0, and the interval of 20 pairs of which one differs would have a coverage of a third instead of 95 %. For pairs of
binary scores, the two are the adjustment of Bonett and Price (2012).

p-values are those of the two-sided sign-flip test: if both instructions are equally good, the two scores of a pair
are exchangeable. The test is exact for up to `EXACT_PAIRS` differing pairs, and for any number of pairs that differ
by the same amount (binary scores: McNemar's exact test); otherwise `FLIPS` random flips estimate the p-value,
counting the observed one (Phipson and Smyth, 2010).

Scores that are functions of a whole set of examples, such as macro F1, have the same kinds of intervals and tests:
bootstraps over the examples, and random exchanges of the two instructions' outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SEED = 0
RESAMPLES = 10_000
FLIPS = 20_000
EXACT_PAIRS = 16
_CHUNK = 1_000  # resamples in memory at once
_DIGITS = 12  # differences that agree in these decimals are equal: 0.3 - 0.1 is 0.2

Array = NDArray[np.float64]

SetValue = Callable[[Array], Array]
"""A function from the numbers of examples with each outcome, (b, m), to the scores of these b sets, (b,)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"expected an interval's low end at or below its high end, got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A paired test of two instructions.

    Parameters
    ----------
    difference
        Mean difference of the scores, first minus second: positive if the first instruction is better.
    low, high
        The confidence interval of the difference.
    p_value
        The two-sided p-value.
    """

    difference: float
    low: float
    high: float
    p_value: float

    def __post_init__(self) -> None:
        if not (self.low <= self.difference <= self.high and 0 <= self.p_value <= 1):
            raise ValueError(f"expected low <= difference <= high and a p-value in [0, 1], got {self}")


def interval_method(scores: Sequence[float]) -> Literal["Wilson", "bootstrap"]:
    """Return the method of `mean_interval` for these scores: Wilson if all are 0 or 1."""
    return "Wilson" if all(score in (0, 1) for score in scores) else "bootstrap"


def mean_interval(scores: Sequence[float], *, level: float = 0.95) -> Interval:
    """Return the confidence interval of the mean of the population that ``scores`` are a sample of.

    It always contains the mean of ``scores``.

    Parameters
    ----------
    scores
        Scores in [0, 1], shape (n,).
    level
        Confidence level in (0, 1).

    Raises
    ------
    ValueError
        If there are no scores, or scores or level are out of range.

    >>> mean_interval([1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    Interval(low=0.5958499732047615, high=0.9821237869049271)
    """
    values = _checked(scores)
    _check_level(level)
    mean = math.fsum(values) / len(values)
    if interval_method(scores) == "Wilson":
        low, high = _wilson(mean, len(values), level)
    else:
        low, high = _bootstrap(values, worst=0.0, best=1.0, level=level)
    return Interval(max(0.0, min(low, mean)), min(1.0, max(high, mean)))


def paired_test(first: Sequence[float], second: Sequence[float], *, level: float = 0.95) -> PairedTest:
    """Compare two instructions by their scores on the same examples.

    Parameters
    ----------
    first, second
        Scores in [0, 1], shape (n,); ``first[i]`` and ``second[i]`` are a pair.
    level
        Confidence level in (0, 1).

    Raises
    ------
    ValueError
        If the lengths differ, there are no scores, or scores or level are out of range.

    >>> paired_test([1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0, 0]).p_value  # 2 / 2⁶
    0.03125
    """
    if len(first) != len(second):
        raise ValueError(f"expected two scores for each example, got {len(first)} and {len(second)} scores")
    _check_level(level)
    differences = np.round(_checked(first) - _checked(second), _DIGITS)
    mean = math.fsum(differences) / len(differences)
    if mean < 0:  # the same random numbers as for exchanged arguments, so that the results are mirror images
        high, low = (-end for end in _bootstrap(-differences, worst=-1.0, best=1.0, level=level))
    else:
        low, high = _bootstrap(differences, worst=-1.0, best=1.0, level=level)
    return PairedTest(mean, max(-1.0, min(low, mean)), min(1.0, max(high, mean)), _sign_flip_p_value(differences))


def set_interval(
    groups: Sequence[int], counts: Sequence[float], extra: Sequence[float], value: SetValue, *, level: float = 0.95
) -> Interval:
    """Return the confidence interval of a score that is no mean over the examples, but a function of all of them.

    It is a percentile bootstrap over the examples within their groups. As in the interval of a mean, each group is
    resampled with two examples more, so that an interval is not limited to the outcomes that were observed. It always
    contains the score.

    Parameters
    ----------
    groups
        The group of each outcome, such as the label of an example, shape (m,).
    counts
        The number of examples with each outcome, shape (m,).
    extra
        The additional examples of each outcome, which sum to two for each group, shape (m,).
    value
        Returns the scores, shape (b,), of sets with these numbers of examples, shape (b, m).
    level
        Confidence level in (0, 1).
    """
    _check_level(level)
    known, observed = np.asarray(counts, dtype=np.float64), _value(value, counts)
    low, high = _resampled_interval(np.asarray(groups), known, np.asarray(extra, dtype=np.float64), value, level)
    return Interval(min(low, observed), max(high, observed))


def set_test(
    groups: Sequence[int],
    counts: Sequence[float],
    extra: Sequence[float],
    mirror: Sequence[int],
    difference: SetValue,
    *,
    level: float = 0.95,
) -> PairedTest:
    """Compare two instructions by a score that is a function of all examples.

    The interval is that of `set_interval`. The p-value is that of the sign-flip test for such scores: the outcomes of
    the two instructions are exchanged in a random half of the examples, `FLIPS` times.

    Parameters
    ----------
    groups, counts, extra, level
        As in `set_interval`. An outcome is the pair of what both instructions did on an example.
    mirror
        The position of the outcome with the two instructions exchanged, shape (m,).
    difference
        Returns the differences of the scores, first minus second, as ``value`` does in `set_interval`.
    """
    _check_level(level)
    places, swap = np.asarray(groups), np.asarray(mirror)
    known, more = np.asarray(counts, dtype=np.float64), np.asarray(extra, dtype=np.float64)
    observed = _value(difference, counts)
    if (observed, known.tolist()) < (-observed, known[swap].tolist()):  # the same random numbers in both directions
        found = set_test(groups, known[swap].tolist(), more[swap].tolist(), mirror, difference, level=level)
        return PairedTest(-found.difference, -found.high, -found.low, found.p_value)
    low, high = _resampled_interval(places, known, more, difference, level)
    p_value = _exchange_p_value(known, swap, difference, observed)
    return PairedTest(observed, min(low, observed), max(high, observed), p_value)


def _value(value: SetValue, counts: Sequence[float] | Array) -> float:
    return float(value(np.asarray(counts, dtype=np.float64)[None])[0])


def _resampled_interval(
    groups: NDArray[np.int64], counts: Array, extra: Array, value: SetValue, level: float
) -> tuple[float, float]:
    """Return the percentile interval of ``value`` over sets that are drawn group by group."""
    rng = np.random.default_rng(SEED)
    values = []
    for _ in range(RESAMPLES // _CHUNK):
        drawn = np.zeros((_CHUNK, len(counts)))
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            pool, size = counts[members] + extra[members], counts[members].sum()
            if size:
                sample = rng.multinomial(round(pool.sum()), pool / pool.sum(), size=_CHUNK)
                drawn[:, members] = sample * (size / pool.sum())  # the group keeps its weight in the set
        values.append(value(drawn))
    low, high = np.quantile(np.concatenate(values), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _exchange_p_value(counts: Array, mirror: NDArray[np.int64], difference: SetValue, observed: float) -> float:
    """Return P(|difference| ≥ |observed|) if the outcomes of both instructions are exchanged at random."""
    first = np.flatnonzero(mirror > np.arange(len(mirror)))
    both = np.rint(counts[first] + counts[mirror[first]]).astype(np.int64)
    if not both.sum():
        return 1.0
    rng = np.random.default_rng(SEED)
    extreme = 0
    for _ in range(FLIPS // _CHUNK):
        drawn = np.repeat(counts[None], _CHUNK, axis=0)
        drawn[:, first] = rng.binomial(both, 0.5, size=(_CHUNK, len(first)))
        drawn[:, mirror[first]] = both - drawn[:, first]
        extreme += int((np.abs(difference(drawn)) >= abs(observed) - 10.0**-_DIGITS).sum())
    return (extreme + 1) / (FLIPS + 1)


def _checked(scores: Sequence[float]) -> Array:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"expected one score for each example and at least one, got shape {values.shape}")
    strangers = values[~((values >= 0) & (values <= 1))]  # NaN is one
    if len(strangers):
        raise ValueError(f"expected scores in [0, 1], got {strangers[0]}")
    return values


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"expected a confidence level between 0 and 1, such as 0.95, got {level}")


def _wilson(mean: float, n: int, level: float) -> tuple[float, float]:
    """Return Wilson's interval: the proportions that the binomial score test does not reject."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = mean + z**2 / (2 * n)
    half = z * math.sqrt(mean * (1 - mean) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def _bootstrap(values: Array, *, worst: float, best: float, level: float) -> tuple[float, float]:
    """Return the percentile interval of the mean of ``values``, shape (n,), and the two possible extremes."""
    pool = np.sort(np.append(values, [worst, best]))  # sorted, so that the order of the examples does not matter
    rng = np.random.default_rng(SEED)
    means = [pool[rng.integers(len(pool), size=(_CHUNK, len(pool)))].mean(axis=1) for _ in range(RESAMPLES // _CHUNK)]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _sign_flip_p_value(differences: Array) -> float:
    """Return P(|Σ ±dᵢ| ≥ |Σ dᵢ|) under independent fair signs, for ``differences`` d of shape (n,)."""
    differing = differences[differences != 0]
    sizes = np.sort(np.abs(differing))
    if len(set(sizes.tolist())) < 2:
        return _mcnemar_p_value(int((differing > 0).sum()), int((differing < 0).sum()))
    observed = abs(math.fsum(differing)) - 10.0**-_DIGITS * len(sizes)  # includes ties, whatever their rounding
    if len(sizes) <= EXACT_PAIRS:
        return float(np.mean(np.abs(_all_signed_sums(sizes)) >= observed))
    rng = np.random.default_rng(SEED)
    extreme = 0
    for _ in range(FLIPS // _CHUNK):
        signs = 2 * rng.integers(2, size=(_CHUNK, len(sizes)), dtype=np.int8) - 1
        extreme += int((np.abs(signs @ sizes) >= observed).sum())
    return (extreme + 1) / (FLIPS + 1)


def _mcnemar_p_value(won: int, lost: int) -> float:
    """Return twice the binomial tail P(X ≤ min(won, lost)), X ~ Binomial(won + lost, ½)."""
    pairs = won + lost
    tail = sum(math.comb(pairs, count) for count in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / (1 << pairs))


def _all_signed_sums(sizes: Array) -> Array:
    """Return Σ ±sizes over all signs but the first, shape (2ⁿ⁻¹,); the other half mirrors them."""
    sums: Array = sizes[:1]
    for size in sizes[1:]:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method (1979), which controls the family-wise error rate.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, position in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[position]))
        adjusted[position] = highest
    return adjusted
