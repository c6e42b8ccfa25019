"""The failures of the best instruction, example by example, and what it gets right that the references do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from instructzero.optimizers.reflection import PROBLEMS
from instructzero.report.source import Record, Source
from instructzero.tasks.classification.labels import label_counts
from instructzero.tasks.classification.objectives import pair_of
from instructzero.tasks.metrics.choice import ChoiceMetric
from instructzero.types import Evaluation, Example

MAX_FAILURES = 25
"""The maximum number of examples in one table."""

REFERENCES = ("plain", "baseline", "start")
"""The references whose answers are shown beside those of the best instruction."""

Why = Callable[[Evaluation, int], str]
"""A function (evaluation, position) -> the reason why the answer at this position is not fully correct."""


def failures_of(source: Source) -> list[Record]:
    """Return the failures of the best instruction for each part of the data on which it was scored.

    An answer is right if its score is 1. ``right`` counts the right answers of the best instruction. ``duels`` count,
    for each reference, the examples that both got right, one of the two, or neither. ``failures`` are examples that the
    best instruction did not get right: first those that a reference got right, then those of the lowest scores.
    ``gains`` are those that the best instruction got right and a reference did not. Both are cut to `MAX_FAILURES`;
    ``failed`` and ``gained`` are their full numbers.
    """
    history, task = source.history, source.task
    known = {"test": history.tests, "confirmation": history.confirmations, "validation": source.known}
    found = []
    for name, evaluations in known.items():
        if source.best in evaluations:
            examples = tuple(getattr(task, name)) if task is not None else ()
            found.append(_part(source, name, evaluations, examples))
    return found


def _part(source: Source, name: str, evaluations: Mapping[str, Evaluation], examples: Sequence[Example]) -> Record:
    best = evaluations[source.best or ""]
    rivals = {
        role: evaluations[text]
        for role, text in source.references.items()
        if role in REFERENCES and text != source.best and text in evaluations
    }
    places = range(len(best.scores))
    failed = [place for place in places if not _is_right(best, place)]
    gained = [
        place
        for place in places
        if _is_right(best, place) and any(_is_wrong(rival, place) for rival in rivals.values())
    ]
    failed.sort(
        key=lambda place: (not any(_is_right(one, place) for one in rivals.values()), best.scores[place], place)
    )
    record = partial(_example, best=best, rivals=rivals, examples=examples, why=_reasons(source, examples))
    return {
        "name": name,
        "examples": len(best.scores),
        "right": len(best.scores) - len(failed),
        "duels": {role: _duel(best, rival) for role, rival in rivals.items()},
        "failures": [record(place) for place in failed[:MAX_FAILURES]],
        "failed": len(failed),
        "gains": [record(place) for place in gained[:MAX_FAILURES]],
        "gained": len(gained),
    }


def _is_right(evaluation: Evaluation, place: int) -> bool:
    return place < len(evaluation.scores) and evaluation.scores[place] >= 1


def _is_wrong(evaluation: Evaluation, place: int) -> bool:
    """Return True if the example was scored, and its answer is not right."""
    return place < len(evaluation.scores) and evaluation.scores[place] < 1


def _duel(best: Evaluation, rival: Evaluation) -> Record:
    both = [(_is_right(best, place), _is_right(rival, place)) for place in range(len(rival.scores))]
    names = {"both": (True, True), "best": (True, False), "rival": (False, True), "neither": (False, False)}
    return {name: both.count(pair) for name, pair in names.items()}


def _example(
    place: int, *, best: Evaluation, rivals: Mapping[str, Evaluation], examples: Sequence[Example], why: Why
) -> Record:
    found = examples[place] if place < len(examples) else None
    return {
        "number": place + 1,
        "input": found.input if found else None,
        "expected": list(found.outputs) if found else None,
        "best": _answer(best, place, why),
        **{role: _answer(rival, place, why) for role, rival in rivals.items()},
    }


def _answer(evaluation: Evaluation, place: int, why: Why) -> Record | None:
    if place >= len(evaluation.scores):
        return None
    return {
        "given": evaluation.predictions[place],
        "score": evaluation.scores[place],
        "why": "" if _is_right(evaluation, place) else why(evaluation, place),
    }


def _reasons(source: Source, examples: Sequence[Example]) -> Why:
    """Return the function that says why an answer is not right: by the metric, by how it ended, or by its label."""
    task = source.task
    everything = () if task is None else (*task.exemplars, *task.validation, *task.confirmation, *task.test)
    has_labels = source.settings.scoring != "loglikelihood" and bool(label_counts(everything))
    choice = ChoiceMetric("choice").bind(everything) if has_labels else None

    def why(evaluation: Evaluation, place: int) -> str:
        if evaluation.remarks and evaluation.remarks[place]:
            return evaluation.remarks[place]
        for one in evaluation.incomplete:
            if one.position == place:
                return ": ".join(filter(None, [PROBLEMS.get(one.finish, one.finish.value), one.reason]))
        if evaluation.scores[place] > 0:
            return "partly correct"
        if choice is None or place >= len(examples):
            return "the metric does not accept it"
        said = pair_of(choice, evaluation.predictions[place], examples[place])[1]
        return "it names no label, or several" if said is None else f"it names the label “{said}”"

    return why
