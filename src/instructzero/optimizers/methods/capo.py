"""CAPO: few children in a round, races, and a penalty for length.

Zehle, Schlager, Heiß, Feurer: CAPO: Cost-Aware Prompt Optimization, AutoML 2025, PMLR 293, arXiv 2504.16005. In each
round, c = 4 children are crossed from two random members of a population of μ = 10, and mutated. Of members and
children, the μ with the highest fitness survive, where

    fitness = mean score − γ · length / length of the longest first instruction,    γ = 0.05

These are the best μ of all evaluated instructions, because an instruction that falls behind μ others stays behind them.
Children race over blocks of the validation examples; the race takes place where they are scored. The score of an
instruction that dropped out is its mean over the examples that it was scored on. Among equal fitness, the instruction
with more scored examples ranks higher.

A writer that reads no requests continues the beginning of one parent, at a mutation of the other's z.

Differs from the publication:
- Only the instruction evolves. The paper's prompts also hold up to five exemplars, crossed and mutated with it.
- Crossover and mutation are one request, so that a child costs one call instead of two.
- The race: the paper drops an instruction that μ others beat in paired t-tests (α = 0.2) on blocks of 30 examples,
  members and children together. Here a child drops out when it can hardly reach the best score any more.
- Length is measured in words of the instruction, instead of tokens of the prompt. It counts for survival, not in the
  race. The longest first instruction is that of the first μ evaluated. A length penalty of the run is added to it.
- The requests show demonstrations instead of a description of the task, and the first population is guessed from
  them; the paper's is drawn from a stock of instructions that a model wrote.
- Texts that were evaluated before are not evaluated again and take no part. Among equals the earlier one survives.
"""

from __future__ import annotations

import numpy as np

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.evolution import check_population, cross, merit, survivors
from instructzero.optimizers.metaprompts import enveloped, guess, word_count
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Trial

LENGTH_PENALTY = 0.05
"""γ of the paper: the score that an instruction as long as the longest first one loses."""


class Capo(TextOptimizer):
    r"""Rounds of ``batch`` children of two random members of the population.

    >>> optimizer = Capo(dimension=2, seed=0, demonstrations="Input: hot\nOutput: cold")
    >>> [len(optimizer.ask(limit)) for limit in (50, 3)]
    [10, 3]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, population: int = 10, batch: int = 4) -> None:
        """Raise `ConfigurationError` for a population of fewer than three."""
        check_population(population)
        super().__init__(dimension=dimension, seed=seed, demonstrations=demonstrations, initial=population, batch=batch)
        self._population = population

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        members = self._survivors()
        return [self._child(members, generator) for _ in range(count)]

    def _child(self, members: list[Trial], generator: np.random.Generator) -> Proposal:
        drawn = generator.choice(len(members), 2, replace=len(members) < 2)
        first, second = (members[position] for position in drawn)
        request = merge_and_rephrase(first.instruction, second.instruction, self._demonstrations)
        return cross(first, second, request, generator, self._dimension)

    def _survivors(self) -> list[Trial]:
        """Return the population: the instructions with the highest fitness."""
        longest = max((word_count(trial.instruction) for trial in self._trials[: self._population]), default=0)

        def fitness(trial: Trial) -> tuple[float, int]:
            score, examples = merit(trial)
            return score - LENGTH_PENALTY * word_count(trial.instruction) / max(longest, 1), examples

        return survivors(self._trials, self._population, fitness)


def merge_and_rephrase(first: str, second: str, demonstrations: str) -> str:
    """Return the request for a child of two instructions."""
    return enveloped(
        "These inputs and outputs show a task.\n\n"
        f"{demonstrations}\n\n"
        "Make a new instruction for it of these two.\n\n"
        f"Instruction 1: {first}\nInstruction 2: {second}\n\n"
        "First merge them into one that keeps what marks each of them. Then say the outcome in clearly different words"
        " with the same meaning. Answer with the reworded instruction."
    )


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Capo(demonstrations=materials.demonstrations, **arguments)


METHOD = Method(
    summary="CAPO (Zehle et al., 2025): evolution that races and prefers short instructions",
    make=_make,
    parts={"initial": "population", "batch": "batch"},
    races=True,
    rewrites=True,
    requests={
        "guess": guess("{demonstrations}"),
        "merge": merge_and_rephrase("{first}", "{second}", "{demonstrations}"),
    },
)
