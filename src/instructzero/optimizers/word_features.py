"""Features of instructions: their words and pairs of neighbouring words.

Notation: n texts, f features.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

_BEGIN = "\n"
_UNSPACED = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
"""A word, or one character of a script that puts no space between words."""


@lru_cache(maxsize=4096)  # every text is read again in every round
def terms(text: str) -> tuple[str, ...]:
    r"""Return the words of a text and its pairs of neighbouring words; the first word also has a pair of its own.

    >>> terms("Write the word.")
    ('write', 'the', 'word', '\n write', 'write the', 'the word')
    """
    words = [match.group() for match in _WORD.finditer(text.lower())]
    pairs = [" ".join(pair) for pair in pairwise([_BEGIN, *words])]
    return tuple(dict.fromkeys([*words, *pairs]))


class Vocabulary:
    """The columns of the features: the terms of the texts that it is made from.

    >>> features = Vocabulary(["Sort them."]).features(["sort them", "Sort words.", "Write it."])
    >>> (features @ features.T).round(decimals=2).tolist()[0]
    [1.0, 0.5, 0.0]
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._columns: dict[str, int] = {}
        for text in texts:
            _add(self._columns, terms(text))

    def features(self, texts: Sequence[str]) -> Tensor:
        """Return features of length 1, shape (n, f), float64, in which all terms of a text have the same weight.

        The terms that only these ``texts`` have are the last columns. A text without any word has zeros.
        """
        rows, columns = [terms(text) for text in texts], dict(self._columns)
        for row in rows:
            _add(columns, row)
        features = torch.zeros(len(rows), len(columns), dtype=torch.float64)
        for number, row in enumerate(rows):
            features[number, [columns[term] for term in row]] = max(len(row), 1) ** -0.5
        return features


def _add(columns: dict[str, int], row: Iterable[str]) -> None:
    for term in row:
        columns.setdefault(term, len(columns))
