"""How well a prediction answers: every metric gives a score in [0, 1], the best over the accepted answers.

    exact_match          the same words in the same order
    f1                   overlap of the words, as in SQuAD
    exact_set            the same set of words, in any order
    contains             the answer's words stand in the prediction
    numeric[:TOLERANCE]  the same number, at most TOLERANCE apart (default 0)
    choice[:A|B|C]       the prediction names the right option and no other
    regex:PATTERN        what PATTERN extracts from the prediction is the answer
    MODULE:FUNCTION      a Python function (prediction, accepted answers) -> float
    judge                the grade of another model, which is asked for it
    0.7*f1 + 0.3*regex:… the weighted mean of several of these; only the ratio of the weights counts

Texts are compared in the normal form of `instructzero.tasks.text`. Every answer scores 1 against itself,
except where a regex has no match in the bare answer, or a Python function or a judge decides otherwise.
"""

from __future__ import annotations

import math
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
    JUDGE,
    ChoiceMetric,
    Metric,
    NumericMetric,
    RegexMetric,
    WeightedMetric,
)
from instructzero.tasks.text import normal_form

__all__ = ["METRIC_FORMS", "Metric", "get_metric"]

_TEXT_METRICS = {metric.name: metric for metric in (EXACT_MATCH, F1, EXACT_SET, CONTAINS)}
_NAMED = {**_TEXT_METRICS, JUDGE.name: JUDGE}
METRIC_FORMS = (
    *_TEXT_METRICS,
    "numeric[:TOLERANCE]",
    "choice[:A|B|C]",
    "regex:PATTERN",
    "MODULE:FUNCTION",
    JUDGE.name,
    "WEIGHT*METRIC + WEIGHT*METRIC",
)
_WEIGHT = r"(?:\d+\.?\d*|\.\d+)"
_WEIGHTED = re.compile(rf"\s*([-+]?{_WEIGHT})\s*\*\s*(.*\S)\s*", re.DOTALL)
_PLUS = re.compile(rf"\s*\+\s*(?={_WEIGHT}\s*\*\s*[A-Za-z_])")


def get_metric(spec: str) -> Metric:
    """The metric that ``spec`` names, one of `METRIC_FORMS`; raises `TaskError` for anything else."""
    if _WEIGHTED.fullmatch(spec):
        return _weighted(spec)
    name, colon, parameter = spec.partition(":")
    if name in _NAMED and not colon:
        return _NAMED[name]
    builders: dict[str, Callable[[str, str], Metric]] = {
        "numeric": _numeric,
        "choice": _choice,
        "regex": _regex,
    }
    if name in builders:
        return builders[name](spec, parameter)
    hint = nearest_hint(name.lower().replace("-", "_"), [*_NAMED, *builders])
    if not colon or name in _NAMED:
        raise TaskError(f"unknown metric {spec!r}{hint}; expected one of {', '.join(METRIC_FORMS)}")
    try:
        return load_function(spec)
    except TaskError as error:
        raise TaskError(f"{error}{hint}") from error


def _weighted(spec: str) -> Metric:
    """The sum of two or more different metrics with weights above 0."""
    terms = tuple(_term(spec, term) for term in _PLUS.split(spec))
    names = [metric.name for _, metric in terms]
    if len(set(names)) < len(names) or len(names) == 1:
        raise TaskError(
            f"metric {spec!r}: expected a sum of two or more different metrics, such as 0.7*exact_match + 0.3*f1, "
            f"got {' and '.join(names)}; name each metric once"
        )
    return WeightedMetric(spec, terms)


def _term(spec: str, term: str) -> tuple[float, Metric]:
    found = _WEIGHTED.fullmatch(term)
    weight, name = (float(found[1]), found[2]) if found else (0.0, term)
    if not (math.isfinite(weight) and weight > 0):
        raise TaskError(f"metric {spec!r}: expected a weight above 0 before each metric, got {term.strip()!r}; mend it")
    if name == JUDGE.name or _WEIGHTED.fullmatch(name):
        raise TaskError(f"metric {spec!r}: expected metrics that stand alone, got {name!r} in a sum; leave it out")
    return weight, get_metric(name)


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
