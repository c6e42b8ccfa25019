"""OPRO: a model reads the best instructions so far with their scores, and writes new ones.

Yang, Wang, Lu, Liu, Le, Zhou, Chen: Large Language Models as Optimizers, ICLR 2024, arXiv 2309.03409. The 20 best pairs
of instruction and score in ascending order, scores rounded to whole numbers from 0 to 100, then exemplars, then the
request; 8 samples a step at temperature 1.

Differs from the publication:
- It starts from one or a few instructions written by hand; here from guesses, as every method that searches texts.
- Every step shows the exemplars of the run, instead of three newly drawn ones.
- Instructions below a score (0.3 for some models) are not hidden, and texts are not dropped for length or digits.
- A writer that reads no requests continues the first words of one of the 20 instructions, drawn with a probability
  that increases with its score, under a random soft prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.metaprompts import beginning, enveloped, guess, propose, random_point
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method
from instructzero.optimizers.texts import TextOptimizer
from instructzero.types import Proposal, Trial

SHOWN = 20
"""The number of instructions in the meta-prompt, as in the paper and its code."""


class Opro(TextOptimizer):
    r"""Optimisation by prompting.

    >>> optimizer = Opro(dimension=2, seed=0, demonstrations="Input: hot\nOutput: cold", initial=3)
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [3, 2]
    """

    def __init__(self, *, dimension: int, seed: int, demonstrations: str, initial: int = 20, batch: int = 8) -> None:
        super().__init__(dimension=dimension, seed=seed, demonstrations=demonstrations, initial=initial, batch=batch)

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Return samples of one meta-prompt."""
        shown = trajectory(self._trials)
        prompt = meta_prompt(shown, self._demonstrations)
        parents = generator.choice(len(shown), size=count, p=chances(shown))
        return [self._sample(prompt, shown[parent], generator) for parent in parents]

    def _sample(self, prompt: str, parent: Trial, generator: np.random.Generator) -> Proposal:
        z = random_point(generator, self._dimension)
        return propose(prompt, beginning(parent.instruction, generator), z, generator)


def trajectory(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of the 20 best different instructions by ascending score, the later one last among equals.

    An instruction that was evaluated again keeps its first score.
    """
    first = {trial.instruction: trial for trial in reversed(trials)}
    return sorted(first.values(), key=lambda trial: (trial.score, trial.number))[-SHOWN:]


def chances(shown: Sequence[Trial]) -> list[float]:
    """Return the probability of an instruction to be a parent, by the number of others with lower scores; (n,)."""
    weights = [1 + sum(other.score < trial.score for other in shown) for trial in shown]
    return [weight / sum(weights) for weight in weights]


def meta_prompt(shown: Sequence[Trial], demonstrations: str) -> str:
    """Return the request for an instruction that is better than the shown ones, of which the best comes last."""
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


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Opro(demonstrations=materials.demonstrations, **arguments)


METHOD = Method(
    summary="OPRO (Yang et al., 2024): new instructions from a list of earlier ones with their scores",
    make=_make,
    parts=SIZES,
    rewrites=True,
    requests={
        "guess": guess("{demonstrations}"),
        "meta-prompt": meta_prompt((), "{demonstrations}"),
    },
)
