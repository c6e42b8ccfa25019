"""APE: instructions guessed from demonstrations, then variations of the best ones.

Zhou, Muresanu, Han, Paster, Pitis, Chan, Ba: Large Language Models Are Human-Level Prompt Engineers, ICLR 2023,
arXiv 2211.01910; Algorithm 1 with the forward mode and the iterative Monte Carlo search.

Differs from the publication:
- Its code samples 90 to 250 guesses from several draws of demonstrations (temperature 0.9, top-p 0.9) and stops there:
  its authors found that iterating gained nothing. Here fewer texts can be paid for, so it makes 25 guesses from one
  draw of demonstrations at temperature 1, and the rest of the budget goes to the iteration.
- The share that is kept and the number of variations are chosen here: the code has no iteration.
- The kept instructions stay in the running, so that a round of poor variations loses nothing.
- All instructions are scored on the same examples (or race on them), instead of on random subsets.
- A writer that reads no requests goes on from the first words of a parent under a random soft prompt.
"""

from __future__ import annotations

import numpy as np

from instructzero.optimizers.metaprompts import beginning, propose, random_point, ranked, vary
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Trial

SHARE = 0.2
"""The share of a population that is kept and varied: k % of Algorithm 1."""


class Ape(TextOptimizer):
    """Iterative Monte Carlo search over texts.

    >>> optimizer = Ape(dimension=2, seed=0, demonstrations="Input: hot\\nOutput: cold", initial=3)
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [3, 2]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, initial: int = 25, batch: int = 25) -> None:
        super().__init__(dimension=dimension, seed=seed, demonstrations=demonstrations, initial=initial, batch=batch)

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Variations of the kept instructions in turn, the best one first."""
        kept = self._kept()
        return [self._variation(kept[position % len(kept)], generator) for position in range(count)]

    def _kept(self) -> list[Trial]:
        """The best share of a population of ``initial``; with survivors, these are the best of all evaluated."""
        return ranked(self._trials)[: max(1, round(SHARE * self._initial))]

    def _variation(self, parent: Trial, generator: np.random.Generator) -> Proposal:
        z = random_point(generator, self._dimension)
        return propose(vary(parent.instruction), beginning(parent.instruction, generator), z, generator)
