"""instructzero finds the best instruction for a black-box LLM.

>>> import instructzero
>>> result = instructzero.optimize("antonyms", evaluations=50)  # doctest: +SKIP
>>> print(result.instruction, result.test_score)                # doctest: +SKIP

Names are loaded on first access, so that the import of the package takes no time.
"""

from __future__ import annotations

import importlib
import threading

__version__ = "0.1.0"

TYPE_CHECKING = False  # a type checker takes it for true; to import it from typing takes longer than all the rest

if TYPE_CHECKING:
    from typing import Any

    from instructzero.api import aoptimize, optimize, resume
    from instructzero.config import Settings
    from instructzero.errors import (
        BudgetExhausted,
        ConfigurationError,
        EndpointError,
        InstructZeroError,
        ModelError,
        RunDirectoryError,
        TaskError,
        UserError,
    )
    from instructzero.optimizers import InstructZero, Optimizer, Uniform
    from instructzero.protocols import BlackBox, SoftPromptModel
    from instructzero.records.observers import Observer
    from instructzero.records.result import Result, Scored
    from instructzero.tasks import Task
    from instructzero.types import (
        Candidate,
        Completion,
        Evaluation,
        Example,
        Message,
        Proposal,
        Request,
        Rewrite,
        Trial,
        Usage,
        Writing,
    )

_HOMES = {
    "instructzero.api": ("aoptimize", "optimize", "resume"),
    "instructzero.config": ("Settings",),
    "instructzero.errors": (
        "BudgetExhausted",
        "ConfigurationError",
        "EndpointError",
        "InstructZeroError",
        "ModelError",
        "RunDirectoryError",
        "TaskError",
        "UserError",
    ),
    "instructzero.protocols": ("BlackBox", "SoftPromptModel"),
    "instructzero.records.observers": ("Observer",),
    "instructzero.optimizers": ("InstructZero", "Optimizer", "Uniform"),
    "instructzero.records.result": ("Result", "Scored"),
    "instructzero.tasks": ("Task",),
    "instructzero.types": (
        "Candidate",
        "Completion",
        "Evaluation",
        "Example",
        "Message",
        "Proposal",
        "Request",
        "Rewrite",
        "Trial",
        "Usage",
        "Writing",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BlackBox",
    "BudgetExhausted",
    "Candidate",
    "Completion",
    "ConfigurationError",
    "EndpointError",
    "Evaluation",
    "Example",
    "InstructZero",
    "InstructZeroError",
    "Message",
    "ModelError",
    "Observer",
    "Optimizer",
    "Proposal",
    "Request",
    "Result",
    "Rewrite",
    "RunDirectoryError",
    "Scored",
    "Settings",
    "SoftPromptModel",
    "Task",
    "TaskError",
    "Trial",
    "Uniform",
    "Usage",
    "UserError",
    "Writing",
    "aoptimize",
    "optimize",
    "resume",
]


_importing = threading.RLock()  # libraries whose modules import each other may fail if two threads import them at once


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'instructzero' has no attribute {name!r}")
    with _importing:
        return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
