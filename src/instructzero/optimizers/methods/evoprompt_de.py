"""EvoPrompt with differential evolution: a model combines the instructions of a population.

Guo, Wang, Guo, Li, Song, Tan, Liu, Bian, Yang: Connecting Large Language Models with Evolutionary Algorithms Yields
Powerful Prompt Optimizers, ICLR 2024, arXiv 2309.08532. For each of N = 10 members, one request finds where two others
differ, mutates these parts, puts them into the best member, and crosses the result with the member. The child replaces
the member if it is better.

A writer that reads no requests continues the beginning of the member, at the best member's z moved along the difference
of the two others' (DE/best/1 of Storn and Price, 1997).

After a race, the score of an instruction that dropped out is its mean over the examples that it was scored on. Among
equal means, the instruction with more scored examples ranks higher.

Differs from the publication:
- The first population is guessed from the demonstrations; the paper's is written by hand and by a model.
- The requests show no worked example, and samples are drawn at temperature 1 instead of 0.5.
- All children of a generation are requested at once: the best member is that at the beginning of the generation.
- Texts that were evaluated before are not evaluated again and take no part. The population may therefore be smaller
  than N, and stays as small.
- While fewer than three guesses differ, the method guesses again.
- Among equals the earlier one stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.evolution import LEAST, check_population, into_box, location, merit, survivors
from instructzero.optimizers.metaprompts import beginning, enveloped, guess, guesses
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Rewrite, Trial

DIFFERENCE = 0.5
"""F of differential evolution: the factor of the difference that is added (Storn and Price, 1997)."""


class DifferentialEvolution(TextOptimizer):
    r"""Generations of one challenger for each member.

    >>> optimizer = DifferentialEvolution(dimension=2, seed=0, demonstrations="Input: hot\nOutput: cold")
    >>> [len(optimizer.ask(limit)) for limit in (50, 4)]
    [10, 4]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, population: int = 10) -> None:
        """Raise `ConfigurationError` for a population of fewer than three."""
        check_population(population)
        super().__init__(
            dimension=dimension, seed=seed, demonstrations=demonstrations, initial=population, batch=population
        )
        self._slots = Slots(population)

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        members = self._members()
        if len(members) < LEAST:
            return guesses(self._demonstrations, count, generator, self._dimension)
        # In turn, so that every member is challenged once a generation, also if a round has room for fewer than all.
        slots = [(self._written + offset) % len(members) for offset in range(min(count, len(members)))]
        return [self._challenger(slot, members, generator) for slot in slots]

    def _challenger(self, slot: int, members: Sequence[Trial], generator: np.random.Generator) -> Proposal:
        """Return a proposal of a text that may replace the member in ``slot``."""
        others = [position for position in range(len(members)) if position != slot]
        a, b = (members[position] for position in generator.choice(others, 2, replace=False))
        own, (best,) = members[slot], survivors(members, 1)
        request = differ_and_combine(a.instruction, b.instruction, best.instruction, own.instruction)
        base, first, second = (location(trial, generator, self._dimension) for trial in (best, a, b))
        z = into_box(base + DIFFERENCE * (first - second))
        sample = self._slots.draw_sample(slot, generator)
        return Proposal(z, Rewrite(request, beginning(own.instruction, generator), sample))

    def _members(self) -> list[Trial]:
        """Return the members by slot: the first texts in their order, each replaced by the better of its challengers.

        The first texts are the user's instructions and the guesses.
        """
        first, challengers = [], []
        request = guess(self._demonstrations)
        for trial in self._trials:
            rewrite = trial.proposal.rewrite
            if rewrite is None or rewrite.prompt == request:
                first.append(trial)
            else:
                challengers.append((self._slots.of(rewrite), trial))
        members = first[: self._slots.population]
        for slot, trial in challengers:
            if merit(trial) > merit(members[slot]):
                members[slot] = trial
        return members


class Slots:
    """The slots of a population, and the sample numbers of their challengers.

    The slot that a challenger competes for is part of its sample number: the number's remainder modulo the population.
    It cannot be a field of its own without a change of the journal. The optimizer's state is a function of the recorded
    trials alone, and the journal records a rewrite as exactly its request, its beginning and its sample number, which
    is also the sampling seed that a black box receives. This class is the only place that knows the encoding.

    >>> slots = Slots(10)
    >>> slots.of(Rewrite("Combine.", "", slots.draw_sample(7, np.random.default_rng(0))))
    7
    """

    def __init__(self, population: int) -> None:
        self.population = population

    def draw_sample(self, slot: int, generator: np.random.Generator) -> int:
        """Draw the sample number, below 2^31, of a challenger of ``slot``."""
        return int(generator.integers(2**31 // self.population)) * self.population + slot

    def of(self, challenger: Rewrite) -> int:
        """Return the slot that ``challenger`` competes for."""
        return challenger.seed % self.population


def differ_and_combine(first: str, second: str, best: str, own: str) -> str:
    """Return the request for ``best`` with the differences of two others, crossed with ``own``."""
    return enveloped(
        "Make a new instruction of these four.\n\n"
        f"Instruction 1: {first}\nInstruction 2: {second}\nInstruction 3: {best}\nInstruction 4: {own}\n\n"
        "First find the parts in which instructions 1 and 2 differ. Then mutate these parts: change some of their"
        " words. Then put them into instruction 3, in place of parts of it. Then cross the outcome with instruction 4:"
        " take parts of each. Answer with the crossed instruction."
    )


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return DifferentialEvolution(demonstrations=materials.demonstrations, **arguments)


METHOD = Method(
    summary="EvoPrompt (Guo et al., 2024) with differential evolution: challengers of every member",
    make=_make,
    parts={"initial": "population"},
    rewrites=True,
    requests={
        "guess": guess("{demonstrations}"),
        "combine": differ_and_combine("{first}", "{second}", "{best}", "{own}"),
    },
)
