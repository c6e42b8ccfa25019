"""Search methods behind one protocol, by name."""

from __future__ import annotations

from instructzero.optimizers.base import Optimizer
from instructzero.optimizers.instructzero import InstructZero, PaperSettings
from instructzero.optimizers.uniform import Uniform

__all__ = ["InstructZero", "Optimizer", "PaperSettings", "Uniform"]
