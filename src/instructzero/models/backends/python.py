"""Black boxes that are the user's Python functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.models.capabilities import REMOTE
from instructzero.models.registry import Backend, BlackBoxOptions, Role

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox


def _blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    from instructzero.models.callable import CallableBlackBox

    return CallableBlackBox.load(name, concurrency=options.concurrency)


BACKEND = Backend(
    form="python:module:function",
    capabilities=REMOTE,
    blackbox=Role("any function from prompt to answer, also asynchronous", _blackbox),
    refusal="a function takes text only",
)
