"""How well a prediction answers: every metric gives a score in [0, 1], the best over the accepted answers.

    exact_match          the same words in the same order
    f1                   overlap of the words, as in SQuAD
    exact_set            the same set of words, in any order
    contains             the answer's words stand in the prediction
    numeric[:TOLERANCE]  the same number, at most TOLERANCE apart (default 0)
    choice[:A|B|C]       the prediction names the right option and no other
    regex:PATTERN        what PATTERN extracts from the prediction is the answer
    MODULE:FUNCTION      a Python function (prediction, accepted answers) -> float

Texts are compared in the normal form of `instructzero.tasks.text`. Every answer scores 1 against itself,
except where a regex has no match in the bare answer or a Python function decides otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from instructzero.errors import TaskError
from instructzero.tasks.custom import load_function
from instructzero.tasks.hints import nearest_hint
from instructzero.tasks.scorers import (
    CONTAINS,
    EXACT_MATCH,
    EXACT_SET,
    F1,
    ChoiceMetric,
    Metric,
    NumericMetric,
    RegexMetric,
)
from instructzero.tasks.text import normal_form

__all__ = ["METRIC_FORMS", "Metric", "get_metric"]

_TEXT_METRICS = {metric.name: metric for metric in (EXACT_MATCH, F1, EXACT_SET, CONTAINS)}
METRIC_FORMS = (*_TEXT_METRICS, "numeric[:TOLERANCE]", "choice[:A|B|C]", "regex:PATTERN", "MODULE:FUNCTION")


def get_metric(spec: str) -> Metric:
    """The metric that ``spec`` names, one of `METRIC_FORMS`; raises `TaskError` for anything else."""
    name, colon, parameter = spec.partition(":")
    if name in _TEXT_METRICS and not colon:
        return _TEXT_METRICS[name]
    builders: dict[str, Callable[[str, str], Metric]] = {
        "numeric": _numeric,
        "choice": _choice,
        "regex": _regex,
    }
    if name in builders:
        return builders[name](spec, parameter)
    hint = nearest_hint(name.lower().replace("-", "_"), [*_TEXT_METRICS, *builders])
    if not colon or name in _TEXT_METRICS:
        raise TaskError(f"unknown metric {spec!r}{hint}; expected one of {', '.join(METRIC_FORMS)}")
    try:
        return load_function(spec)
    except TaskError as error:
        raise TaskError(f"{error}{hint}") from error


def _numeric(spec: str, parameter: str) -> Metric:
    try:
        tolerance = Decimal(parameter or "0")
    except InvalidOperation:
        tolerance = Decimal("NaN")
    if not (tolerance.is_finite() and tolerance >= 0):
        raise TaskError(f"metric {spec!r}: expected a tolerance of 0 or more, such as numeric:0.01, got {parameter!r}")
    return NumericMetric(spec, tolerance)


def _choice(spec: str, parameter: str) -> Metric:
    options = tuple(option.strip() for option in parameter.split("|")) if parameter else ()
    forms = [normal_form(option) for option in options]
    if "" in forms or len(set(forms)) < len(forms) or len(forms) == 1:
        raise TaskError(
            f"metric {spec!r}: expected two or more options that differ in more than case and punctuation, "
            f"such as choice:yes|no, got {parameter!r}"
        )
    return ChoiceMetric(spec, options)


def _regex(spec: str, parameter: str) -> Metric:
    if not parameter:
        raise TaskError(f"metric {spec!r}: expected a pattern, such as 'regex:answer is (.+)', got none")
    try:
        return RegexMetric(spec, re.compile(parameter))
    except (re.error, OverflowError, RecursionError) as error:
        raise TaskError(f"metric {spec!r}: expected a regular expression of Python, got {error}") from None
