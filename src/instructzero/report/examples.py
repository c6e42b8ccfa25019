"""The scores and answers of the best instructions, example by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from instructzero.report.source import Record, Source
from instructzero.types import Evaluation, Example

MAX_EXAMPLES = 400
"""The maximum number of examples shown per part. Examples on which the instructions differ take precedence."""

MAX_ROWS = 15
"""The maximum number of instructions whose answers are shown, in addition to the best one and the references."""


def examples_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """Return the scores and answers of the best instructions on every example, for each part of the data.

    ``rows[i]["scores"][j]`` and ``rows[i]["answers"][j]`` belong to ``examples[j]``. They are None if the instruction
    was not scored on that example. ``rows[i]["remarks"][j]`` is the remark of the metric about that answer, "" without
    one; the list is empty if the metric made none. ``duels`` count, for every reference instruction, the examples on
    which the best instruction scored higher, lower and the same.
    """
    history, task = source.history, source.task
    known = {
        "test": history.tests,
        "confirmation": history.confirmations,
        "validation": {text: source.known[text] for text in source.ranked},
    }
    parts: list[Record] = []
    for name, evaluations in known.items():
        if evaluations and source.best in evaluations:
            examples = getattr(task, name) if task is not None else ()
            parts.append(_part(source, name, evaluations, examples, numbers))
    return {"parts": parts, "note": source.missing}


def _part(
    source: Source,
    name: str,
    evaluations: Mapping[str, Evaluation],
    examples: Sequence[Example],
    numbers: Mapping[str, int],
) -> Record:
    texts = _texts(source, evaluations)
    chosen = [evaluations[text] for text in texts]
    shown = _shown(chosen)
    return {
        "name": name,
        "examples": [_example(place, examples) for place in shown],
        "left_out": len(chosen[0].scores) - len(shown),
        "rows": [
            {"row": numbers[text], **_results(evaluation, shown)}
            for text, evaluation in zip(texts, chosen, strict=True)
        ],
        "duels": {
            role: _duel(chosen[0].scores, evaluations[text].scores)
            for role, text in source.references.items()
            if text != source.best and text in evaluations
        },
    }


def _texts(source: Source, evaluations: Mapping[str, Evaluation]) -> list[str]:
    """Return the best instruction, then the references, then the next best instructions."""
    first = [text for text in (source.best, *source.references.values()) if text in evaluations]
    others = [text for text in source.ranked if text in evaluations][:MAX_ROWS]
    return list(dict.fromkeys([*(text for text in first if text is not None), *others]))


def _shown(evaluations: Sequence[Evaluation]) -> list[int]:
    """Return the positions of the examples to show, in order."""
    best, rivals = evaluations[0].scores, evaluations[1:]

    def differs(place: int) -> bool:
        return any(place < len(rival.scores) and rival.scores[place] != best[place] for rival in rivals)

    places = sorted(range(len(best)), key=lambda place: (not differs(place), place))
    return sorted(places[:MAX_EXAMPLES])


def _example(place: int, examples: Sequence[Example]) -> Record:
    found = examples[place] if place < len(examples) else None
    return {
        "number": place + 1,
        "input": found.input if found else None,
        "outputs": list(found.outputs) if found else None,
    }


def _results(evaluation: Evaluation, shown: Sequence[int]) -> Record:
    count = len(evaluation.scores)
    return {
        "scores": [evaluation.scores[place] if place < count else None for place in shown],
        "answers": [evaluation.predictions[place] if place < count else None for place in shown],
        "remarks": [evaluation.remarks[place] if place < count else "" for place in shown if evaluation.remarks],
    }


def _duel(best: Sequence[float], rival: Sequence[float]) -> Record:
    """Count the examples on which the first scores higher, lower and the same."""
    pairs = list(zip(best, rival, strict=False))
    return {
        "wins": sum(mine > theirs for mine, theirs in pairs),
        "losses": sum(mine < theirs for mine, theirs in pairs),
        "ties": sum(mine == theirs for mine, theirs in pairs),
    }
