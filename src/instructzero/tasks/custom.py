"""Metrics that are plain Python functions.

    def score(prediction, answers): ...    # answers: a tuple of the accepted answers
    def score(prediction, example): ...    # example: the `Example` with all columns of its row

The name ``example`` of a parameter decides between the two. A function returns a number from 0 to 1, or a pair of that
number and a remark: a text about this answer, which the report shows and methods can read.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

from instructzero.errors import TaskError
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.tasks.metric import Grade, Metric
from instructzero.types import Example

_EXAMPLE = "example"
_LONGEST_REMARK = 2_000  # characters


@dataclass(frozen=True)
class FunctionMetric(Metric):
    """Scores by ``function`` and checks the value that it returns; see the module.

    The function receives the answer without the model's thoughts.

    >>> FunctionMetric("short", lambda prediction, outputs: len(prediction) < 10)("brief", ["x"])
    1.0
    >>> judged = FunctionMetric("known", lambda prediction, example: (0.0, f"a {example.columns['kind']} is asked for"))
    >>> judged.grade("to run", Example("cat", ("chat",), {"kind": "noun"})).remark
    'a noun is asked for'
    """

    function: Callable[..., Any]

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return the score of the function; one that takes the example receives it without input and columns.

        Raises
        ------
        TaskError
            If the function fails, or returns no number from 0 to 1.
        """
        answers = tuple(outputs)
        return self._grade(prediction, Example("", answers) if self.reads_columns else answers).score

    def grade(self, prediction: str, example: Example) -> Grade:
        """Return the score of the function and its remark, if it returns one; raise `TaskError` as a call does."""
        return self._grade(prediction, example if self.reads_columns else example.outputs)

    @property
    def reads_columns(self) -> bool:
        """True if the function has a parameter ``example``."""
        return _EXAMPLE in self._parameters

    @cached_property
    def _parameters(self) -> tuple[str, ...]:
        try:
            return tuple(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):  # a function of C without a signature
            return ()

    def _grade(self, prediction: str, asked: Example | tuple[str, ...]) -> Grade:
        said = without_thoughts(prediction)
        arguments = (asked, said) if self._parameters[:1] == (_EXAMPLE,) else (said, asked)
        try:
            found = self.function(*arguments)
        except Exception as error:
            raise TaskError(
                f"metric {self.name!r}: expected a score for the prediction {said[:80]!r}, "
                f"got {type(error).__name__}: {error}; fix the function"
            ) from error
        score: Any
        score, remark = found if isinstance(found, tuple) and len(found) == 2 else (found, "")
        if not isinstance(score, Real) or not 0 <= float(score) <= 1 or not isinstance(remark, str | None):
            raise TaskError(
                f"metric {self.name!r}: expected a number from 0 to 1, got {_shown(score, remark)} for the prediction "
                f"{said[:80]!r}; fix the function, which may return a pair of the number and a remark"
            )
        return Grade(float(score), _shortened(remark or ""))

    def score(self, prediction: str, answer: str) -> float:
        """Return the score of ``prediction`` with ``answer`` as the only accepted answer."""
        return self(prediction, (answer,))


def _shown(score: object, remark: object) -> str:
    return f"{score!r:.80}" if isinstance(remark, str | None) else f"a remark of type {type(remark).__name__}"


def _shortened(remark: str) -> str:
    remark = remark.strip()
    return remark if len(remark) <= _LONGEST_REMARK else f"{remark[: _LONGEST_REMARK - 1]}…"


LoadFunction = Callable[[str], FunctionMetric]
"""Returns the metric behind ``module:function``: `load_function`, or `unloaded_function` for readers of runs."""


def unloaded_function(spec: str) -> FunctionMetric:
    """Return a stand-in for the metric behind ``module:function`` that imports nothing and scores nothing.

    >>> unloaded_function("my_metrics:score").name
    'my_metrics:score'
    """
    return FunctionMetric(spec, _refuse)


def _refuse(prediction: str, outputs: tuple[str, ...]) -> float:
    raise RuntimeError("expected a reader of runs to take scores from the journal; it imports no metric")


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
