"""APE: guess instructions from demonstrations, then vary the best ones.

Zhou, Muresanu, Han, Paster, Pitis, Chan, Ba: Large Language Models Are Human-Level Prompt Engineers, ICLR 2023,
arXiv 2211.01910; Algorithm 1 with the forward mode and the iterative Monte Carlo search.

Differs from the publication:
- Its code samples 90 to 250 guesses from several draws of demonstrations (temperature 0.9, top-p 0.9) and stops there:
  its authors found that iteration brought no gain. Here the budget allows fewer texts, so that the method makes 25
  guesses from one draw of demonstrations at temperature 1, and spends the rest of the budget on the iteration.
- The kept share and the number of variations are chosen here: the code has no iteration.
- The kept instructions remain candidates, so that a round of poor variations loses nothing.
- All instructions are scored on the same examples (or race on them), instead of on random subsets.
- A writer that reads no requests continues the first words of a parent under a random soft prompt.
"""

from __future__ import annotations

import numpy as np

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.metaprompts import beginning, guess, propose, random_point, ranked, vary
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Trial

SHARE = 0.2
"""The share of a population that is kept and varied: k % in Algorithm 1."""


class Ape(TextOptimizer):
    r"""Iterative Monte Carlo search over texts.

    >>> optimizer = Ape(dimension=2, seed=0, demonstrations="Input: hot\nOutput: cold", initial=3)
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [3, 2]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, initial: int = 25, batch: int = 25) -> None:
        super().__init__(dimension=dimension, seed=seed, demonstrations=demonstrations, initial=initial, batch=batch)

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Return variations of the kept instructions in turn, the best one first."""
        kept = self._kept()
        return [self._variation(kept[position % len(kept)], generator) for position in range(count)]

    def _kept(self) -> list[Trial]:
        """Return the best share of a population of ``initial``, among all evaluated instructions."""
        return ranked(self._trials)[: max(1, round(SHARE * self._initial))]

    def _variation(self, parent: Trial, generator: np.random.Generator) -> Proposal:
        z = random_point(generator, self._dimension)
        return propose(vary(parent.instruction), beginning(parent.instruction, generator), z, generator)


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Ape(demonstrations=materials.demonstrations, **arguments)


METHOD = Method(
    summary="APE (Zhou et al., 2023): instructions guessed from exemplars, then variations of the best",
    make=_make,
    parts=SIZES,
    rewrites=True,
    requests={
        "guess": guess("{demonstrations}"),
        "vary": vary("{instruction}"),
    },
)
