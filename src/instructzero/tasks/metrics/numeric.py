"""The same number, within a tolerance; or the same date or time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from instructzero.errors import TaskError
from instructzero.tasks.answers.moments import Date, Moment, Time, month_order
from instructzero.tasks.answers.numbers import Quantity, decimal_comma
from instructzero.tasks.answers.stated import Figure, Notation, Statement, statement
from instructzero.tasks.answers.units import compatible
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH
from instructzero.types import Example


@dataclass(frozen=True)
class NumericMetric(Metric):
    r"""Compares the number that the prediction states with the number that the answer states.

    Which one that is, `instructzero.tasks.answers.stated` says, for both alike: the number after ``####``, in
    ``\boxed{}`` or after "the answer is"; else the one with which the text begins; else the last. The forms of
    numbers are those of `instructzero.tasks.answers.numbers`.

    - A unit or currency may be missing on either side; two that differ are never equal: 5 is $5 and 5 kg, and 5 m is
      not 5 km. Nothing is converted, so 50% is 50 and not 0.5. Other words beside a number are ignored.
    - A date or time is compared as such, and never equals a number.
    - Several numbers without words, such as "3, 5", are compared one by one, in order.
    - A formula, such as ``2\sqrt{3}``, is compared as text without white space, and so is an answer without a number.

    Parameters
    ----------
    tolerance
        The largest difference of two equal numbers.
    notation
        The notation of ambiguous figures, which `bind` takes from the accepted answers.

    >>> NumericMetric("numeric")("That makes 2 + 3 = $1,005.00 in all.", ["1005"])
    1.0
    >>> NumericMetric("numeric")("First 5 + 8 = 13. Twice that is 26.", ["5 + 8 = 13\n2 * 13 = 26\n#### 26"])
    1.0
    """

    tolerance: Decimal = Decimal(0)
    notation: Notation = field(default=Notation())

    def score(self, prediction: str, answer: str) -> float:
        """Return 1 if the numbers agree, else 0."""
        accepted, said = statement(answer, self.notation), statement(prediction, self.notation)
        figure = accepted.answer
        if figure is None:
            return EXACT_MATCH.score(prediction, answer)
        if is_formula(accepted):
            return float(_states_formula(said, accepted))
        if isinstance(figure, Moment):
            return float(_same_moments(said, accepted))
        if numbers := listed(accepted):
            return float(self._near(_last_numbers(said, len(numbers)), numbers))
        stated = _stated(said, figure)
        return float(stated is not None and self._near(stated.values, figure.values))

    def bind(self, examples: Iterable[Example]) -> NumericMetric:
        """Return this metric with the notation of decimal marks and dates that the accepted answers have."""
        answers = [answer for example in examples for answer in example.outputs]
        return replace(self, notation=Notation(decimal_comma(answers), month_order(answers)))

    def remarks(self, examples: Iterable[Example]) -> tuple[str, ...]:
        """Return a sentence for each kind of unclear answer among the accepted answers of ``examples``.

        Unclear are several different numbers of which none is marked, and dates such as 01/05/2024 if the data do not
        show which figure is the month.
        """
        answers = [answer for example in examples for answer in example.outputs]
        parts = [(answer, statement(answer, self.notation)) for answer in answers]
        several = [answer for answer, part in parts if _is_unclear(part)]
        dates = [answer for answer, part in parts if any(map(_is_unclear_date, part.figures))]
        found = []
        if several:
            found.append(
                f"{len(several)} of {len(answers)} accepted answers hold several numbers and mark none, such as "
                f"{_shortened(several[0])!r}, which is read as {self._shown(several[0])}; "
                "write '####' or 'Answer:' before the number that counts, or only that number"
            )
        if dates:
            found.append(
                f"{len(dates)} of {len(answers)} accepted answers hold a date whose month is not clear, such as "
                f"{_shortened(dates[0])!r}, and equal only dates with the same figures; write dates as YYYY-MM-DD"
            )
        return tuple(f"metric {self.name!r}: {remark}" for remark in found)

    def _shown(self, answer: str) -> str:
        part = statement(answer, self.notation)
        return part.text[part.answer.start : part.answer.end] if part.answer else ""

    def _near(self, said: Sequence[Fraction], expected: Sequence[Fraction]) -> bool:
        tolerance = Fraction(self.tolerance)
        return len(said) == len(expected) and all(
            abs(one - other) <= tolerance for one, other in zip(said, expected, strict=True)
        )


_SIGN = re.compile(r"[√π∞^\\]")
_VARIABLE = re.compile(r"(?<![\w.])(?:\d+(?:\.\d+)?)?[xyz](?!\w)(?=\s*[-+*/^]|\W*$)|\d[xyz](?!\w)")
_COMMANDS = re.compile(r"\\[A-Za-z]+")
_WORD = re.compile(r"[^\W\d_]{2}")
_SEPARATORS = re.compile(r"[\s,;()\[\]{}]*(?:(?:and|und|et|y)\s+)?")


def is_formula(part: Statement) -> bool:
    """Return True if ``part`` is a formula: it holds signs or variables of one beside its numbers, and no words."""
    besides = "".join(_between(part))
    if _WORD.search(_COMMANDS.sub(" ", besides)):
        return False
    return _SIGN.search(besides) is not None or _VARIABLE.search(part.text) is not None


def listed(part: Statement) -> tuple[Fraction, ...]:
    """Return the numbers of ``part`` if it consists of two or more numbers and nothing else; else nothing."""
    numbers = [figure for figure in part.figures if isinstance(figure, Quantity)]
    if len(numbers) < 2 or len(numbers) < len(part.figures) or not all(map(_SEPARATORS.fullmatch, _between(part))):
        return ()
    return tuple(value for number in numbers for value in number.values)


def _between(part: Statement) -> list[str]:
    """Return the texts before, between and after the figures of ``part``."""
    ends = [0, *(figure.end for figure in part.figures)]
    starts = [*(figure.start for figure in part.figures), len(part.text)]
    return [part.text[end:start].rstrip(".") for end, start in zip(ends, starts, strict=True)]


def _states_formula(said: Statement, accepted: Statement) -> bool:
    """Return True if ``said`` is the formula ``accepted`` or ends with it, but for white space and a full stop."""
    signs = r"\s*".join(map(re.escape, "".join(accepted.text.split()).rstrip(".")))
    before = r"(?:^|[=:]\s?|(?<=\s)(?<![-+*/×·^(\d] ))"
    return re.search(rf"{before}{signs}[\s.]*$", said.text) is not None


def _last_numbers(said: Statement, count: int) -> tuple[Fraction, ...]:
    values = [value for figure in said.figures if isinstance(figure, Quantity) for value in figure.values]
    return tuple(values[-count:])


def _stated(said: Statement, expected: Quantity) -> Quantity | None:
    """Return the number that ``said`` states in a unit that ``expected`` may have."""
    answer = said.answer
    if isinstance(answer, Quantity) and _comparable(answer, expected):
        return answer
    figures = said.sentence if said.marked else said.figures
    last = said.last([figure for figure in figures if isinstance(figure, Quantity) and _comparable(figure, expected)])
    if isinstance(last, Quantity):
        return last
    years = [figure.year for figure in figures if isinstance(figure, Moment) and figure.year]
    return Quantity(0, 0, (Fraction(years[-1]),), (frozenset(),)) if years and not expected.units[0] else None


def _comparable(said: Quantity, expected: Quantity) -> bool:
    return len(said.units) == len(expected.units) and all(map(compatible, said.units, expected.units))


def _same_moments(said: Statement, accepted: Statement) -> bool:
    """Return True if ``said`` states the dates and times of the sentence in which the accepted answer stands."""
    for part in ("date", "time"):
        expected = _values(accepted.sentence, part)
        near = _values(said.sentence, part)
        stated = near if len(near) >= len(expected) else _values(said.figures, part)
        if len(expected) == 1 and (answer := getattr(said.answer, part, None)):
            stated = [answer]
        if expected and stated[-len(expected) :] != expected:
            return False
    return True


def _values(figures: Sequence[Figure], part: str) -> list[Date | Time]:
    return [value for figure in figures if (value := getattr(figure, part, None)) is not None]


def _is_unclear(part: Statement) -> bool:
    numbers = {figure.values for figure in part.figures if isinstance(figure, Quantity)}
    return not part.marked and len(numbers) > 1 and not listed(part) and not is_formula(part)


def _is_unclear_date(figure: Figure) -> bool:
    return isinstance(figure, Moment) and figure.date is not None and figure.date[0] == "?"


def _shortened(text: str) -> str:
    """Return the end of ``text`` in one line, where the number is."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else "…" + line[-59:]


def _parse(spec: str, parameter: str) -> NumericMetric:
    try:
        tolerance = Decimal(parameter or "0")
    except InvalidOperation:
        tolerance = Decimal("NaN")
    if not (tolerance.is_finite() and tolerance >= 0):
        raise TaskError(f"metric {spec!r}: expected a tolerance of 0 or more, such as numeric:0.01, got {parameter!r}")
    return NumericMetric(spec, tolerance)


METRIC = MetricKind(
    "numeric[:TOLERANCE]", "the number, date or time that it states is the answer's, within the tolerance", _parse
)
