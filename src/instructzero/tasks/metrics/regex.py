"""The text that a regular expression extracts from the prediction is the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from instructzero.errors import TaskError
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH


@dataclass(frozen=True)
class RegexMetric(Metric):
    """Compares what ``pattern`` extracts from the prediction with what it extracts from the answer.

    The text of a match is that of group 1 if the pattern has a group. Of a prediction the first match counts, and
    without a match it scores 0. Of an answer the match of the whole counts, else the first match; an answer without a
    match counts as it is. The texts are compared as by ``exact_match``.

    >>> metric = RegexMetric("regex", re.compile("#### (.+)"))
    >>> metric("3 and 4 make 7. #### 7", ["7"]), metric("#### 7", ["4 + 3 = 7 #### 7"])
    (1.0, 1.0)
    """

    pattern: re.Pattern[str]

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if the extracted texts are equal, else 0."""
        said = self._text(self.pattern.search(prediction))
        if said is None:
            return 0.0
        accepted = self._text(self.pattern.fullmatch(answer) or self.pattern.search(answer))
        return EXACT_MATCH.score(said, accepted or answer)

    def _text(self, found: re.Match[str] | None) -> str | None:
        return found and found[1 if self.pattern.groups else 0]


def _parse(spec: str, parameter: str) -> RegexMetric:
    if not parameter:
        raise TaskError(f"metric {spec!r}: expected a pattern, such as 'regex:answer is (.+)', got none")
    try:
        return RegexMetric(spec, re.compile(parameter))
    except (re.error, OverflowError, RecursionError) as error:
        raise TaskError(f"metric {spec!r}: expected a regular expression of Python, got {error}") from None


METRIC = MetricKind("regex:PATTERN", "the text that the pattern extracts from the prediction equals the answer", _parse)
