"""New ends for the beginnings of good instructions: the local step of a search whose z reaches everywhere.

z decides the whole text at once, so that two instructions which differ in their last words may lie anywhere in the
box. The writer that goes on from the first words of a good instruction, under another soft prompt, keeps what was good
about it and says the rest anew. How it says it, curtly or with reservations, the soft prompt decides as well: hence
some are close to that of another good instruction, so that the beginning of the one meets the manner of the other.
A black box that makes the texts is asked for the same instruction in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.optimizers.capo import length
from instructzero.optimizers.evoprompt import roulette
from instructzero.optimizers.metaprompts import beginning, propose, vary
from instructzero.types import Candidate, Proposal, Trial

PARENTS = 10
"""The best instructions: one gives the beginning, another the place in the box from where z takes a step."""

_LEAST = 1e-9
"""Added to a score, so that one of 0 can be drawn when the others have been."""

Points = NDArray[np.float64]


def due(evaluations: int, count: int, share: float) -> int:
    """How many of the ``count`` evaluations that follow so many are continuations, so that ``share`` of all are.

    >>> [due(evaluations, 5, 0.5) for evaluations in (0, 5, 10)]
    [2, 3, 2]
    """
    return int((evaluations + count) * share + 1e-9) - int(evaluations * share + 1e-9)


def continuations(
    parents: Sequence[Trial], count: int, points: Callable[[], Points], generator: np.random.Generator
) -> list[Proposal]:
    """``count`` beginnings of parents drawn by roulette, each under all of some new ``points`` (q, d).

    The parents are different ones as long as there are enough. The proposals of a beginning share what the writer has
    to read, so that it goes on from it in one batch.
    """
    chances = roulette([trial.score + _LEAST for trial in parents])
    drawn = generator.choice(len(parents), size=min(count, len(parents)), replace=False, p=chances)
    proposals: list[Proposal] = []
    for number in range(count):
        instruction = parents[drawn[number % len(drawn)]].instruction
        start = beginning(instruction, generator)
        proposals += [propose(vary(instruction), start, tuple(z), generator) for z in points().tolist()]
    return proposals


def briefest_of_each(candidates: Sequence[Candidate], positions: Sequence[int]) -> list[int]:
    """Of the ``positions`` of continuations, that of the text with the fewest words of every beginning.

    What is new is less and less likely to be written, and mostly adds reservations to what is known.
    """
    briefest: dict[tuple[str, str], int] = {}
    for position in sorted(positions, key=lambda position: length(candidates[position].instruction)):
        rewrite = candidates[position].proposal.rewrite
        if rewrite is not None:
            briefest.setdefault((rewrite.prompt, rewrite.start), position)
    return sorted(briefest.values())
