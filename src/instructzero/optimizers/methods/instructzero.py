"""InstructZero with the repairs of this package: the default method.

Chen, Chen, Goldstein, Huang, Zhou: InstructZero: Efficient Instruction Optimization for Black-Box Large Language
Models, ICML 2024, arXiv 2306.03082. `REPAIRED` lists the parts that differ from the publication, and docs/method.md
describes them.
"""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.bayesian import InstructZero
from instructzero.optimizers.metaprompts import vary
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.optimizers.search_options import REPAIRED


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return InstructZero(options=REPAIRED.with_parts(arguments.pop("parts")), **arguments)


METHOD = Method(
    summary="InstructZero repaired: Bayesian optimisation of soft prompts, with continuations of the best texts",
    make=_make,
    parts=None,
    races=True,
    rewrites=True,
    requests={
        "vary": vary("{instruction}"),
    },
)
