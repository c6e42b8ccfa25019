"""The page of the Python interface: the public names, whose docstrings mkdocstrings renders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import instructzero
from instructzero import _HOME_OF

_BEGIN = """\
# Python

This page lists the public names of the package. Everything that is not on it may change without notice.
[Run a search from Python](../how-to/python.md) shows how they are used.
"""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Functions": ("optimize", "aoptimize", "resume"),
    "Results": ("Result", "Scored", "Usage"),
    "Models of your own": ("BlackBox", "SoftPromptModel", "Message", "Request", "Completion", "Writing"),
    "Methods of your own": (
        *("Optimizer", "InstructZero", "Uniform", "Proposal", "Rewrite", "Candidate", "Trial", "Evaluation"),
    ),
    "Tasks and settings": ("Task", "Example", "Settings"),
    "Progress": ("Observer",),
    "Errors": (
        *("InstructZeroError", "UserError", "ConfigurationError", "TaskError", "RunDirectoryError"),
        *("ModelError", "EndpointError", "BudgetExhausted"),
    ),
}
"""The public names of the package, in the order of the page."""

TESTING = ("Endpoint", "Reply", "Fault", "Faults")


def page() -> str:
    """Return the page as Markdown.

    Raises
    ------
    ValueError
        If a public name is missing, or one is not public.
    """
    named = {name for names in GROUPS.values() for name in names}
    if named != set(instructzero.__all__):
        raise ValueError(f"expected the public names, got others: {named ^ set(instructzero.__all__)}; edit GROUPS")
    return "\n".join([_BEGIN, *_groups(), *_dspy(), *_testing()])


def _groups() -> Iterator[str]:
    for title, names in GROUPS.items():
        yield f"## {title}\n"
        for name in names:
            yield from _entry(f"instructzero.{name}", f"{_HOME_OF[name]}.{name}")


def _dspy() -> Iterator[str]:
    yield "## `instructzero.integrations.dspy` { #dspy }\n"
    yield "An optimiser for DSPy programs (extra `dspy`): see [Optimise a DSPy program](../how-to/dspy.md).\n"
    yield from _entry("instructzero.integrations.dspy.InstructZero", "instructzero.integrations.dspy.InstructZero")


def _testing() -> Iterator[str]:
    yield "## `instructzero.testing` { #testing }\n"
    yield "A test endpoint on this machine, for tests of clients and to try a command without an account.\n"
    for name in TESTING:
        yield from _entry(f"instructzero.testing.{name}", f"instructzero.testing.{name}")


def _entry(shown: str, path: str) -> Iterator[str]:
    yield f"### `{shown}` {{ #{shown} }}\n"
    yield f"::: {path}\n"
