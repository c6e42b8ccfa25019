"""New ends for the beginnings of good instructions: the local step of a search whose z reaches everywhere.

z decides the whole text at once, so that two instructions which differ in their last words may lie anywhere in the
box. The writer that goes on from the first words of a good instruction, under another soft prompt, keeps what was good
about it and says the rest anew. A black box that makes the texts is asked for the same instruction in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.optimizers.metaprompts import beginning, propose, vary
from instructzero.types import Candidate, Proposal, Trial

PARENTS = 5
"""The best instructions, whose beginnings are taken in turn."""

Points = NDArray[np.float64]


def due(evaluations: int, count: int, share: float) -> int:
    """How many of the ``count`` evaluations that follow so many are continuations, so that ``share`` of all are.

    >>> [due(evaluations, 5, 0.5) for evaluations in (0, 5, 10)]
    [2, 3, 2]
    """
    return int((evaluations + count) * share + 1e-9) - int(evaluations * share + 1e-9)


def continuations(
    ranked: Sequence[Trial], count: int, points: Callable[[], Points], generator: np.random.Generator
) -> list[Proposal]:
    """``count`` beginnings of the best of the ``ranked`` trials in turn, each under all of some new ``points`` (q, d).

    They share what the writer has to read, so that it goes on from one beginning in one batch.
    """
    parents = ranked[:PARENTS]
    proposals: list[Proposal] = []
    for number in range(count):
        instruction = parents[number % len(parents)].instruction
        start = beginning(instruction, generator)
        proposals += [propose(vary(instruction), start, tuple(z), generator) for z in points().tolist()]
    return proposals


def first_of_each(candidates: Sequence[Candidate], positions: Sequence[int]) -> list[int]:
    """Of the ``positions`` of continuations, the first of every beginning."""
    first: dict[tuple[str, str], int] = {}
    for position in positions:
        rewrite = candidates[position].proposal.rewrite
        if rewrite is not None:
            first.setdefault((rewrite.prompt, rewrite.start), position)
    return list(first.values())
