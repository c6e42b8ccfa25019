"""OPRO: a model reads the best instructions so far with their scores, and writes better ones.

Yang, Wang, Lu, Liu, Le, Zhou, Chen: Large Language Models as Optimizers, ICLR 2024, arXiv 2309.03409. The 20 best pairs
of instruction and score in ascending order, scores rounded to whole numbers from 0 to 100, then exemplars, then the
request; 8 samples a step at temperature 1.

Differs from the publication:
- It starts from one or a few instructions by hand; here from guesses by the demonstrations, as every method of texts.
- The exemplars are those of the run in every step, instead of three new ones drawn in each.
- Instructions below a score (0.3 for some models) are not hidden, and texts are not dropped for length or digits.
- A writer that reads no requests goes on from the first words of one of the 20 instructions, drawn with a probability
  that grows with its score, under a random soft prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.metaprompts import beginning, enveloped, propose, random_point
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Trial

SHOWN = 20
"""Instructions in the meta-prompt, in the paper and its code."""


class Opro(TextOptimizer):
    """Optimisation by prompting.

    >>> optimizer = Opro(dimension=2, seed=0, demonstrations="Input: hot\\nOutput: cold", initial=3)
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [3, 2]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, initial: int = 20, batch: int = 8) -> None:
        super().__init__(dimension=dimension, seed=seed, demonstrations=demonstrations, initial=initial, batch=batch)

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Samples of one meta-prompt."""
        shown = trajectory(self._trials)
        prompt = meta_prompt(shown, self._demonstrations)
        parents = generator.choice(len(shown), size=count, p=chances(shown))
        return [self._sample(prompt, shown[parent], generator) for parent in parents]

    def _sample(self, prompt: str, parent: Trial, generator: np.random.Generator) -> Proposal:
        z = random_point(generator, self._dimension)
        return propose(prompt, beginning(parent.instruction, generator), z, generator)


def trajectory(trials: Sequence[Trial]) -> list[Trial]:
    """The best 20 different instructions in ascending order of score, the later one last among equals.

    An instruction that was evaluated again keeps its first score.
    """
    first = {trial.instruction: trial for trial in reversed(trials)}
    return sorted(first.values(), key=lambda trial: (trial.score, trial.number))[-SHOWN:]


def chances(shown: Sequence[Trial]) -> list[float]:
    """The probability of each instruction to be a parent, by how many of the others score below it; (n,)."""
    weights = [1 + sum(other.score < trial.score for other in shown) for trial in shown]
    return [weight / sum(weights) for weight in weights]


def meta_prompt(shown: Sequence[Trial], demonstrations: str) -> str:
    """The request for an instruction that is better than these, the best of which stands last."""
    pairs = [f"Instruction: {trial.instruction}\nScore: {round(100 * trial.score)}" for trial in shown]
    return enveloped(
        "\n\n".join(
            [
                "Here are instructions for one task, each with its score from 0 to 100, the best ones last.",
                *pairs,
                "These inputs and outputs show what the task is.",
                demonstrations,
                "Write a new instruction for the task: unlike all of these, short and clear, fit for every input of the"
                " kind, and such that it scores higher.",
            ]
        )
    )
