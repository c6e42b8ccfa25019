"""InstructZero as published, with the parts of its code.

Chen, Chen, Goldstein, Huang, Zhou: InstructZero: Efficient Instruction Optimization for Black-Box Large Language
Models, ICML 2024, arXiv 2306.03082.
"""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.bayesian import InstructZero
from instructzero.optimizers.registry import Arguments, Materials, Method
from instructzero.optimizers.search_options import PAPER, PARTS, with_options


def _make(arguments: Arguments, materials: Materials) -> Optimizer:
    return InstructZero(**with_options(PAPER, arguments))


METHOD = Method(
    summary="InstructZero as published (Chen et al., 2024): Bayesian optimisation of soft prompts",
    make=_make,
    parts=PARTS,
    stops_early=False,
    confirms=False,  # The paper selects its winner by the validation score alone.
    needs_soft_prompts=True,
)
