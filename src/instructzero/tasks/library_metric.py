"""Metrics of other libraries (extra ``text-metrics``). A library is imported when its metric is named."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from instructzero.errors import TaskError
from instructzero.tasks.answers.forms import forms, unwrapped
from instructzero.tasks.answers.scripts import units
from instructzero.tasks.answers.text import plain, words
from instructzero.tasks.metric import Metric, MetricKind

Compare = Callable[[str, str], float]
"""A function (prediction, answer) -> number of two texts that are not empty; numbers outside [0, 1] are clipped."""


@dataclass(frozen=True)
class LibraryMetric(Metric):
    """Scores by a function of a library, of the answer and the prediction out of its wrapping.

    If the answer has a wrapping of its own, the prediction is read with and without it. An empty text equals only an
    empty text.
    """

    compare: Compare

    def score(self, prediction: str, answer: str) -> float:
        """Return the best score of the forms of ``prediction``."""
        answer, readings = answer.strip(), forms(prediction)
        if answer in readings:
            return 1.0
        # The words of "The answer is" would count as right ones.
        kept = readings[-1:] if unwrapped(answer) == answer else readings
        return max(self._of_form(form, answer) for form in kept)

    def _of_form(self, form: str, answer: str) -> float:
        if not form or not answer:
            return 0.0
        return min(1.0, max(0.0, float(self.compare(form, answer))))


def library(spec: str, module: str, package: str) -> ModuleType:
    """Import the ``module`` of ``package`` for the metric ``spec``.

    Raises
    ------
    TaskError
        If the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise TaskError(
            f"metric {spec!r}: expected the package {package}, found none; "
            f"install it with pip install 'instructzero[text-metrics]', or choose another metric"
        ) from None


def rouge(name: str, summary: str) -> MetricKind:
    """Return the record of a variant of ROUGE: the F-measure of n-grams or of the longest common subsequence."""
    return MetricKind(name, summary, lambda spec, parameter: LibraryMetric(spec, _rouge(spec, name)))


def _rouge(spec: str, name: str) -> Compare:
    scorer = library(spec, "rouge_score.rouge_scorer", "rouge-score").RougeScorer([name], tokenizer=_Tokenizer())
    return lambda said, answer: float(scorer.score(answer, said)[name].fmeasure)


class _Tokenizer:
    """The words of a text in any script; the library's own tokenizer knows ASCII only."""

    def tokenize(self, text: str) -> list[str]:
        return tokens(text)


def tokens(text: str) -> list[str]:
    """Return the words of ``text`` without case and punctuation, or its signs if it has no words.

    In scripts without spaces, characters are words.
    """
    return units(words(text)) or plain(text).split()
