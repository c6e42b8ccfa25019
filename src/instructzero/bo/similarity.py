"""S: how alike the observed instructions are, from what they answered or from what they scored.

Notation: u instructions, m validation examples. Every matrix here is positive semi-definite with a unit diagonal, also
when instructions are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

Predictions = Sequence[Sequence[str]]
"""The answer of instruction i to example j at [i][j], in normal form; u rows of m."""


def exact_match_similarity(predictions: Predictions) -> Tensor:
    """The share of the examples with the same prediction (Eq. 8 with exact match), shape (u, u)."""
    return _mean_over_examples([_codes_agree(column) for column in zip(*predictions, strict=True)])


def f1_similarity(predictions: Predictions) -> Tensor:
    """The mean F1 of the predictions' words over the examples (Eq. 8 with F1), shape (u, u).

    F1 of two bags of words is 2 |a ∩ b| / (|a| + |b|). The overlap is a sum of minimum kernels and 1 / (|a| + |b|) is
    a mixture of products exp(−t |a|) exp(−t |b|), so their product is positive semi-definite.
    """
    return _mean_over_examples([_word_overlap(column) for column in zip(*predictions, strict=True)])


def _mean_over_examples(matrices: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(matrices)).mean(0)


def _codes_agree(answers: Sequence[str]) -> Tensor:
    numbers = {answer: number for number, answer in enumerate(dict.fromkeys(answers))}
    codes = torch.tensor([numbers[answer] for answer in answers])
    return (codes.unsqueeze(1) == codes).double()


def _word_overlap(answers: Sequence[str]) -> Tensor:
    """F1 between all answers to one example; the empty answer is like itself only."""
    distinct = list(dict.fromkeys(answers))
    bags = [Counter(answer.split()) for answer in distinct]
    table = torch.eye(len(distinct), dtype=torch.float64)
    for i, first in enumerate(bags):
        for j, second in enumerate(bags[:i]):
            overlap = (first & second).total()
            if overlap:
                table[i, j] = table[j, i] = 2 * overlap / (first.total() + second.total())
    codes = torch.tensor([distinct.index(answer) for answer in answers])
    return table[codes][:, codes]
