"""The confusion matrix of a classification, and what is read from it.

Notation: K labels; C (K, K + 1) with C_gs the number of examples with label g whose answer names label s, the last
column for answers that name none; N_c = Σ_s C_cs, P_c = Σ_g C_gc.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Pair = tuple[str, str | None]
"""The label of an example, and the label that the answer names; None if it names none."""


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The results on the examples of one label; a ratio whose denominator is 0 is 0."""

    label: str
    support: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix of aligned pairs.

    >>> confusion = Confusion.of([("ham", "ham"), ("ham", "spam"), ("spam", None)])
    >>> confusion.labels, confusion.counts
    (('ham', 'spam'), ((1, 1, 0), (0, 0, 1)))
    >>> confusion.classes()[0]
    ClassScores(label='ham', support=2, precision=1.0, recall=0.5, f1=0.6666666666666666)

    Parameters
    ----------
    labels
        The labels that occur, as that of an example or in an answer: the commonest label of the examples first.
    counts
        C.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, pairs: Iterable[Pair], labels: Sequence[str] | None = None) -> Confusion:
        """Return the matrix of ``pairs``; other ``labels`` than those that occur, in order, may be given."""
        cells = Counter(pairs)
        labels = tuple(labels or labels_in(cells))
        columns = (*labels, None)
        return cls(labels, tuple(tuple(cells[label, said] for said in columns) for label in labels))

    @property
    def array(self) -> Array:
        """C as an array, (K, K + 1)."""
        import numpy as np

        return np.array(self.counts, dtype=np.float64)

    def classes(self) -> tuple[ClassScores, ...]:
        """Return the results by label, in the order of ``labels``."""
        said = [sum(column) for column in zip(*self.counts, strict=True)]
        return tuple(
            ClassScores(label, sum(row), _ratio(row[k], said[k]), _ratio(row[k], sum(row)),
                        _ratio(2 * row[k], sum(row) + said[k]))
            for k, (label, row) in enumerate(zip(self.labels, self.counts, strict=True))
        )  # fmt: skip


def labels_in(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """Return the labels that occur in ``pairs``: the commonest of the examples first, else by name."""
    known = list(pairs)
    support = Counter(label for label, _ in known)
    said = {label for _, label in known if label is not None}
    return tuple(sorted({*support, *said}, key=lambda label: (-support[label], label)))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
