"""The metrics that ship with the package; `instructzero.tasks.metrics` says what each measures."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from instructzero.errors import TaskError
from instructzero.tasks.text import normal_form, plain, readings, sentences, words
from instructzero.types import Example


@dataclass(frozen=True)
class Metric(ABC):
    """A way to score; ``name`` is the specification that `get_metric` made it from.

    >>> EXACT_MATCH("Paris. It is the capital.", ["paris", "Paname"])
    1.0
    """

    name: str

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        return max((self.score(prediction, answer) for answer in outputs), default=0.0)

    @abstractmethod
    def score(self, prediction: str, answer: str) -> float:
        """The score in [0, 1] of ``prediction`` against one accepted answer."""

    def bind(self, examples: Iterable[Example]) -> Metric:
        """This metric, told which examples it will score; raises `TaskError` if it cannot score them."""
        return self

    @property
    def parts(self) -> Mapping[str, Metric]:
        """The metrics that it adds up, by name, in order; itself where it adds up none."""
        return {self.name: self}


@dataclass(frozen=True)
class TextMetric(Metric):
    """Compares normal forms by ``compare``; of the prediction's readings the best one counts."""

    compare: Callable[[str, str], float]

    def score(self, prediction: str, answer: str) -> float:
        if not sentences(answer):  # punctuation only, or empty
            return self.compare(plain(prediction), plain(answer))
        target = normal_form(answer)
        return max(self.compare(reading, target) for reading in readings(prediction, answer))


def _same_text(said: str, answer: str) -> float:
    return float(said == answer)


def _f1(said: str, answer: str) -> float:
    said_words, answer_words = said.split(), answer.split()
    if not said_words or not answer_words:
        return float(said_words == answer_words)
    common = sum((Counter(said_words) & Counter(answer_words)).values())
    return 2 * common / (len(said_words) + len(answer_words))


def _same_set(said: str, answer: str) -> float:
    return float(set(said.split()) == set(answer.split()))


def _contains(said: str, answer: str) -> float:
    """Whole words only: 5 is not in 15, -5 or 5.2. An empty answer is in an empty prediction only."""
    if not answer:
        return float(not said)
    if not words(answer):
        return float(answer in said)
    return float(re.search(rf"(?<![\w.\-]){re.escape(answer)}(?!\w|\.\d)", said) is not None)


EXACT_MATCH = TextMetric("exact_match", _same_text)
F1 = TextMetric("f1", _f1)
EXACT_SET = TextMetric("exact_set", _same_set)
CONTAINS = TextMetric("contains", _contains)


@dataclass(frozen=True)
class NumericMetric(Metric):
    """The prediction's number is the answer's, at most ``tolerance`` apart.

    The number of a text is the first on the first line that has one; on a line with equals signs, the first
    after the last of them. An answer without a number is compared as text.

    >>> NumericMetric("numeric")("That makes 2 + 3 = $1,005.00 in all.", ["1005"])
    1.0
    """

    tolerance: Decimal = Decimal(0)

    def score(self, prediction: str, answer: str) -> float:
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
    """The number that ``text`` states, or ``None``; see `NumericMetric` for which one.

    >>> number_in("It costs -$1,234.50, or 3 a day.")
    Decimal('-1234.50')
    """
    for line in text.splitlines():
        found = _NUMBER.search(line.rpartition("=")[2]) or _NUMBER.search(line)
        if found:
            sign = "-" if found["sign"] or found["inner"] else ""
            return Decimal(sign + found["digits"].replace(",", "") + (found["exponent"] or ""))
    return None


