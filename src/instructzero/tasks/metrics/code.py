"""The same code: case, signs and indentation count."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from instructzero.tasks.answers.fences import fenced
from instructzero.tasks.answers.forms import forms
from instructzero.tasks.metric import Metric, MetricKind


@dataclass(frozen=True)
class CodeMetric(Metric):
    r"""Scores 1 if the code in the prediction is the code of the answer, line by line.

    The code of a text is its first fenced block, with or without text around it; without a fence, the text as it is or
    out of its wrapping. White space at the ends of lines, blank lines at the start and the end, the form of line ends
    and indentation that all lines share do not count. All else does.

    >>> metric = CodeMetric("code")
    >>> metric("Like this:\n```sql\nSELECT a\n```\nIt lists a.", ["SELECT a"]), metric("select a", ["SELECT a"])
    (1.0, 0.0)
    """

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if a reading of ``prediction`` is the code of ``answer``, else 0."""
        target = _lines(next(iter(fenced(answer)), answer))
        blocks = fenced(prediction)
        readings = [prediction, *(blocks[:1] or _bare(prediction))]
        return float(any(_lines(reading) == target for reading in readings if reading.strip() or not target))


def _bare(prediction: str) -> list[str]:
    """Return the forms of ``prediction``, and those inside of a wrapping also without the full stop of a sentence."""
    whole, *inside = forms(prediction)
    return [whole, *inside, *(form.removesuffix(".") for form in inside)]


def _lines(code: str) -> list[str]:
    """Return the lines of ``code`` without what does not count."""
    lines = [line.rstrip() for line in textwrap.dedent("\n".join(code.splitlines())).split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


METRIC = MetricKind.of(CodeMetric("code"), "prediction and answer are the same code, out of a fence or not")
