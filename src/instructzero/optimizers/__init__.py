"""Search methods behind one protocol, by name."""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.instructzero import PAPER, REPAIRED, InstructZero, SearchOptions
from instructzero.optimizers.uniform import Uniform

__all__ = ["PAPER", "REPAIRED", "InstructZero", "Optimizer", "SearchOptions", "Uniform"]
