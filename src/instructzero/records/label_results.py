"""What a run says about labels: the score of always answering the commonest one, and the winner's confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from instructzero.tasks import Task, is_judged
from instructzero.tasks.classification.confusion import Confusion
from instructzero.tasks.classification.labels import label_counts, label_of
from instructzero.tasks.classification.objectives import confusion_of
from instructzero.tasks.custom import FunctionMetric
from instructzero.types import Evaluation, Example

SCORED_PARTS = ("validation", "confirmation", "test")
"""The parts of the data on which instructions are scored."""


@dataclass(frozen=True)
class LabelResults:
    """The results of a run whose answers are a few labels; empty for other tasks.

    Parameters
    ----------
    majority
        The score, by part of the data, of answering every question with the commonest label of that part.
    confusion
        The confusion matrix of the best instruction on the test examples.
    """

    majority: Mapping[str, float] = field(default_factory=dict)
    confusion: Confusion | None = None

    @classmethod
    def of(cls, task: Task, test: Evaluation | None = None) -> LabelResults:
        """Return those of a task, and of the best instruction's results on its test examples.

        A metric that is a Python function or a judge has no majority scores, because it may be costly to call.
        """
        everything = (*task.exemplars, *task.validation, *task.confirmation, *task.test)
        if not label_counts(everything):
            return cls()
        costly = is_judged(task.metric.name) or any(
            isinstance(part, FunctionMetric) for part in task.metric.parts.values()
        )
        parts: dict[str, Sequence[Example]] = {part: getattr(task, part) for part in SCORED_PARTS}
        return cls(
            {} if costly else {part: _majority(task, examples) for part, examples in parts.items() if examples},
            None if test is None else confusion_of(test.predictions, task.test, everything),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON content; each row of ``counts`` ends with the answers that name no label."""
        confusion = self.confusion
        return {
            "majority_scores": dict(self.majority),
            "classes": [asdict(scores) for scores in confusion.classes()] if confusion else [],
            "confusion": {"labels": list(confusion.labels), "counts": [list(row) for row in confusion.counts]}
            if confusion
            else None,
        }


def _majority(task: Task, examples: Sequence[Example]) -> float:
    """Return the score of one answer to all ``examples``: their commonest label."""
    counts = label_counts(examples) or {label_of(example): 1 for example in examples}
    commonest = next(iter(counts))
    answer = next(example.outputs[0] for example in examples if label_of(example) == commonest)
    scores = tuple(task.metric.grade(answer, example).score for example in examples)
    predictions = (answer,) * len(examples)
    return Evaluation(scores, predictions, outcomes=task.metric.outcomes(predictions, examples)).score
