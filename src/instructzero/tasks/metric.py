"""The base class of all metrics, and the record by which a metric is registered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.tasks.answers.forms import without_thoughts
from instructzero.types import Example

if TYPE_CHECKING:
    from instructzero.tasks.classification.objectives import Outcomes

ScoreFunction = Callable[[str, tuple[str, ...]], float]
"""A function (prediction, accepted answers) -> score in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Grade:
    """The score of one answer, and what the metric remarks about it: a text for people and for methods that read it."""

    score: float
    remark: str = ""


@dataclass(frozen=True)
class Metric(ABC):
    """Scores a prediction against the accepted answers of an example.

    Parameters
    ----------
    name
        The specification that `instructzero.tasks.get_metric` made the metric from.

    >>> from instructzero.tasks import get_metric
    >>> get_metric("exact_match")("Paris. It is the capital.", ["paris", "Paname"])
    1.0
    """

    name: str

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return the score in [0, 1] of ``prediction``: the best over the accepted answers ``outputs``.

        The thoughts of a model that reasons are no part of its answer (`tasks.answers.forms.without_thoughts`).
        """
        said = without_thoughts(prediction)
        return max((self.score(said, answer) for answer in outputs), default=0.0)

    def grade(self, prediction: str, example: Example) -> Grade:
        """Return the score of ``prediction`` as the answer to ``example``, with the metric's remark if it has one."""
        return Grade(self(prediction, example.outputs))

    def outcomes(self, predictions: Sequence[str], examples: Sequence[Example]) -> Outcomes | None:
        """Return what aligned predictions amount to as a set; None, the default, if their mean score is their score."""
        return None

    @property
    def scores_sets(self) -> bool:
        """True if the score of a set of answers is no mean over them; then `outcomes` returns it."""
        return False

    def remarks(self, examples: Iterable[Example]) -> tuple[str, ...]:
        """Return what is doubtful about ``examples`` under this metric, one sentence each."""
        return ()

    @property
    def reads_columns(self) -> bool:
        """True if the score may depend on `Example.columns`; then they are part of a run's identity."""
        return False

    @abstractmethod
    def score(self, prediction: str, answer: str) -> float:
        """Return the score in [0, 1] of ``prediction`` against one accepted answer."""

    def bind(self, examples: Iterable[Example]) -> Metric:
        """Return this metric, prepared for ``examples``: all examples that it will score.

        Raises
        ------
        TaskError
            If the metric cannot score them.
        """
        return self

    @property
    def parts(self) -> Mapping[str, Metric]:
        """The metrics of a weighted sum by name, in order; for any other metric, the metric itself."""
        return {self.name: self}


@dataclass(frozen=True)
class MetricKind:
    """A registered metric: its form, a summary and its parser.

    A module of `instructzero.tasks.metrics` defines one as ``METRIC``. Another package names one, or a plain function
    (prediction, accepted answers) -> float, as an entry point of the group ``instructzero.metrics``; the name of the
    entry point is the name of the metric.

    Parameters
    ----------
    form
        The specification as a user writes it, such as ``"numeric[:TOLERANCE]"``. A colon says that the metric takes a
        parameter.
    summary
        One line for tables: the condition for a score of 1.
    parse
        Makes the metric from the specification, which becomes the metric's name, and the parameter: the text after the
        colon, ``""`` without one. Raises `TaskError` or `ValueError` for a parameter that it does not accept.
    judged
        True if the score is the grade of a judge model. Such a metric needs the setting ``judge`` and cannot be a part
        of a sum.
    """

    form: str
    summary: str
    parse: Callable[[str, str], Metric]
    judged: bool = False

    @classmethod
    def of(cls, metric: Metric, summary: str, *, judged: bool = False) -> MetricKind:
        """Return the record of a metric without a parameter."""
        return cls(metric.name, summary, lambda spec, parameter: metric, judged)

    @property
    def takes_parameter(self) -> bool:
        """True if a parameter may follow the name after a colon."""
        return ":" in self.form
