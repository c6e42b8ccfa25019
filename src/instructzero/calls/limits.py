"""The limits of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from instructzero.errors import ConfigurationError

FLAGS = {"calls": "--max-calls", "usd": "--max-usd", "tokens": "--max-tokens", "seconds": "--max-time"}
"""The flag of each limit."""


def amount(name: str, value: float) -> str:
    """Return a value of the limit ``name`` with its unit, with up to six decimal places.

    >>> amount("usd", 1.5), amount("seconds", 90.0)
    ('$1.5', '90 seconds')
    """
    number = f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"${number}" if name == "usd" else f"{number} {name}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum that a run may spend over all its roles; None is no limit.

    Parameters
    ----------
    calls
        Requests.
    usd
        Dollars.
    tokens
        Tokens of prompts and answers together.
    seconds
        Seconds of running time, over all processes of the run.

    Raises
    ------
    ConfigurationError
        If a limit is not above 0.
    """

    calls: int | None = None
    usd: float | None = None
    tokens: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, flag in FLAGS.items():
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigurationError(f"expected {flag} above 0, got {value}; raise it, or leave it out")
