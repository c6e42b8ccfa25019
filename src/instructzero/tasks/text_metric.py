"""Metrics that compare the normal form of a prediction with the normal form of an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from instructzero.tasks.answers.forms import forms
from instructzero.tasks.answers.text import normal_form, plain, readings, sentences
from instructzero.tasks.metric import Metric


@dataclass(frozen=True)
class TextMetric(Metric):
    """Scores by ``compare(reading, answer)``, a function of two normal forms; the best reading counts.

    The prediction is read as it is and out of its wrapping (`tasks.answers.forms.forms`).

    >>> TextMetric("same_length", lambda said, answer: float(len(said) == len(answer)))("Rome!", ["lion"])
    1.0
    """

    compare: Callable[[str, str], float]

    def score(self, prediction: str, answer: str) -> float:
        """Return the best score over the readings of ``prediction``."""
        best = 0.0
        for form in forms(prediction):
            best = max(best, self._of_form(form, answer))
            if best == 1.0:
                break
        return best

    def _of_form(self, form: str, answer: str) -> float:
        if not sentences(answer):  # punctuation only, or empty
            return self.compare(plain(form), plain(answer))
        target = normal_form(answer)
        return max(self.compare(reading, target) for reading in readings(form, answer))


def same_text(said: str, answer: str) -> float:
    """Return 1 if two normal forms are equal, else 0."""
    return float(said == answer)


EXACT_MATCH = TextMetric("exact_match", same_text)
"""The comparison that numeric, choice and regex use where they have to compare whole answers."""
