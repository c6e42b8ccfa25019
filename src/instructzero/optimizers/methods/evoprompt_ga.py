"""EvoPrompt with a genetic algorithm: a model crosses and mutates the instructions of a population.

Guo, Wang, Guo, Li, Song, Tan, Liu, Bian, Yang: Connecting Large Language Models with Evolutionary Algorithms Yields
Powerful Prompt Optimizers, ICLR 2024, arXiv 2309.08532. Two parents are drawn from a population of N = 10 by roulette
wheel; one request crosses them and mutates the result. The best N of the population and its N children are the next
population. These are the best N of all evaluated instructions, because an instruction that falls behind N others stays
behind them.

A writer that reads no requests continues the beginning of one parent, at a mutation of the other's z.

After a race, the score of an instruction that dropped out is its mean over the examples that it was scored on. Among
equal means, the instruction with more scored examples ranks higher.

Differs from the publication:
- The first population is guessed from the demonstrations; the paper's is written by hand and by a model.
- The requests show no worked example, and samples are drawn at temperature 1 instead of 0.5.
- All children of a generation are requested at once.
- Texts that were evaluated before are not evaluated again and take no part. The first population or a generation may
  therefore be smaller than N; later children fill the population up.
- The two parents are different texts as long as there are two; the published code may draw one text twice.
- Among equals the earlier one survives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.evolution import check_population, cross, roulette, survivors
from instructzero.optimizers.metaprompts import enveloped, guess
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Trial


class GeneticAlgorithm(TextOptimizer):
    r"""Generations of as many children as the population has members.

    >>> optimizer = GeneticAlgorithm(dimension=2, seed=0, demonstrations="Input: hot\nOutput: cold")
    >>> [len(optimizer.ask(limit)) for limit in (50, 4)]
    [10, 4]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, population: int = 10) -> None:
        """Raise `ConfigurationError` for a population of fewer than three."""
        check_population(population)
        super().__init__(
            dimension=dimension, seed=seed, demonstrations=demonstrations, initial=population, batch=population
        )
        self._population = population

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        members = survivors(self._trials, self._population)
        return [self._child(members, generator) for _ in range(count)]

    def _child(self, members: Sequence[Trial], generator: np.random.Generator) -> Proposal:
        drawn = spin_twice([trial.score for trial in members], generator)
        first, second = (members[position] for position in drawn)
        request = cross_and_mutate(first.instruction, second.instruction)
        return cross(first, second, request, generator, self._dimension)


def spin_twice(scores: Sequence[float], generator: np.random.Generator) -> tuple[int, int]:
    """Draw two positions by roulette, the second among the others; the same one twice if it is alone."""
    first = int(generator.choice(len(scores), p=roulette(scores)))
    others = [position for position in range(len(scores)) if position != first] or [first]
    return first, int(generator.choice(others, p=roulette([scores[position] for position in others])))


def cross_and_mutate(first: str, second: str) -> str:
    """Return the request for a child of two instructions."""
    return enveloped(
        "Make a new instruction of these two.\n\n"
        f"Instruction 1: {first}\nInstruction 2: {second}\n\n"
        "First cross them: take parts of each. Then mutate the outcome: change some of its words. Answer with the"
        " mutated instruction."
    )


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return GeneticAlgorithm(demonstrations=materials.demonstrations, **arguments)


METHOD = Method(
    summary="EvoPrompt (Guo et al., 2024) with a genetic algorithm: crossed and mutated instructions",
    make=_make,
    parts={"initial": "population"},
    rewrites=True,
    requests={
        "guess": guess("{demonstrations}"),
        "cross": cross_and_mutate("{first}", "{second}"),
    },
)
