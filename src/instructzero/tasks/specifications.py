"""From a specification to a metric: a registered metric by name, a Python function, or a weighted sum.

    NAME, NAME:PARAMETER   a registered metric: a module of `instructzero.tasks.metrics`, or an entry point of the group
                           ``instructzero.metrics`` in an installed package
    MODULE:FUNCTION        a Python function (prediction, accepted answers) -> float
    0.7*f1 + 0.3*regex:…   the weighted mean of several of these; only the ratio of the weights counts

Every metric gives a score in [0, 1], the best over the accepted answers. Texts are compared in the normal form of
`instructzero.tasks.answers.text`. Every answer scores 1 against itself, except where a regex has no match in the bare
answer, or a Python function or a judge decides otherwise.
"""

from __future__ import annotations

import math
import re

from instructzero.errors import TaskError
from instructzero.registry import METRICS
from instructzero.tasks.custom import FunctionMetric, LoadFunction, load_function
from instructzero.tasks.hints import nearest_hint
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.weighted import WeightedMetric
from instructzero.terminal import short

_SHOWN = 80  # characters of a text in a message
_WEIGHT = r"(?:\d+\.?\d*|\.\d+)"
_WEIGHTED = re.compile(rf"\s*([-+]?{_WEIGHT})\s*\*\s*(.*\S)\s*", re.DOTALL)
_PLUS = re.compile(rf"\s*\+\s*(?={_WEIGHT}\s*\*\s*[A-Za-z_])")


def get_metric(spec: str, load: LoadFunction = load_function) -> Metric:
    """Return the metric that ``spec`` names, in one of the `METRIC_FORMS` or by the name of an installed metric.

    A Python function is loaded by ``load``.

    >>> get_metric("numeric:0.5")("It is 3.", ["3.2"])
    1.0

    Raises
    ------
    TaskError
        If there is no such metric, or its parameter is not accepted.
    ConfigurationError
        If the package that provides the metric does not load.
    """
    if _WEIGHTED.fullmatch(spec):
        return _weighted(spec, load)
    name, colon, parameter = spec.partition(":")
    kind = _kind(name)
    if kind is not None and (kind.takes_parameter or not colon):
        return _parsed(kind, spec, parameter)
    hint = nearest_hint(name.lower().replace("-", "_"), METRICS.names())
    if kind is not None or not colon:
        forms = (*METRIC_FORMS, *(other for other in METRICS.names() if other not in METRICS.own))
        raise TaskError(f"unknown metric {spec!r}{hint}; expected one of {', '.join(forms)}")
    try:
        return load(spec)
    except TaskError as error:
        raise TaskError(f"{error}{hint}") from error


def is_judged(spec: str | None) -> bool:
    """Return True if ``spec`` names a metric whose score is the grade of a judge model; unknown names give False."""
    kind = None if spec is None else _kind(spec.partition(":")[0])
    return kind is not None and kind.judged


def _kind(name: str) -> MetricKind | None:
    """Return the registered metric ``name``, or None."""
    if name not in METRICS:
        return None
    entry = METRICS.load(name)
    if isinstance(entry, MetricKind):
        return entry
    if not callable(entry):
        raise TaskError(
            f"metric {name!r}: expected a MetricKind or a function (prediction, accepted answers) -> float behind the "
            f"entry point, got a {type(entry).__name__}; fix the package that provides it"
        )
    function = entry
    return MetricKind(
        name, "a function of an installed package", lambda spec, parameter: FunctionMetric(spec, function)
    )


def _parsed(kind: MetricKind, spec: str, parameter: str) -> Metric:
    try:
        metric = kind.parse(spec, parameter)
    except ValueError as error:  # the parser of an installed package
        raise TaskError(f"metric {spec!r}: expected {kind.form}, got {parameter!r}: {error}") from error
    if not isinstance(metric, Metric):
        raise TaskError(
            f"metric {spec!r}: expected a Metric from its parser, got a {type(metric).__name__}; "
            f"fix the package that provides it"
        )
    return metric


def _weighted(spec: str, load: LoadFunction) -> Metric:
    """Return the sum of two or more different metrics with weights above 0."""
    terms = tuple(_term(spec, term, load) for term in _PLUS.split(spec))
    names = [metric.name for _, metric in terms]
    if len(set(names)) < len(names) or len(names) == 1:
        raise TaskError(
            f"metric {spec!r}: expected a sum of two or more different metrics, such as 0.7*exact_match + 0.3*f1, "
            f"got {' and '.join(names)}; name each metric once"
        )
    return WeightedMetric(spec, terms)


def _term(spec: str, term: str, load: LoadFunction) -> tuple[float, Metric]:
    found = _WEIGHTED.fullmatch(term)
    weight, name = (float(found[1]), found[2]) if found else (0.0, term)
    if not (math.isfinite(weight) and weight > 0):
        raise TaskError(
            f"metric {short(spec, _SHOWN)!r}: expected a weight above 0 before each metric, got "
            f"{short(term.strip(), _SHOWN)!r}; fix it"
        )
    if is_judged(name) or _WEIGHTED.fullmatch(name):
        raise TaskError(f"metric {spec!r}: expected metrics that stand alone, got {name!r} in a sum; leave it out")
    metric = get_metric(name, load)
    if metric.scores_sets:
        raise TaskError(
            f"metric {spec!r}: expected metrics that score one answer at a time, got {name!r} in a sum, which scores "
            f"all answers together; give it alone"
        )
    return weight, metric


def _own_form(name: str) -> str:
    kind = _kind(name)
    assert kind is not None
    return kind.form


METRIC_FORMS = (*map(_own_form, METRICS.own), "MODULE:FUNCTION", "WEIGHT*METRIC + WEIGHT*METRIC")
"""The forms of a specification that need no other package."""
