"""InstructZero with the repairs of this package and a surrogate that reads the instructions: the default method.

Chen, Chen, Goldstein, Huang, Zhou: InstructZero: Efficient Instruction Optimization for Black-Box Large Language
Models, ICML 2024, arXiv 2306.03082. docs/method.md describes what differs from the publication.
"""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.metaprompts import vary
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.registry import Arguments, Materials, Method


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    # One ending for each beginning, where every one of them is a paid call.
    ends = {"ends": 1} if materials.pays_for_texts else {}
    return ReadingInstructZero(**arguments, **ends)


METHOD = Method(
    summary="InstructZero repaired: Bayesian optimisation with a surrogate that reads the instructions",
    make=_make,
    parts={name: name for name in ("initial", "batch", "candidates", "continued")},
    races=True,
    rewrites=True,
    requests={
        "vary": vary("{instruction}"),
    },
)
