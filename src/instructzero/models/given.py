"""Models that a caller gives as Python objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from instructzero.models.callable import CallableBlackBox
from instructzero.models.dspy import DSPyBlackBox, is_dspy_lm
from instructzero.protocols import BlackBox


def as_blackbox(model: BlackBox | Callable[[str], str] | Any) -> BlackBox:
    """Return the black box that an object is: a function from prompt to answer, a ``dspy.LM``, or a black box itself.

    >>> as_blackbox(str.upper).identity["backend"]
    'python'
    """
    if is_dspy_lm(model):
        return DSPyBlackBox(model)
    if callable(model):
        return CallableBlackBox(model, getattr(model, "__qualname__", "function"))
    return cast(BlackBox, model)
