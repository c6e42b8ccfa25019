"""The same number, within a tolerance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from instructzero.errors import TaskError
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH


@dataclass(frozen=True)
class NumericMetric(Metric):
    """Compares the number in the prediction with the number in the answer; at most ``tolerance`` may lie between them.

    The number of a text is the first number on the first line that has one; on a line with equals signs, the first
    after the last of them. An answer without a number is compared as text.

    >>> NumericMetric("numeric")("That makes 2 + 3 = $1,005.00 in all.", ["1005"])
    1.0
    """

    tolerance: Decimal = Decimal(0)

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if the numbers agree, else 0."""
        expected, said = number_in(answer), number_in(prediction)
        if expected is None:
            return EXACT_MATCH.score(prediction, answer)
        if said is None:
            return 0.0
        return float(said == expected or abs(said - expected) <= self.tolerance)


_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)])[-\u2212])?[$£€]?(?P<inner>(?<=[$£€])[-\u2212])?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"(?P<exponent>[eE][-+]?\d{1,3}(?!\w))?"
)


def number_in(text: str) -> Decimal | None:
    """Return the number that ``text`` states, or ``None``; `NumericMetric` says which one.

    >>> number_in("It costs -$1,234.50, or 3 a day.")
    Decimal('-1234.50')
    """
    for line in text.splitlines():
        found = _NUMBER.search(line.rpartition("=")[2]) or _NUMBER.search(line)
        if found:
            sign = "-" if found["sign"] or found["inner"] else ""
            return Decimal(sign + found["digits"].replace(",", "") + (found["exponent"] or ""))
    return None


def _parse(spec: str, parameter: str) -> NumericMetric:
    try:
        tolerance = Decimal(parameter or "0")
    except InvalidOperation:
        tolerance = Decimal("NaN")
    if not (tolerance.is_finite() and tolerance >= 0):
        raise TaskError(f"metric {spec!r}: expected a tolerance of 0 or more, such as numeric:0.01, got {parameter!r}")
    return NumericMetric(spec, tolerance)


METRIC = MetricKind("numeric[:TOLERANCE]", "the first number is the answer's, within the tolerance (default 0)", _parse)
