"""The results by label: the score of the commonest label, and how the instructions do on each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from instructzero.records.label_results import LabelResults
from instructzero.report.failures import REFERENCES
from instructzero.report.source import Record, Source
from instructzero.tasks.classification.confusion import Confusion
from instructzero.tasks.classification.labels import label_counts
from instructzero.tasks.classification.objectives import confusion_of
from instructzero.types import Evaluation, Example

MAX_CONFUSIONS = 10
"""The maximum number of confusions listed, the most common ones."""


def labels_of(source: Source) -> Record:
    """Return the results by label as in ``result.json``, or an empty dict if the answers are not a few labels.

    While the run is in progress there are only the scores of the commonest label.
    """
    if source.result is not None:
        found = {name: source.result.get(name) for name in ("majority_scores", "classes", "confusion")}
    elif source.task is not None and source.settings.scoring != "loglikelihood":
        found = LabelResults.of(source.task).to_dict()
    else:
        return {}
    return found if found["majority_scores"] or found["classes"] else {}


def label_parts_of(source: Source) -> list[Record]:
    """Return the results by label for each part of the data on which the best instruction was scored.

    ``results`` has those of the best instruction and of the references on the same examples, by role: ``classes`` and
    ``confusion`` as in ``result.json``. ``confusions`` are the most common ones: the label of the example, the label
    that the answer names (None for none), and the ``counts`` by role. The list is empty if the answers are not a few
    labels, or the examples are not known.
    """
    task, history = source.task, source.history
    if task is None or source.settings.scoring == "loglikelihood":
        return []
    everything = (*task.exemplars, *task.validation, *task.confirmation, *task.test)
    if not label_counts(everything):
        return []
    known: dict[str, tuple[Mapping[str, Evaluation], Sequence[Example]]] = {
        "test": (history.tests, task.test),
        "confirmation": (history.confirmations, task.confirmation),
        "validation": (source.known, task.validation),
    }
    return [
        _part(name, _subjects(source, evaluations), examples, everything)
        for name, (evaluations, examples) in known.items()
        if source.best in evaluations
    ]


def _subjects(source: Source, evaluations: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """Return the results of the best instruction, and of the references that were scored on the same examples."""
    best = evaluations[source.best or ""]
    references = {
        role: evaluations[text]
        for role, text in source.references.items()
        if role in REFERENCES and text != source.best and text in evaluations
    }
    return {
        "best": best,
        **{role: found for role, found in references.items() if len(found.scores) == len(best.scores)},
    }


def _part(
    name: str, subjects: Mapping[str, Evaluation], examples: Sequence[Example], everything: Sequence[Example]
) -> Record:
    count = len(subjects["best"].scores)  # fewer than all while a race is on
    matrices = {
        role: confusion_of(evaluation.predictions, examples[:count], everything)
        for role, evaluation in subjects.items()
    }
    return {
        "name": name,
        "examples": count,
        "results": {
            role: {
                "classes": [asdict(scores) for scores in matrix.classes()],
                "confusion": {"labels": list(matrix.labels), "counts": [list(row) for row in matrix.counts]},
            }
            for role, matrix in matrices.items()
        },
        "confusions": _confusions(matrices),
    }


def _confusions(matrices: Mapping[str, Confusion]) -> list[Record]:
    """Return the pairs of different labels with their counts by role, those of the best instruction first."""
    counts: dict[tuple[str, str | None], dict[str, int]] = {}
    for role, matrix in matrices.items():
        for label, row in zip(matrix.labels, matrix.counts, strict=True):
            for said, count in zip((*matrix.labels, None), row, strict=True):
                if count and said != label:
                    counts.setdefault((label, said), dict.fromkeys(matrices, 0))[role] = count
    order = sorted(counts, key=lambda pair: (*(-count for count in counts[pair].values()), pair[0], pair[1] or ""))
    return [{"label": label, "said": said, "counts": counts[label, said]} for label, said in order[:MAX_CONFUSIONS]]
