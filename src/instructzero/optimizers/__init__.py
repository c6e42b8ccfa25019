"""Search methods: one protocol, a file for each method in `methods`, and what several methods share."""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.bayesian import InstructZero
from instructzero.optimizers.methods.uniform import Uniform
from instructzero.optimizers.search_options import PAPER, REPAIRED, SearchOptions

__all__ = ["PAPER", "REPAIRED", "InstructZero", "Optimizer", "SearchOptions", "Uniform"]
