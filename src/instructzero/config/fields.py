"""The metadata of a setting: its help text, its section of the help, and the form of its value."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field
from pydantic.config import JsonDict


class Panel(StrEnum):
    """The sections of the settings."""

    TASK = "Task"
    WRITER = "Writer"
    BLACK_BOX = "Black box"
    SCORING = "Scoring"
    BUDGET = "Budget"
    SEARCH = "Search"
    HARDWARE = "Hardware"
    PARTS = "Parts of the search"


Count = Annotated[int, Field(gt=0, lt=2**53)]
"""A positive integer that a float stands for exactly."""

LONGEST_S = 1e8
"""The longest time in seconds, three years; clocks of the system and of libraries do not take any number."""


def option(
    panel: Panel,
    description: str,
    *,
    form: str | None = None,
    operational: bool = False,
    text: bool = False,
    **constraints: Any,
) -> Any:
    """Return the field of a setting.

    Parameters
    ----------
    panel
        Section of the help.
    description
        Help text of the flag.
    form
        Form of the value in the help, such as ``"SECONDS"``. The default follows from the type.
    operational
        True if a run may be resumed with another value: the setting changes the speed or the patience of a run, not
        its result.
    text
        True if the value may be the path of a file with the text; see `instructzero.config.texts`.
    constraints
        Constraints of pydantic, such as ``gt=0``.
    """
    extra: JsonDict = {"panel": panel.value, "operational": operational, "form": form, "text": text}
    return Field(description=description, json_schema_extra=extra, **constraints)


def part(description: str, **constraints: Any) -> Any:
    """Return the field of a part of the search; where it is not set, the method decides."""
    return option(Panel.PARTS, f"{description} (default: the method's own)", **constraints)
