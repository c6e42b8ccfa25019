"""Continuations: new endings for the beginnings of good instructions.

z determines the whole text at once, so that two instructions which differ only in their last words may lie anywhere in
the box. Continuations are the local step of such a search: under another soft prompt, the writer continues the first
words of a good instruction. It keeps these words and replaces the rest. The soft prompt also determines the style of
the ending, such as terse or cautious. Some of the points are therefore near that of another good instruction, which
combines the beginning of one with the style of the other. If the black box makes the texts, it is asked for the same
instruction in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from instructzero.optimizers.base import Points
from instructzero.optimizers.evolution import roulette
from instructzero.optimizers.metaprompts import beginning, propose, vary, word_count
from instructzero.types import Candidate, Proposal, Trial

PARENTS = 10
"""The number of best instructions: one gives the beginning, another the point from which z takes a step."""

_OFFSET = 1e-9
"""Added to every score, so that an instruction with score 0 can be drawn after all others."""


def due(evaluations: int, count: int, share: float) -> int:
    """Return the number of continuations among the next ``count`` evaluations, so that they are ``share`` of all.

    ``evaluations`` is the number of evaluations before these.

    >>> [due(evaluations, 5, 0.5) for evaluations in (0, 5, 10)]
    [2, 3, 2]
    """
    return int((evaluations + count) * share + 1e-9) - int(evaluations * share + 1e-9)


def continuations(
    parents: Sequence[Trial], count: int, points: Callable[[], Points], generator: np.random.Generator
) -> list[Proposal]:
    """Return ``count`` beginnings of parents drawn by roulette, each combined with all of q new points.

    The parents are different as long as there are enough of them. The proposals of one beginning share the text that
    the writer reads, so that it continues them in one batch.

    Parameters
    ----------
    parents
        The trials whose instructions give the beginnings.
    count
        The number of beginnings.
    points
        Draws the points for one beginning, shape (q, d).
    generator
        Draws the parents, the cuts and the sample numbers.
    """
    chances = roulette([trial.score + _OFFSET for trial in parents])
    drawn = generator.choice(len(parents), size=min(count, len(parents)), replace=False, p=chances)
    proposals: list[Proposal] = []
    for number in range(count):
        instruction = parents[drawn[number % len(drawn)]].instruction
        start = beginning(instruction, generator)
        proposals += [propose(vary(instruction), start, tuple(z), generator) for z in points().tolist()]
    return proposals


def shortest_continuations(candidates: Sequence[Candidate], positions: Sequence[int]) -> list[int]:
    """Return, of ``positions``, the position of the shortest text in words for every beginning that is continued.

    New texts become less likely as the search goes on, and longer ones mostly add qualifications to known texts.
    """
    shortest: dict[tuple[str, str], int] = {}
    for position in sorted(positions, key=lambda position: word_count(candidates[position].instruction)):
        rewrite = candidates[position].proposal.rewrite
        if rewrite is not None:
            shortest.setdefault((rewrite.prompt, rewrite.start), position)
    return sorted(shortest.values())
