"""Texts as vectors: near where they share spelling, words and phrases, in any language."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

LONGEST = 4
BUCKETS = 4096


def ngram_features(texts: Sequence[str]) -> Tensor:
    """Which character n-grams up to `LONGEST` occur in each text, as unit vectors, shape (u, `BUCKETS`).

    n-grams are hashed to a fixed number of entries, so that texts of different calls can be compared; the inner
    product of two rows is the cosine of what they share.

    >>> first, second, third = ngram_features(["Sort the words.", "Sort these words.", "Antonym?"])
    >>> bool(first @ second > 0.6 > 0.1 > first @ third)
    True
    """
    features = torch.zeros(len(texts), BUCKETS, dtype=torch.float64)
    for row, text in zip(features, texts, strict=True):
        row[sorted({zlib.crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in _ngrams(text)})] = 1.0
    return torch.nn.functional.normalize(features, dim=1)


def _ngrams(text: str) -> set[str]:
    """White space counts as one space, also around the text."""
    spaced = f" {' '.join(text.lower().split())} "
    return {spaced[start : start + size] for size in range(1, LONGEST + 1) for start in range(len(spaced) - size + 1)}
