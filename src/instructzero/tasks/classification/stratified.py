"""Parts of shuffled examples in which every label keeps its share.

Notation: n examples with K labels, N_c of them with label c; a part of m examples expects e_c = m N_c / n of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from instructzero.types import Example

Parts = list[tuple[Example, ...]]
Counts = list[Counter[str]]
Label = Callable[[Example], str]

_BALANCED = 0.5  # data are balanced if the rarest label has at least this part of an equal share
_SLACK = 3  # standard deviations of a random sample that a part of balanced data may be off


def cut(examples: Sequence[Example], sizes: Sequence[int], label: Label | None) -> Parts:
    """Cut shuffled examples into parts of the given sizes, and the rest as one more part.

    Without ``label``, the parts are slices. With it, they are slices too if those have every label in proportion: in
    balanced data a random split is left alone unless it is freakish. Otherwise a part gets within one example of e_c of
    every label, and at least one where the part has room for all labels and the label has enough examples; earlier
    parts come first. All parts keep the order of ``examples``.

    >>> rows = [Example(str(number), ("yes" if number > 17 else "no",)) for number in range(20)]
    >>> [[e.outputs[0] for e in part].count("yes") for part in cut(rows, [4, 10], lambda example: example.outputs[0])]
    [1, 1, 0]
    """
    ends = [0, *accumulate(sizes), len(examples)]
    parts = [tuple(examples[start:end]) for start, end in pairwise(ends)]
    if label is None:
        return parts
    counts = [Counter(map(label, part)) for part in parts]
    if _are_proportional(counts):
        return parts
    return _dealt(examples, _quotas([len(part) for part in parts], Counter(map(label, examples))), label)


def _are_proportional(counts: Counts) -> bool:
    """Return True if no part lacks a label that it should have, and none but the rest is far from the shares."""
    total: Counter[str] = sum(counts, Counter())
    sizes = [part.total() for part in counts]
    minimums = _minimums(sizes, total)
    if any(part[name] < minimum[name] for part, minimum in zip(counts, minimums, strict=True) for name in total):
        return False
    balanced = min(total.values(), default=0) >= _BALANCED * total.total() / max(1, len(total))

    def fits(found: int, size: int, share: float) -> bool:
        slack = _SLACK * math.sqrt(size * share * (1 - share)) if balanced else 0
        return abs(found - size * share) <= max(1, slack)

    return all(
        fits(part[name], part.total(), count / total.total()) for part in counts[:-1] for name, count in total.items()
    )


def _minimums(sizes: Sequence[int], total: Counter[str]) -> list[dict[str, int]]:
    """Return the least number of examples of each label in each part, 0 or 1."""
    left, minimums = Counter(total), []
    for size in sizes:
        roomy = size >= len(total)
        minimums.append({name: int(roomy and left[name] > 0) for name in total})
        left.subtract(minimums[-1])
    return minimums


def _quotas(sizes: Sequence[int], total: Counter[str]) -> Counts:
    """Return the number of examples of each label in each part.

    Each part rounds e_c down, and gives the places that remain to the labels that fell behind most in all parts so far.
    """
    count, seen = total.total(), 0
    left, minimums = Counter(total), _minimums(sizes, total)
    quotas: Counts = []
    for number, size in enumerate(sizes):
        seen += size
        reserved = sum((Counter(minimum) for minimum in minimums[number + 1 :]), Counter())
        most = {name: left[name] - reserved[name] for name in total}
        quota = Counter(
            {name: min(max(size * total[name] // count, minimums[number][name]), most[name]) for name in total}
        )
        _fill(quota, size, most, minimums[number], {name: seen * total[name] / count for name in total}, quotas)
        left.subtract(quota)
        quotas.append(quota)
    return quotas


def _fill(
    quota: Counter[str],
    size: int,
    most: dict[str, int],
    least: dict[str, int],
    due: dict[str, float],
    earlier: Counts,
) -> None:
    """Change ``quota`` until it has ``size`` examples, one at a time, where the labels are farthest from their due."""
    floor = dict(quota)

    def behind(name: str) -> tuple[bool, float]:
        return quota[name] <= floor[name], due[name] - quota[name] - sum(part[name] for part in earlier)

    while quota.total() < size:
        quota[max((name for name in quota if quota[name] < most[name]), key=behind)] += 1
    while quota.total() > size:
        quota[min((name for name in quota if quota[name] > least[name]), key=lambda name: behind(name)[1])] -= 1


def _dealt(examples: Sequence[Example], quotas: Counts, label: Label) -> Parts:
    """Give each example, in order, to the first part that has a place for its label."""
    parts: list[list[Example]] = [[] for _ in quotas]
    for example in examples:
        name = label(example)
        number = next(number for number, quota in enumerate(quotas) if quota[name] > 0)
        quotas[number][name] -= 1
        parts[number].append(example)
    return [tuple(part) for part in parts]
