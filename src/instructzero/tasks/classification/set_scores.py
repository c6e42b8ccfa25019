"""The formulas of the scores of a whole set of answers, their losses, and their intervals and tests.

Notation of `instructzero.tasks.classification.confusion` and `instructzero.tasks.classification.objectives`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from instructzero.statistics import Interval, PairedTest, SetValue, set_interval, set_test
from instructzero.tasks.classification.confusion import Confusion, Pair, labels_in

Array = NDArray[np.float64]

Measure = Callable[[Array, Array, Array], Array]
"""A function from the margins of confusion matrices to their scores (…).

The margins are the right answers C_cc and the examples N_c of each label, (…, K), and the answers P_c that name it,
with those that name none, (…, K + 1).
"""


def balanced_accuracy(right: Array, support: Array, said: Array) -> Array:
    """Return the mean recall of the labels that occur in the examples."""
    return _mean(_ratio(right, support), support > 0)


def macro_f1(right: Array, support: Array, said: Array) -> Array:
    """Return the mean F1 of the labels that occur in the examples or in the answers."""
    both = support + said[..., :-1]
    return _mean(_ratio(2 * right, both), both > 0)


def mcc(right: Array, support: Array, said: Array) -> Array:
    """Return Matthews correlation for K labels (Gorodkin, 2004), in [−1, 1]; 0 where it is not defined."""
    n = support.sum(-1)
    covariance = n * right.sum(-1) - (support * said[..., :-1]).sum(-1)
    spread = (n**2 - np.square(said).sum(-1)) * (n**2 - np.square(support).sum(-1))
    return np.clip(_ratio(covariance, np.sqrt(np.where(spread > 1e-9 * n**4, spread, 0.0))), -1.0, 1.0)


MEASURES: dict[str, Measure] = {"balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1, "mcc": mcc}
"""The scores of a set by the name of their metric."""


def margins(confusion: Array) -> tuple[Array, Array, Array]:
    """Return the margins of one confusion matrix."""
    return np.diagonal(confusion), confusion.sum(-1), confusion.sum(-2)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values: Array, included: NDArray[np.bool_]) -> Array:
    return _ratio(np.asarray((values * included).sum(-1)), np.asarray(included.sum(-1), dtype=np.float64))


def losses(measure: str, confusion: Array) -> Array:
    """Return L of `instructzero.tasks.classification.objectives`, (K, K + 1); its diagonal has no meaning."""
    right, support, said = margins(confusion)
    n, found = float(support.sum()), np.ones_like(confusion)
    if measure == "balanced_accuracy":
        found *= (n / ((support > 0).sum() * np.maximum(support, 1)))[:, None]
    elif measure == "macro_f1":
        both = support + said[:-1]
        share = n / ((both > 0).sum() * np.maximum(both, 1))
        found *= share[:, None] + np.append(share, 0.0)[None]
    elif errors := n - float(right.sum()):
        found *= n * (1 - float(mcc(right, support, said))) / errors
    return found


def value(measure: str, pairs: Sequence[Pair]) -> float:
    """Return θ, the score of a set."""
    return float(MEASURES[measure](*margins(Confusion.of(pairs).array)))


def expected_losses(measure: str, pairs: Sequence[Pair], labels: Sequence[str]) -> tuple[Array, dict[str | None, int]]:
    """Return L for a set of which ``pairs`` are the first, and the row or column of each label and of None.

    ``labels`` are those of all examples of the set; if there are not more of them than pairs, the pairs are the set.
    """
    known = labels_in([*pairs, *((label, label) for label in labels[len(pairs) :])])
    confusion = Confusion.of(pairs, known).array
    if len(pairs) < len(labels):
        support = confusion.sum(-1)
        whole = np.array([labels.count(label) for label in known], dtype=np.float64)
        confusion *= _ratio(whole, support)[:, None]
        confusion[np.arange(len(known)), np.arange(len(known))] += np.where(support > 0, 0.0, whole)
    return losses(measure, confusion), {label: number for number, label in enumerate((*known, None))}


Cell = tuple[str, *tuple[str | None, ...]]
"""What happened on an example: its label, and the label that each instruction named."""


@dataclass(frozen=True)
class _Cells:
    """The different cells of a set of examples, with their numbers, and two more examples for each label."""

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    counts: tuple[float, ...]
    extra: tuple[float, ...]

    @classmethod
    def of(cls, found: Iterable[Cell], instructions: int) -> _Cells:
        """Return the cells of ``found``; the additional examples have a right and a wrong answer for each label."""
        counts = Counter(found)
        labels = labels_in((cell[0], said) for cell in counts for said in cell[1:])
        extra: set[Cell] = set()
        for label in {cell[0] for cell in counts}:
            wrong = next((other for other in labels if other != label), None)  # the commonest other label
            extra |= {(label, *said) for said in permutations((label, wrong), instructions)}
        mirrored: list[Cell] = [(cell[0], *reversed(cell[1:])) for cell in counts]
        cells = tuple(sorted({*counts, *mirrored, *extra}, key=_order))
        return cls(
            labels, cells, tuple(float(counts[cell]) for cell in cells), tuple(float(cell in extra) for cell in cells)
        )

    @property
    def groups(self) -> list[int]:
        """The number of the example's label in each cell."""
        return [self.labels.index(cell[0]) for cell in self.cells]

    @property
    def mirror(self) -> list[int]:
        """The position of each cell with the instructions exchanged."""
        place = {cell: number for number, cell in enumerate(self.cells)}
        return [place[(cell[0], *reversed(cell[1:]))] for cell in self.cells]

    def score(self, measure: str, instruction: int) -> SetValue:
        """Return the function from numbers of examples by cell, (b, m), to the scores of one instruction, (b,)."""
        names = np.array([cell[1 + instruction] for cell in self.cells], dtype=object)
        examples = np.array([cell[0] for cell in self.cells], dtype=object)
        support = np.array([examples == label for label in self.labels], dtype=np.float64).T  # (m, K)
        said = np.array([names == label for label in (*self.labels, None)], dtype=np.float64).T  # (m, K + 1)
        right = support * said[:, :-1]
        return lambda drawn: MEASURES[measure](drawn @ right, drawn @ support, drawn @ said)


def _order(names: Iterable[str | None]) -> list[tuple[bool, str]]:
    """Return a key that sorts tuples of labels, None last."""
    return [(name is None, name or "") for name in names]


@lru_cache(maxsize=4096)  # a live report asks for the same intervals again and again
def _interval(measure: str, pairs: tuple[Pair, ...], level: float) -> Interval:
    cells = _Cells.of(pairs, 1)
    return set_interval(cells.groups, cells.counts, cells.extra, cells.score(measure, 0), level=level)


def interval(measure: str, pairs: Sequence[Pair], level: float) -> Interval:
    """Return the confidence interval of θ, by a bootstrap over the examples of each label."""
    return _interval(measure, tuple(sorted(pairs, key=_order)), level)


def compare(measure: str, ours: Sequence[Pair], theirs: Sequence[Pair], level: float) -> PairedTest:
    """Return the paired test of the scores of two aligned sets of answers."""
    both = zip(ours, theirs, strict=True)
    cells = _Cells.of(((label, said, other) for (label, said), (_, other) in both), 2)
    first, second = cells.score(measure, 0), cells.score(measure, 1)

    def difference(drawn: Array) -> Array:
        return first(drawn) - second(drawn)

    return set_test(cells.groups, cells.counts, cells.extra, cells.mirror, difference, level=level)
