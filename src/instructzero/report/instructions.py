"""The table of all scored instructions, the best first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from instructzero.records.uncertainty import score_interval, score_interval_method
from instructzero.report.source import Record, Source
from instructzero.statistics import Interval
from instructzero.types import Evaluation, Trial

MAX_BOOTSTRAPS = 500
"""The maximum number of bootstrap intervals, each of which takes some milliseconds. The best instructions get them."""


def rows_of(source: Source) -> list[Record]:
    """Return the rows of the table, in the order of `Source.ranked`.

    ``evaluation`` and ``round`` are the first in which the instruction was scored, None if it was never proposed.
    ``calls`` counts the black-box calls of its validation. ``written`` counts the soft prompts or rewrites that
    produced it.
    """
    trials: dict[str, list[Trial]] = defaultdict(list)
    for trial in source.history.trials:
        trials[trial.instruction].append(trial)
    written = Counter(candidate.instruction for _, candidate in source.candidates)
    roles = _roles(source)
    intervals = _intervals([source.known[text] for text in source.ranked])
    return [
        {
            "text": text,
            **_scored(source, text, interval),
            **_proposed(trials[text]),
            "calls": _calls(source, text, trials[text]),
            "written": written[text],
            "roles": roles.get(text, []),
        }
        for text, interval in zip(source.ranked, intervals, strict=True)
    ]


def numbers_of(rows: Sequence[Record]) -> dict[str, int]:
    """Return the row number of every instruction."""
    return {row["text"]: number for number, row in enumerate(rows)}


def interval_record(interval: Interval | None) -> list[float] | None:
    """Return the two ends of an interval as JSON can hold them."""
    return None if interval is None else [interval.low, interval.high]


def _roles(source: Source) -> Mapping[str, list[str]]:
    roles: dict[str, list[str]] = defaultdict(list)
    if source.best is not None:
        roles[source.best].append("best")
    for role, text in source.references.items():
        roles[text].append(role)
    return roles


def _scored(source: Source, text: str, interval: Interval | None) -> Record:
    evaluation, history = source.known[text], source.history
    confirmed, tested = history.confirmations.get(text), history.tests.get(text)
    return {
        "score": evaluation.score,
        "value": source.value(text),
        "interval": interval_record(interval),
        "examples": len(evaluation.scores),
        "confirmation": confirmed.score if confirmed else None,
        "test": tested.score if tested else None,
    }


def _proposed(trials: Sequence[Trial]) -> Record:
    return {
        "evaluation": trials[0].number + 1 if trials else None,
        "round": trials[0].round if trials else None,
        "times": len(trials),
    }


def _calls(source: Source, text: str, trials: Sequence[Trial]) -> int:
    """Count the black-box calls that scored an instruction. A repeated proposal reuses its results at no cost."""
    history = source.history
    usages = [trial.evaluation.usage for trial in trials]
    usages += [history.plain[1].usage] if history.plain and history.plain[0].instruction == text else []
    usages += [history.baseline[1].usage] if history.baseline and history.baseline[0] == text else []
    return sum(usage.calls for usage in usages)


def _intervals(evaluations: Sequence[Evaluation]) -> list[Interval | None]:
    """Return the 95 % intervals; None for bootstraps beyond the first `MAX_BOOTSTRAPS`. Equal scores share one."""
    known: dict[object, Interval] = {}
    intervals: list[Interval | None] = []
    for evaluation in evaluations:
        key = tuple(sorted(evaluation.scores)) if evaluation.outcomes is None else evaluation.outcomes
        if key not in known and (score_interval_method(evaluation) == "Wilson" or len(known) < MAX_BOOTSTRAPS):
            known[key] = score_interval(evaluation)
        intervals.append(known.get(key))
    return intervals
