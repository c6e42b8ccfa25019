"""The text that a regular expression extracts from the prediction is the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from instructzero.errors import TaskError
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH


@dataclass(frozen=True)
class RegexMetric(Metric):
    """Compares the first match of ``pattern`` in the whole prediction (group 1 if the pattern has one) with the answer.

    The comparison is that of ``exact_match``. A prediction without a match scores 0.

    >>> RegexMetric("regex", re.compile("#### (.+)"))("3 and 4 make 7. #### 7", ["7"])
    1.0
    """

    pattern: re.Pattern[str]

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if the extracted text equals ``answer``, else 0."""
        found = self.pattern.search(prediction)
        extracted = found and found[1 if self.pattern.groups else 0]
        return 0.0 if extracted is None else EXACT_MATCH.score(extracted, answer)


def _parse(spec: str, parameter: str) -> RegexMetric:
    if not parameter:
        raise TaskError(f"metric {spec!r}: expected a pattern, such as 'regex:answer is (.+)', got none")
    try:
        return RegexMetric(spec, re.compile(parameter))
    except (re.error, OverflowError, RecursionError) as error:
        raise TaskError(f"metric {spec!r}: expected a regular expression of Python, got {error}") from None


METRIC = MetricKind("regex:PATTERN", "the text that the pattern extracts from the prediction equals the answer", _parse)
