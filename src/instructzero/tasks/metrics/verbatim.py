"""The same characters: case, punctuation and signs count."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from instructzero.tasks.answers.forms import forms
from instructzero.tasks.metric import Metric, MetricKind


@dataclass(frozen=True)
class VerbatimMetric(Metric):
    r"""Scores 1 if the prediction, as it is or out of its wrapping, is the answer to the character.

    Only white space around it, the form of line ends and that of accents do not count.

    >>> metric = VerbatimMetric("verbatim")
    >>> metric("C#\r\n", ["C#"]), metric("C", ["C#"]), metric("c#", ["C#"])
    (1.0, 0.0, 0.0)
    """

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if a form of ``prediction`` equals ``answer``, else 0."""
        target = _comparable(answer)
        return float(any(_comparable(form) == target for form in forms(prediction)))


def _comparable(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip().replace("\r\n", "\n").replace("\r", "\n"))


METRIC = MetricKind.of(VerbatimMetric("verbatim"), "prediction and answer are equal to the character")
