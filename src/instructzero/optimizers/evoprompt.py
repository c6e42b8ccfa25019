"""EvoPrompt: a model crosses and mutates the instructions of a population.

Guo, Wang, Guo, Li, Song, Tan, Liu, Bian, Yang: Connecting Large Language Models with Evolutionary Algorithms Yields
Powerful Prompt Optimizers, ICLR 2024, arXiv 2309.08532. Populations of N = 10, in two variants:

- ``ga``, a genetic algorithm: two parents by roulette wheel; one request crosses them and mutates the outcome. The best
  N of the population and its N children are the next population. These are the best N of all evaluated, because a
  text that falls behind N others stays behind them.
- ``de``, differential evolution: for each member, one request finds where two others differ, mutates these parts, puts
  them into the best member, and crosses the outcome with the member, whose place the child takes if it is better.

A writer that reads no requests makes these moves with the beginning of a text, which it continues, and with z. ``ga``:
the beginning of one parent, at a mutation of the other's z. ``de``: the beginning of the member, at the best member's
z moved along the difference of the two others' (DE/best/1 of Storn and Price, 1997).

After a race, an instruction that dropped out is worth its mean on the examples that it was scored on, and of the same
means the one on more examples is worth more.

Differs from the publication:
- The first population is guessed from the demonstrations; the paper's is written by hand and by a model.
- The requests show no worked example, and samples are drawn at temperature 1 instead of 0.5.
- All children of a generation are asked for at once: the best member of ``de`` is that of the generation's beginning.
- Texts that were evaluated before are not evaluated again and do not take part, so that a generation or the first
  population may be smaller than N. In ``ga`` children fill the population up, in ``de`` it stays as small.
- The two parents are different texts as long as there are two; the code of ``ga`` may draw one text twice.
- Where fewer than three guesses differ, ``de`` guesses again.
- Of equals the earlier stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from instructzero.errors import ConfigurationError
from instructzero.optimizers.metaprompts import beginning, enveloped, guess, guesses, propose
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Rewrite, Trial

LEAST = 3
"""The smallest population of differential evolution: a member and two others."""

MUTATION = 0.5
"""Standard deviation of a mutation in every coordinate of z, chosen here: nearer points mostly lead to known texts."""

DIFFERENCE = 0.5
"""F of differential evolution: how much of the difference is added (Storn and Price, 1997)."""

Worth = Callable[[Trial], tuple[float, int]]
"""What survival goes by: a value, and among equals the number of examples behind it."""


class EvoPrompt(TextOptimizer):
    """Generations of as many children as the population has members.

    >>> optimizer = EvoPrompt(dimension=2, seed=0, demonstrations="Input: hot\\nOutput: cold", variant="ga")
    >>> [len(optimizer.ask(limit)) for limit in (50, 4)]
    [10, 4]
    """

    def __init__(
        self, *, dimension: int, seed: int, demonstrations: str, variant: Literal["ga", "de"], population: int = 10
    ) -> None:
        """Raises `ConfigurationError` for a population of fewer than three."""
        check_population(population)
        super().__init__(
            dimension=dimension, seed=seed, demonstrations=demonstrations, initial=population, batch=population
        )
        self._variant = variant
        self._population = population

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        if self._variant == "ga":
            members = survivors(self._trials, self._population)
            return [self._child(members, generator) for _ in range(count)]
        members = self._members()
        if len(members) < LEAST:
            return guesses(self._demonstrations, count, generator, self._dimension)
        # In turn: each member once a generation, also where fewer than all may be paid for.
        places = [(self._written + each) % len(members) for each in range(min(count, len(members)))]
        return [self._challenger(place, members, generator) for place in places]

    def _child(self, members: Sequence[Trial], generator: np.random.Generator) -> Proposal:
        first, second = (members[each] for each in spin_twice([trial.score for trial in members], generator))
        return cross(first, second, cross_and_mutate(first.instruction, second.instruction), generator)

    def _challenger(self, place: int, members: Sequence[Trial], generator: np.random.Generator) -> Proposal:
        """A text that is to take the place of a member."""
        others = [position for position in range(len(members)) if position != place]
        a, b = (members[each] for each in generator.choice(others, 2, replace=False))
        own, (best,) = members[place], survivors(members, 1)
        request = differ_and_combine(a.instruction, b.instruction, best.instruction, own.instruction)
        z = _in_box(_location(best) + DIFFERENCE * (_location(a) - _location(b)))
        # The place is the remainder of the sample's number, so that a trial on record says whom it challenges.
        sample = int(generator.integers(2**31 // self._population)) * self._population + place
        return Proposal(z, Rewrite(request, beginning(own.instruction, generator), sample))

    def _members(self) -> list[Trial]:
        """The members by place: the guesses in their order, each until a better challenger came."""
        first, challengers = [], []
        request = guess(self._demonstrations)
        for trial in self._trials:
            rewrite = trial.proposal.rewrite
            if rewrite is None or rewrite.prompt == request:
                first.append(trial)
            else:
                challengers.append((rewrite.seed % self._population, trial))
        members = first[: self._population]
        for place, trial in challengers:
            if merit(trial) > merit(members[place]):
                members[place] = trial
        return members


def check_population(population: int) -> None:
    """Raises `ConfigurationError` for too small a population."""
    if population < LEAST:
        raise ConfigurationError(f"expected a population of at least {LEAST}, got {population}; choose one such as 10")


def merit(trial: Trial) -> tuple[float, int]:
    """What an instruction is worth: its mean score, on so many examples."""
    return trial.score, len(trial.evaluation.scores)


def survivors(trials: Sequence[Trial], count: int, worth: Worth = merit) -> list[Trial]:
    """The ``count`` trials of most worth, the best first, the earlier first among equals."""
    return sorted(trials, key=worth, reverse=True)[:count]


def roulette(scores: Sequence[float]) -> NDArray[np.float64]:
    """The probability of each to be drawn, as large as its share in the sum of scores; equal where all are 0; (n,).

    >>> roulette([0.5, 0.0, 1.5]).tolist()
    [0.25, 0.0, 0.75]
    """
    weights = np.asarray(scores, dtype=np.float64)
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))


def spin_twice(scores: Sequence[float], generator: np.random.Generator) -> tuple[int, int]:
    """Two positions by roulette, the second one among the others; twice the same where there is only one."""
    first = int(generator.choice(len(scores), p=roulette(scores)))
    others = [position for position in range(len(scores)) if position != first] or [first]
    return first, int(generator.choice(others, p=roulette([scores[position] for position in others])))


def cross(first: Trial, second: Trial, request: str, generator: np.random.Generator) -> Proposal:
    """A child of two: by the request, or as the first one's beginning at a mutation of the second one's z."""
    point = _location(second)
    z = _in_box(point + MUTATION * generator.standard_normal(len(point)))
    return propose(request, beginning(first.instruction, generator), z, generator)


def cross_and_mutate(first: str, second: str) -> str:
    """Asks for a child of two instructions."""
    return enveloped(
        "Make a new instruction of these two.\n\n"
        f"Instruction 1: {first}\nInstruction 2: {second}\n\n"
        "First cross them: take parts of each. Then mutate the outcome: change some of its words. Answer with the"
        " mutated instruction."
    )


def differ_and_combine(first: str, second: str, best: str, own: str) -> str:
    """Asks for ``best`` with what differs between two others, crossed with ``own``."""
    return enveloped(
        "Make a new instruction of these four.\n\n"
        f"Instruction 1: {first}\nInstruction 2: {second}\nInstruction 3: {best}\nInstruction 4: {own}\n\n"
        "First find the parts in which instructions 1 and 2 differ. Then mutate these parts: change some of their"
        " words. Then put them into instruction 3, in place of parts of it. Then cross the outcome with instruction 4:"
        " take parts of each. Answer with the crossed instruction."
    )


def _location(trial: Trial) -> NDArray[np.float64]:
    """The trial's z, shape (d,)."""
    return np.array(trial.proposal.z, dtype=np.float64)


def _in_box(point: NDArray[np.float64]) -> tuple[float, ...]:
    """The nearest point in [-1, 1]^d."""
    return tuple(point.clip(-1, 1).tolist())
