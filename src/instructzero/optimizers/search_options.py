"""The options of `InstructZero`, and the two presets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from instructzero.bo.surrogate import SurrogateOptions


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The parts of the search; the defaults are those of the paper's code.

    Parameters
    ----------
    initial
        The number of evaluations before the surrogate is first fitted.
    batch
        The number of evaluations in a later round.
    surrogate
        The options of the Gaussian process.
    acquisition
        Expected improvement, or its logarithm.
    maximiser
        The method that finds the candidates: CMA-ES, gradients, or the best of many random points.
    candidates
        The number of points written for one evaluation. With more than one, texts that are repeated or already
        evaluated are dropped, and ``batch_choice`` selects among the rest.
    batch_choice
        The selection of a batch among the written instructions.
    preimages
        A score is shared with every other point that was written as the same text.
    geometry
        ``sphere`` searches directions only: the writer normalises its input, so that a longer soft prompt has the same
        meaning.
    sigma, population, generations
        The settings of CMA-ES. No setting of a run changes them; they are for use of the class from Python.
    """

    initial: int = 25
    batch: int = 25
    surrogate: SurrogateOptions = field(default_factory=SurrogateOptions)
    acquisition: Literal["ei", "log_ei"] = "ei"
    maximiser: Literal["cma", "gradient", "pool"] = "cma"
    candidates: int = 1
    batch_choice: Literal["best", "fantasised", "thompson"] = "best"
    preimages: bool = False
    geometry: Literal["box", "sphere"] = "box"
    sigma: float = 0.8
    population: int = 50
    generations: int = 10

    def with_parts(self, parts: Mapping[str, Any]) -> SearchOptions:
        """Return the options with ``parts`` replaced, by name; options of the surrogate are found there.

        >>> SearchOptions().with_parts({"batch": 5, "noise": "binomial"}).surrogate.noise
        'binomial'
        """
        of_surrogate = {option.name for option in fields(SurrogateOptions)} & parts.keys()
        surrogate = replace(self.surrogate, **{name: parts[name] for name in of_surrogate})
        return replace(self, surrogate=surrogate, **{name: parts[name] for name in parts.keys() - of_surrogate})


PARTS = {
    option.name: option.name
    for kind in (SearchOptions, SurrogateOptions)
    for option in fields(kind)
    if option.name not in ("surrogate", "sigma", "population", "generations")
}
"""The options that are settings of a run, by name, as `Method.parts` needs them."""

PAPER = SearchOptions()
"""The search as published."""

REPAIRED = SearchOptions(
    initial=10,
    batch=5,
    surrogate=SurrogateOptions(noise="binomial", lengthscale="loo"),
    maximiser="pool",
    candidates=8,
    preimages=True,
)
"""The search over z with all repairs, as `dro` uses it."""


def with_options(preset: SearchOptions, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `InstructZero`: those of ``arguments`` that are `PARTS` are put into its options.

    >>> with_options(PAPER, {"dimension": 10, "batch": 5})["options"].batch
    5
    """
    parts = {name: value for name, value in arguments.items() if name in PARTS}
    others = {name: value for name, value in arguments.items() if name not in PARTS}
    return {**others, "options": preset.with_parts(parts)}
