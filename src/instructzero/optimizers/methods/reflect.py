"""Reflection: a model reads what an instruction got wrong, and improves it; parents come from a Pareto front.

In the spirit of Agrawal, Tan, Soylu, et al.: GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning,
arXiv 2507.19457. A parent is drawn from the instructions that are best on some validation example, with a probability
that grows with the number of these examples; so instructions with different strengths stay parents. A request shows
the parent's failures and asks for improvements. Now and then, it asks to combine two parents instead.

A writer that reads no requests continues the beginning of a parent under random soft prompts.

Differs from the publication:
- One instruction is improved; the paper's systems have several prompts, of which one is changed at a time, and its
  crossover exchanges whole prompts between two systems. Here a model combines two instructions.
- One request asks for several instructions, which are all candidates; the paper's asks for one, which must beat its
  parent on a minibatch. Here children race over the validation examples.
- The failures are drawn from all validation examples that the parent was scored on; the paper draws a minibatch.
- The first instructions are guessed from the exemplars, besides those that the user gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.evolution import merit
from instructzero.optimizers.metaprompts import beginning, random_point
from instructzero.optimizers.reflection import drawn_answers
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method
from instructzero.optimizers.texts import TextOptimizer
from instructzero.optimizers.wording import TEXTS, WORDING, Wording
from instructzero.types import Example, Proposal, Rewrite, Trial

COMBINED = 0.25
"""The probability that a request combines two parents."""


class Reflect(TextOptimizer):
    r"""Rounds of requests, each of which improves one parent or combines two.

    >>> optimizer = Reflect(dimension=2, seed=0, demonstrations="Input: hot\nOutput: cold")
    >>> [len(optimizer.ask(limit)) for limit in (10, 2)]
    [8, 2]

    Parameters
    ----------
    dimension
        d.
    seed
        The seed of all random draws.
    demonstrations
        The exemplars as text.
    description
        The task in the user's words, or "".
    examples
        The validation examples, in the order of the scores.
    initial, batch
        The number of guesses, and the number of texts in a later round.
    """

    def __init__(
        self,
        *,
        dimension: int,
        seed: int,
        demonstrations: str,
        description: str = "",
        examples: Sequence[Example] = (),
        initial: int = 8,
        batch: int = 8,
    ) -> None:
        super().__init__(dimension=dimension, seed=seed, demonstrations=demonstrations, initial=initial, batch=batch)
        self._wording = Wording(demonstrations, description)
        self._examples = examples

    def _first(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        return [
            proposal
            for size in shares(count)
            for proposal in self._requested(self._wording.from_exemplars(size), "", size, generator)
        ]

    def _next(self, count: int, generator: np.random.Generator) -> list[Proposal]:
        front = pareto_front(self._trials)
        return [proposal for size in shares(count) for proposal in self._children(front, size, generator)]

    def _children(
        self, front: Sequence[tuple[Trial, int]], count: int, generator: np.random.Generator
    ) -> list[Proposal]:
        """Return ``count`` children of one or two members of the front, from one request."""
        parents = drawn_parents(front, generator)
        prompt = self._improvement(parents[0], count, generator)
        if len(parents) > 1 and (prompt is None or generator.random() < COMBINED):
            prompt = self._wording.from_two(parents[0].instruction, parents[1].instruction, count)
        if prompt is None:
            prompt = self._wording.from_scores([(trial.instruction, trial.score) for trial in self._trials], count)
        return self._requested(prompt, beginning(parents[0].instruction, generator), count, generator)

    def _improvement(self, parent: Trial, count: int, generator: np.random.Generator) -> str | None:
        """Return the request for improvements of a parent; None if nothing of it is known to be wrong."""
        wrong, right = drawn_answers(parent.evaluation, self._examples, generator)
        return self._wording.from_failures(parent.instruction, wrong, right, count) if wrong else None

    def _requested(self, prompt: str, start: str, count: int, generator: np.random.Generator) -> list[Proposal]:
        """Return the proposals of one request; a local writer continues ``start`` at as many random points."""
        seed = int(generator.integers(2**31))
        return [
            Proposal(random_point(generator, self._dimension), Rewrite(prompt, start, seed, part, count))
            for part in range(count)
        ]


def shares(count: int) -> list[int]:
    """Return the numbers of texts of the requests for ``count`` texts.

    >>> shares(10)
    [4, 4, 2]
    """
    return [min(TEXTS, count - begin) for begin in range(0, count, TEXTS)]


def pareto_front(trials: Sequence[Trial]) -> list[tuple[Trial, int]]:
    """Return the instructions that are best on some example, each with the number of these examples.

    An instruction is left out, the worst one first, if others are as good on each example on which it is best. An
    example on which no instruction scores above 0 does not count; if there is no other, all instructions are returned.

    Parameters
    ----------
    trials
        Trials with scores on the first examples; one may have more of them than another.
    """
    examples = max(len(trial.evaluation.scores) for trial in trials)
    best = [_best_on(position, trials) for position in range(examples)]
    members = [set(numbers) for numbers in best if numbers]
    for number in sorted(range(len(trials)), key=lambda number: (merit(trials[number]), -number)):
        own = [winners for winners in members if number in winners]
        if all(len(winners) > 1 for winners in own):
            for winners in own:
                winners.discard(number)
    counts = [sum(number in winners for winners in members) for number in range(len(trials))]
    front = [
        (trials[number], sum(number in numbers for numbers in best)) for number, count in enumerate(counts) if count
    ]
    return front or [(trial, 1) for trial in trials]


def _best_on(position: int, trials: Sequence[Trial]) -> list[int]:
    """Return the numbers of the trials with the best score on one example; none if that is not above 0."""
    scores = {
        number: trial.evaluation.scores[position]
        for number, trial in enumerate(trials)
        if position < len(trial.evaluation.scores)
    }
    best = max(scores.values())
    return [number for number, score in scores.items() if score == best > 0]


def drawn_parents(front: Sequence[tuple[Trial, int]], generator: np.random.Generator) -> list[Trial]:
    """Draw two different members of the front, or its only one, in proportion to the examples on which each is best."""
    weights = np.array([count for _, count in front], dtype=np.float64)
    drawn = generator.choice(len(front), size=min(2, len(front)), replace=False, p=weights / weights.sum())
    return [front[position][0] for position in drawn.tolist()]


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return Reflect(
        demonstrations=materials.demonstrations,
        description=materials.description,
        examples=materials.examples,
        **arguments,
    )


METHOD = Method(
    summary="reflection on failures, in the spirit of GEPA (Agrawal et al., 2025), with a Pareto front",
    make=_make,
    parts=SIZES,
    races=True,
    rewrites=True,
    requests=WORDING,
)
