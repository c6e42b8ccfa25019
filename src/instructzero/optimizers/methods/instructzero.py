"""InstructZero with the repairs of this package and a surrogate that reads the instructions: the default method.

Chen, Chen, Goldstein, Huang, Zhou: InstructZero: Efficient Instruction Optimization for Black-Box Large Language
Models, ICML 2024, arXiv 2306.03082. docs/method.md describes what differs from the publication.
"""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.metaprompts import vary
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.registry import SIZES, Arguments, Materials, Method
from instructzero.optimizers.requested import Requested
from instructzero.optimizers.sources import SoftPrompts, Source
from instructzero.optimizers.wording import WORDING

INITIAL_REQUESTED = 12
"""The number of first evaluations where texts come from requests: three of them."""


def construct(
    arguments: Arguments, materials: Materials, kind: type[ReadingInstructZero] = ReadingInstructZero
) -> Optimizer:
    """Construct the search of a ``kind`` with the source of texts that the writer allows."""
    sizes = {name: arguments[name] for name in SIZES if name in arguments}
    others = {name: value for name, value in arguments.items() if name not in ("initial", "dimension", "seed")}
    if materials.soft_prompts:
        # One ending for each beginning, where every one of them is a paid call.
        ends = {"ends": 1} if materials.pays_for_texts else {}
        points = {name: arguments[name] for name in ("dimension", "seed")}
        source: Source = SoftPrompts(**points, **others, **ends)
    else:
        source = Requested(
            demonstrations=materials.demonstrations,
            description=materials.description,
            examples=materials.examples,
            **others,
        )
        sizes = {"initial": INITIAL_REQUESTED, **sizes}
    return kind(source, seed=arguments["seed"], thrifty=not materials.soft_prompts, **sizes)


METHOD = Method(
    summary="InstructZero repaired: Bayesian optimisation with a surrogate that reads the instructions",
    make=construct,
    parts={name: name for name in ("initial", "batch", "candidates", "continued")},
    races=True,
    rewrites=True,
    requests={"vary": vary("{instruction}")},
    requests_without_soft_prompts=WORDING,
)
