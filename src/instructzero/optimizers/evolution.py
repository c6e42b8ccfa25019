"""Selection and crossover of instructions, shared by the evolutionary methods and by continuations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.errors import ConfigurationError
from instructzero.optimizers.metaprompts import beginning, propose, random_point
from instructzero.types import Proposal, Trial

LEAST = 3
"""The smallest population: differential evolution needs a member and two others."""

MUTATION = 0.5
"""Standard deviation of a mutation in every coordinate of z, chosen here: nearer points mostly give known texts."""

Merit = Callable[[Trial], tuple[float, int]]
"""The criterion of survival: a value, and among equal values the number of examples that it was measured on."""


def check_population(population: int) -> None:
    """Raise `ConfigurationError` for a population of fewer than three."""
    if population < LEAST:
        raise ConfigurationError(f"expected a population of at least {LEAST}, got {population}; choose one such as 10")


def merit(trial: Trial) -> tuple[float, int]:
    """Return the mean score of a trial and the number of its scored examples."""
    return trial.score, len(trial.evaluation.scores)


def survivors(trials: Sequence[Trial], count: int, criterion: Merit = merit) -> list[Trial]:
    """Return the ``count`` best trials by ``criterion``, the best first, the earlier first among equals."""
    return sorted(trials, key=criterion, reverse=True)[:count]


def roulette(scores: Sequence[float]) -> NDArray[np.float64]:
    """Return the probabilities of a roulette wheel: the shares in the sum of scores, equal if all are 0; shape (n,).

    >>> roulette([0.5, 0.0, 1.5]).tolist()
    [0.25, 0.0, 0.75]
    """
    weights = np.asarray(scores, dtype=np.float64)
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))


def cross(first: Trial, second: Trial, request: str, generator: np.random.Generator, dimension: int) -> Proposal:
    """Return a child of two trials: by the request, or from the beginning of the first at a mutation of the second's z.

    Parameters
    ----------
    first, second
        The parents.
    request
        The request for the child, for a model that follows instructions.
    generator
        Draws the mutation, the cut of the beginning and the sample number.
    dimension
        d.
    """
    point = location(second, generator, dimension)
    z = into_box(point + MUTATION * generator.standard_normal(len(point)))
    return propose(request, beginning(first.instruction, generator), z, generator)


def location(trial: Trial, generator: np.random.Generator, dimension: int) -> NDArray[np.float64]:
    """Return z of a trial, shape (d,); a random one for a text that was not written at one."""
    z = trial.proposal.z
    return np.array(random_point(generator, dimension) if z is None else z, dtype=np.float64)


def into_box(point: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the nearest point in [-1, 1]^d of a point (d,)."""
    return tuple(point.clip(-1, 1).tolist())
