"""What a check finds, and its line on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from instructzero.errors import shortened
from instructzero.terminal import write


class State(StrEnum):
    """The state of a finding, as it is printed."""

    OK = "ok"
    FAIL = "FAIL"
    NOTE = "note"
    """Nothing is broken, but the user should know it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Parameters
    ----------
    name
        What was checked.
    detail
        The result, in words.
    state
        The state.

    >>> print(Finding("black box, price", "not known", State.NOTE))
    note  black box, price: not known
    """

    name: str
    detail: str
    state: State = State.OK

    def __str__(self) -> str:
        return f"{self.state:<4}  {self.name}: {self.detail}"


def print_findings(findings: Iterable[Finding]) -> bool:
    """Print one line for each finding as soon as it is there; return True if no check failed."""
    passed = True
    for finding in findings:
        write(f"{shortened(' '.join(str(finding).splitlines()))}\n")
        passed = passed and finding.state is not State.FAIL
    return passed
