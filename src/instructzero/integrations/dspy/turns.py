"""The turns of a compilation: each improves one predictor, in a run directory of its own, with a part of the limit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instructzero.calls.database import ReadOnly
from instructzero.calls.prices import cost_of
from instructzero.calls.store import CallStore
from instructzero.config import Settings
from instructzero.pricing import role_prices
from instructzero.records.directory import RunDirectory
from instructzero.records.result import Result
from instructzero.records.running_time import read_running_time
from instructzero.types import Usage

STORE = "calls.sqlite"


@dataclass(frozen=True)
class Turn:
    """One turn.

    Parameters
    ----------
    number
        Its number, from 1.
    predictor
        The name of the predictor whose instruction is improved.
    directory
        Its run directory.
    """

    number: int
    predictor: str
    directory: Path


@dataclass(frozen=True)
class Taken:
    """A turn that was taken: its result, None if the limit left no room for one, and the instruction before."""

    turn: Turn
    before: str
    result: Result | None

    @property
    def after(self) -> str:
        """The instruction that the predictor has after the turn."""
        return self.before if self.result is None else self.result.instruction

    @property
    def has_changed(self) -> bool:
        """True if the turn has found a better instruction."""
        return self.after != self.before


def turns_of(predictors: Sequence[str], rounds: int, out: Path) -> Iterator[Turn]:
    """Yield the turns in order: every predictor once in each round."""
    names = [predictor for _ in range(rounds) for predictor in predictors]
    for number, name in enumerate(names, start=1):
        yield Turn(number, name, out / f"{number}-{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}")


def part_of(limit: float, spent: float, turns_left: int) -> float:
    """Return the part of a limit that a turn may spend: what earlier turns have left, in equal parts.

    >>> part_of(100, 40, 2), part_of(100, 100, 1)
    (30.0, 0.0)
    """
    return max(0.0, (limit - spent) / turns_left)


LIMITS = ("max_calls", "max_tokens", "max_usd", "max_time")
"""The settings that limit all turns together."""


def spent_by(store: Path, turns: Sequence[Turn], settings: Settings) -> dict[str, float]:
    """Return what earlier turns have taken of each of `LIMITS`, with the calls whose answers were lost."""
    names = {name for turn in turns if (name := RunDirectory(turn.directory).read_name())}
    paid = _paid(store, names) if names and store.exists() else []
    usages = [usage for roles in paid for usage in roles.values()]
    prices = role_prices(settings)
    return {
        "max_calls": sum(usage.calls for usage in usages),
        "max_tokens": sum(usage.tokens for usage in usages),
        "max_usd": sum(cost_of(roles, prices) or 0.0 for roles in paid),
        "max_time": sum(read_running_time(turn.directory) for turn in turns),
    }


def _paid(store: Path, names: Collection[str]) -> list[Mapping[str, Usage]]:
    with CallStore(ReadOnly(store)) as opened:
        return [opened.spent(name) for name in names]
