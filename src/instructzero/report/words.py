"""What the numbers say, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instructzero.optimizers.registry import stops_early
from instructzero.records.result import RIVALS
from instructzero.report.source import Record, Source
from instructzero.search.finale import contenders_of
from instructzero.search.loop import is_exhausted, nothing_better


def verdict(source: Source) -> str:
    """Whether the search found something better than the plain instruction, in one sentence."""
    result = source.result
    if result is None:
        return "This run has not ended yet: what follows are the results of the search so far, without a test."
    test = result["comparisons"].get("plain")
    if test is None:
        return "The search found no instruction that is better than the plain one."
    by, unseen = f"{abs(test['difference']):.3f}", "on examples it never saw"
    if test["low"] > 0:
        return f"The search found an instruction that scores {by} more than the plain one {unseen}."
    if test["high"] < 0:
        return f"The instruction that the search found scores {by} less than the plain one {unseen}."
    return (
        f"The search found an instruction, but {unseen} its difference to the plain one "
        f"({test['difference']:+.3f}) is within noise."
    )


def comparisons(source: Source, examples: Record) -> list[str]:
    """Each paired test, and on how many examples which of the two was better."""
    result = source.result
    if result is None:
        return []
    duels: Record = next((part["duels"] for part in examples["parts"] if part["name"] == "test"), {})
    return [
        _comparison(RIVALS[name], test, int(result["test_examples"]), duels.get(name))
        for name, test in result["comparisons"].items()
    ]


def _comparison(rival: str, test: Mapping[str, float], count: int, duel: Mapping[str, int] | None) -> str:
    counts = (
        f" It is better on {duel['wins']:,} of these, worse on {duel['losses']:,} and the same on {duel['ties']:,}."
        if duel
        else ""
    )
    return (
        f"Against {rival}, on the same {count:,} test examples: {test['difference']:+.3f}, 95 % interval "
        f"{test['low']:+.3f} to {test['high']:+.3f}. {_likeliness(test['p_value'])} (paired sign-flip test, "
        f"p = {test['p_value']:.2g}).{counts}"
    )


def _likeliness(p_value: float) -> str:
    if p_value < 0.001:
        return "Were both equally good, a difference this large would hardly ever occur"
    if p_value > 0.999:
        return "Were both equally good, a difference this large would always occur"
    return f"Were both equally good, a difference this large would occur {100 * p_value:.2g} times in 100"


def ending(source: Source) -> str:
    """How much was done of what was asked, and why no more."""
    done, asked = len(source.history.trials), source.settings.evaluations
    if done >= asked:
        return f"All {asked:,} evaluations were made."
    made = f"{done:,} of {asked:,} evaluations were made"
    if source.result is None:
        return f"{made} so far."
    if is_exhausted(source.history.rounds):
        return f"{made}: the writer had nothing new to say."
    if reason := _nothing_better(source, source.result):
        return f"{made}: {reason}."
    return f"{made}: a limit of calls, tokens, dollars or time was reached."


def _nothing_better(source: Source, result: Mapping[str, Any]) -> str | None:
    """Why the search stopped early, where it did and no limit came before the end of its last round."""
    if not stops_early(source.settings) or source.history.pending:
        return None
    contenders = contenders_of(source.settings.finalists, result["confirmation_examples"])
    return nothing_better(source.history.trials, source.objective, result["validation_examples"], contenders)


def warnings(source: Source) -> list[str]:
    return [] if source.result is None else list(source.result["warnings"])


def reproduction(settings: Mapping[str, Any]) -> str:
    """How to have the run again; a command follows where one can do it."""
    objects = [name for name in ("writer", "blackbox") if str(settings[name]).startswith("object:")]
    if not objects:
        return "From the directory of this report:"
    return (
        f"The {' and the '.join(objects)} of this run {'was a' if len(objects) == 1 else 'were'} Python "
        f"object{'s' if len(objects) > 1 else ''}: call instructzero.optimize with the same arguments again."
    )