@dataclass(frozen=True)
class ChoiceMetric(Metric):
    """The first sentence that names an option names accepted ones only.

    Options are found as whole words in any case; the longest wins, so "not the same" does not name "the
    same". A single capital such as A must be a capital in the prediction too. Without options given,
    `bind` takes the accepted answers of the examples.

    >>> ChoiceMetric("choice", ("positive", "negative"))("It is clearly Positive.", ["positive"])
    1.0
    """

    options: tuple[str, ...] = ()

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        if EXACT_MATCH(prediction, outputs):
            return 1.0
        accepted = {normal_form(answer) for answer in outputs}
        pattern = self._pattern(outputs)
        for sentence in sentences(prediction, lower=False):
            named = {found.lower() for found in pattern.findall(sentence)}
            if named:
                return float(named <= accepted)
        return 0.0

    def score(self, prediction: str, answer: str) -> float:
        return self(prediction, (answer,))

    def bind(self, examples: Iterable[Example]) -> ChoiceMetric:
        answers = {normal_form(answer): answer for example in examples for answer in example.outputs}
        if not self.options:
            return replace(self, options=tuple(sorted(answers.values())))
        known = {normal_form(option) for option in self.options}
        strangers = [answer for form, answer in answers.items() if form not in known]
        if strangers:
            raise TaskError(
                f"metric {self.name!r}: expected every accepted answer among the options, "
                f"got {strangers[0]!r}; add it to the options, "
                f"or write only 'choice' to take them from the data"
            )
        return self

    def _pattern(self, outputs: Sequence[str]) -> re.Pattern[str]:
        forms = {" ".join(sentences(option, lower=False)) for option in self.options or outputs} - {""}
        alternatives = [
            re.escape(form) if len(form) == 1 and form.isupper() else f"(?i:{re.escape(form)})"
            for form in sorted(forms, key=lambda form: (-len(form), form))
        ]
        return re.compile(rf"(?<![\w.\-])(?:{'|'.join(alternatives) or '(?!)'})(?!\w|\.\d)")


@dataclass(frozen=True)
class RegexMetric(Metric):
    """The first match of ``pattern`` in the whole prediction (its group 1 if it has one) is the answer.

    Match and answer are compared as `exact_match` does; a prediction without a match scores 0.

    >>> RegexMetric("regex", re.compile("#### (.+)"))("3 and 4 make 7. #### 7", ["7"])
    1.0
    """

    pattern: re.Pattern[str]

    def score(self, prediction: str, answer: str) -> float:
        found = self.pattern.search(prediction)
        extracted = found and found[1 if self.pattern.groups else 0]
        return 0.0 if extracted is None else EXACT_MATCH.score(extracted, answer)


@dataclass(frozen=True)
class WeightedMetric(Metric):
    """The weighted mean of several metrics, each with its own best accepted answer.

    ``terms``: pairs of a weight above 0 and a metric; the weights count by their share of the sum, so that a score
    stays in [0, 1]. The mean over examples is the same weighted mean of the parts' means.

    >>> metric = WeightedMetric("3*exact_match + 1*f1", ((3.0, EXACT_MATCH), (1.0, F1)))
    >>> metric("a cat", ["cat"])
    0.16666666666666666
    """

    terms: tuple[tuple[float, Metric], ...]

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        # fsum is monotone, so that no rounding carries the quotient over 1.
        total = math.fsum(weight for weight, _ in self.terms)
        return math.fsum(weight * metric(prediction, outputs) for weight, metric in self.terms) / total

    def score(self, prediction: str, answer: str) -> float:
        return self(prediction, (answer,))

    def bind(self, examples: Iterable[Example]) -> WeightedMetric:
        known = tuple(examples)
        return replace(self, terms=tuple((weight, metric.bind(known)) for weight, metric in self.terms))

    @property
    def parts(self) -> Mapping[str, Metric]:
        return {metric.name: metric for _, metric in self.terms}


@dataclass(frozen=True)
class JudgedMetric(Metric):
    """Stands for the grade of a judge, which has to be asked for it: `instructzero.scoring.judge` says how."""

    def score(self, prediction: str, answer: str) -> float:
        raise TaskError(
            f"metric {self.name!r}: expected a model that grades answers, got none; "
            f"name one in the setting judge, or choose another metric"
        )


JUDGE = JudgedMetric("judge")
