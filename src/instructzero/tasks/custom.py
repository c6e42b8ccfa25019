"""Metrics that are plain Python functions (prediction, accepted answers) -> score in [0, 1]."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from instructzero.errors import TaskError
from instructzero.tasks.metric import Metric, ScoreFunction


@dataclass(frozen=True)
class FunctionMetric(Metric):
    """Scores by ``function`` and checks the value that it returns.

    >>> FunctionMetric("short", lambda prediction, outputs: len(prediction) < 10)("brief", ["x"])
    1.0
    """

    function: ScoreFunction

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return the score of the function.

        Raises
        ------
        TaskError
            If the function fails, or returns no number from 0 to 1.
        """
        try:
            score = self.function(prediction, tuple(outputs))
        except Exception as error:
            raise TaskError(
                f"metric {self.name!r}: expected a score for the prediction {prediction[:80]!r}, "
                f"got {type(error).__name__}: {error}; fix the function"
            ) from error
        if not isinstance(score, Real) or not 0 <= score <= 1:
            came = f"got {score!r} for the prediction {prediction[:80]!r}"
            raise TaskError(f"metric {self.name!r}: expected a number from 0 to 1, {came}; fix the function")
        return float(score)

    def score(self, prediction: str, answer: str) -> float:
        """Return the score of ``prediction`` with ``answer`` as the only accepted answer."""
        return self(prediction, (answer,))


def load_function(spec: str) -> FunctionMetric:
    """Return the metric behind ``module:function``; the current directory is importable, as under ``python -m``.

    Raises
    ------
    TaskError
        If the specification is incomplete, the module does not import, or it has no such function.
    """
    module_name, _, function_name = spec.partition(":")
    if not module_name or not function_name:
        raise TaskError(f"metric {spec!r}: expected MODULE:FUNCTION, such as my_metrics:score")
    _make_current_directory_importable()
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        raise TaskError(
            f"metric {spec!r}: expected a Python module {module_name!r}, "
            f"got {type(error).__name__}: {error}; "
            f"put {module_name}.py into the current directory, or install it"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        came = "none" if function is None else f"a {type(function).__name__}"
        raise TaskError(f"metric {spec!r}: expected a function of that name in {module_name!r}, got {came}")
    return FunctionMetric(spec, function)


def _make_current_directory_importable() -> None:
    """Put the current directory on the path for good, since a metric may import its neighbours when it is called."""
    directory = os.getcwd()
    if directory not in sys.path:
        sys.path.insert(0, directory)
    importlib.invalidate_caches()
