"""The sentences of the report: verdict, comparisons, warnings, and why the search stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instructzero.optimizers.registry import recorded_method, stops_early
from instructzero.records.result import REFERENCES
from instructzero.report.source import Record, Source
from instructzero.search.finale import contender_count
from instructzero.search.stopping import EXHAUSTED, is_exhausted, nothing_better


def verdict(source: Source) -> str:
    """Return one sentence on whether the search found something better than the user's or the plain instruction."""
    result = source.result
    if result is None:
        return (
            "This run has not finished yet. The results below are those of the search so far, without the final test."
        )
    if result.get("verdict"):
        return str(result["verdict"])
    test = result.get("comparisons", {}).get("plain")
    if test is None:
        return "The search found no instruction better than the plain instruction."
    by, unseen = f"{abs(test['difference']):.3f}", "on unseen test examples"
    if test["low"] > 0:
        return f"The search found an instruction that scores {by} higher than the plain instruction {unseen}."
    if test["high"] < 0:
        return f"The search found an instruction that scores {by} lower than the plain instruction {unseen}."
    return (
        f"The search found an instruction, but {unseen} its difference from the plain instruction "
        f"({test['difference']:+.3f}) is within noise."
    )


def comparisons(source: Source, examples: Record) -> list[str]:
    """Return one statement per paired test, with the counts of examples on which each instruction was better."""
    result = source.result
    if result is None:
        return []
    duels: Record = next((part["duels"] for part in examples["parts"] if part["name"] == "test"), {})
    return [
        _comparison(REFERENCES[name], test, int(result.get("test_examples", 0)), duels.get(name))
        for name, test in result.get("comparisons", {}).items()
    ]


def _comparison(rival: str, test: Mapping[str, float], count: int, duel: Mapping[str, int] | None) -> str:
    counts = (
        f" It scores higher on {duel['wins']:,} of these examples, lower on {duel['losses']:,} and the same on "
        f"{duel['ties']:,}."
        if duel
        else ""
    )
    return (
        f"Best instruction compared with {rival}, on the same {count:,} test examples: difference "
        f"{test['difference']:+.3f}, 95 % interval {test['low']:+.3f} to {test['high']:+.3f}. "
        f"{_likeliness(test['p_value'])} (paired sign-flip test, p = {test['p_value']:.2g}).{counts}"
    )


def _likeliness(p_value: float) -> str:
    premise = "If both were equally good, a difference at least this large would"
    if p_value < 0.001:
        return f"{premise} almost never occur"
    if p_value > 0.999:
        return f"{premise} always occur"
    return f"{premise} occur {100 * p_value:.2g} times in 100"


def ending(source: Source) -> str:
    """Return the number of evaluations made, and the reason if they are fewer than planned."""
    done, planned = len(source.history.trials), source.settings.evaluations
    if done >= planned:
        return f"All {planned:,} evaluations were made."
    if source.result is None:
        return f"{done:,} of {planned:,} evaluations have been made so far."
    made = f"The search stopped early, after {done:,} of {planned:,} evaluations"
    if is_exhausted(source.history.rounds):
        return f"{made}: {EXHAUSTED}."
    if reason := _nothing_better(source, source.result):
        return f"{made}: {reason}."
    return f"{made}: a limit of calls, tokens, dollars or time was reached."


def _nothing_better(source: Source, result: Mapping[str, Any]) -> str | None:
    """Return the reason for an early stop, or None if a limit interrupted the last round or no early stop applies."""
    if not stops_early(source.settings, recorded_method) or source.history.pending:
        return None
    contenders = contender_count(source.settings.finalists, result.get("confirmation_examples", 0))
    return nothing_better(source.history.trials, source.objective, result.get("validation_examples", 0), contenders)


def warnings(source: Source) -> list[str]:
    """Return the warnings of the result, none while the run is in progress."""
    return [] if source.result is None else list(source.result.get("warnings", ()))


def reproduction(settings: Mapping[str, Any], *, rows: bool = False) -> str:
    """Return how to repeat the run, whose examples may be ``rows`` of Python.

    The sentence ends in a colon if a command can do it.
    """
    objects = [name for name in ("writer", "blackbox") if str(settings[name]).startswith("object:")]
    if rows:
        given = " and the ".join([*objects, "examples"])
        return f"The {given} of this run were given in Python. To repeat the run, start the same program again."
    if not objects:
        return "To repeat the run, enter this command in the directory of this report:"
    were = "was a Python object" if len(objects) == 1 else "were Python objects"
    return (
        f"The {' and the '.join(objects)} of this run {were}. To repeat the run, call instructzero.optimize with the "
        "same arguments again."
    )
