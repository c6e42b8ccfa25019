"""The same items, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from instructzero.tasks.answers.forms import forms
from instructzero.tasks.answers.items import are_items_of, items_of, listings, separates_phrases
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH
from instructzero.types import Example


@dataclass(frozen=True)
class SetMetric(Metric):
    r"""Scores 1 if the prediction lists the items of the answer, each at least once, and nothing else.

    Commas, semicolons, lines, bullets, numbers, JSON lists and words such as "and" separate items. The words of an
    answer without separators are items of their own, as in the instruction-induction benchmark; where `bind` finds that
    the data separates items of several words, such an answer is one item.

    >>> SetMetric("exact_set")("- hot dog\n- ice cream", ["ice cream, hot dog"])
    1.0
    """

    separated: bool = False

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if a reading of ``prediction`` has the items of ``answer``, else 0."""
        if prediction.strip() == answer.strip():
            return 1.0
        items = items_of(answer, self.separated)
        if not items:
            return EXACT_MATCH.score(prediction, answer)
        return float(
            any(are_items_of(chunks, items) for form in forms(prediction) for chunks in listings(form, answer))
        )

    def bind(self, examples: Iterable[Example]) -> SetMetric:
        """Return this metric, knowing whether the accepted answers separate items of several words."""
        answers = (answer for example in examples for answer in example.outputs)
        return replace(self, separated=any(map(separates_phrases, answers)))


METRIC = MetricKind.of(SetMetric("exact_set"), "the same items occur, in any order")
