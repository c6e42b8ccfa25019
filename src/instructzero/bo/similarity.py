"""S: the similarity of the observed instructions, from their predictions.

Notation: u instructions, m validation examples. Every matrix here is positive semi-definite with a unit diagonal, even
if instructions are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

Predictions = Sequence[Sequence[str | None]]
"""The normalised answer of instruction i to example j at [i][j]; u rows of m.

None means that the example was not asked. It is similar to itself only.
"""


def exact_match_similarity(predictions: Predictions) -> Tensor:
    """Return the share of examples with the same prediction (Eq. 8 with exact match), shape (u, u)."""
    return _mean_over_examples([_codes_agree(column) for column in zip(*predictions, strict=True)])


def f1_similarity(predictions: Predictions) -> Tensor:
    """Return the F1 of the predictions' words, averaged over the examples (Eq. 8 with F1), shape (u, u).

    F1 of two bags of words is 2 |a ∩ b| / (|a| + |b|). The overlap is a sum of minimum kernels and 1 / (|a| + |b|) is
    a mixture of products exp(−t |a|) exp(−t |b|), so their product is positive semi-definite.
    """
    return _mean_over_examples([_word_overlap(column) for column in zip(*predictions, strict=True)])


def _mean_over_examples(matrices: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(matrices)).mean(0)


def _codes_agree(answers: Sequence[str | None]) -> Tensor:
    codes = _codes(answers)
    return (codes.unsqueeze(1) == codes).double()


def _codes(answers: Sequence[str | None]) -> Tensor:
    """Return a number for each answer: equal numbers for equal answers, a different number for every None."""
    numbers: dict[str | tuple[int], int] = {}
    keys = [(row,) if answer is None else answer for row, answer in enumerate(answers)]
    return torch.tensor([numbers.setdefault(key, len(numbers)) for key in keys])


def _word_overlap(answers: Sequence[str | None]) -> Tensor:
    """Return the F1 between all answers to one example; an empty or missing answer is similar to itself only."""
    codes = _codes(answers)
    of_code = dict(zip(codes.tolist(), answers, strict=True))
    bags = [Counter((of_code[code] or "").split()) for code in range(len(of_code))]
    table = torch.eye(len(bags), dtype=torch.float64)
    for i, one in enumerate(bags):
        for j, other in enumerate(bags[:i]):
            overlap = (one & other).total()
            if overlap:
                table[i, j] = table[j, i] = 2 * overlap / (one.total() + other.total())
    return table[codes][:, codes]
