"""The shapes of records in run directories. A line with the right checksum may still come from anybody.

Each kind of record is a `TypedDict`, which pydantic checks without conversions. Keys that are not named here may have
any value, so that later formats stay readable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from instructzero.types import Finish

_DEEPEST = 60
_SHOWN = 80  # characters of a key or a value in a message

_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Score = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
_Coordinate = Annotated[float, Field(allow_inf_nan=False)]


class _Usage(TypedDict, total=False):
    calls: _Count
    prompt_tokens: _Count
    completion_tokens: _Count
    cached_tokens: _Count
    reasoning_tokens: _Count


class _Writing(TypedDict):
    raw: str
    instruction: str


class _Outcomes(TypedDict):
    measure: str
    pairs: list[Annotated[list[str | None], Field(min_length=2, max_length=2)]]


class _Evaluation(TypedDict):
    scores: list[_Score]
    predictions: list[str]
    usage: _Usage
    incomplete: NotRequired[list[Annotated[list[_Count | str], Field(min_length=2, max_length=3)]]]
    outcomes: NotRequired[_Outcomes | None]
    remarks: NotRequired[list[str]]


class _Identity(TypedDict, total=False):
    backend: str
    model: str
    endpoint: str
    template: str
    function: str
    revision: str


_Run = TypedDict(
    "_Run",
    {
        "version": NotRequired[_Count],
        "task": NotRequired[str],
        "metric": NotRequired[str],
        "exemplars": NotRequired[str],
        "validation": NotRequired[str],
        "confirmation": NotRequired[str],
        "test": NotRequired[str],
        "columns": NotRequired[list[str]],
        "prompts": NotRequired[dict[str, str]],
        "writer": NotRequired[_Identity],
        "black box": NotRequired[_Identity],
        "judge": NotRequired[_Identity],
    },
)


class _Plain(TypedDict):
    writing: _Writing
    evaluation: _Evaluation


class _Text(TypedDict):
    instruction: str
    evaluation: _Evaluation


class _Order(TypedDict, total=False):
    prompt: str
    start: str
    seed: int
    part: _Count
    parts: _Count


class _Round(TypedDict):
    round: _Count
    points: list[list[_Coordinate] | None]
    writings: list[_Writing]
    chosen: NotRequired[list[_Count]]
    rewrites: NotRequired[list[_Order | None]]
    given: NotRequired[list[str | None]]
    usage: NotRequired[_Usage]
    writer_usage: NotRequired[_Usage]


class _Trial(TypedDict):
    number: _Count
    evaluation: _Evaluation


class _Interval(TypedDict):
    low: float
    high: float
    method: NotRequired[str]


class _Scored(TypedDict):
    instruction: str
    validation_score: NotRequired[float]
    confirmation_score: NotRequired[float]
    test_score: NotRequired[float]
    intervals: NotRequired[dict[str, _Interval]]


class _Comparison(TypedDict):
    difference: float
    low: float
    high: float
    p_value: float


class _Class(TypedDict):
    label: str
    support: _Count
    precision: float
    recall: float
    f1: float


class _Confusion(TypedDict):
    labels: list[str]
    counts: list[list[_Count]]


class _Failed(TypedDict):
    part: str
    input: str
    reason: str


class _Result(_Scored):
    evaluations: _Count
    usage: _Usage
    spent: dict[str, _Usage]
    lost: NotRequired[dict[str, _Count]]
    plain: NotRequired[_Scored]
    baseline: NotRequired[_Scored | None]
    starts: NotRequired[list[_Scored]]
    challenger: NotRequired[_Scored | None]
    verdict: NotRequired[str | None]
    comparisons: NotRequired[dict[str, _Comparison]]
    warnings: NotRequired[list[str]]
    distinct_instructions: NotRequired[_Count]
    validation_examples: NotRequired[_Count]
    confirmation_examples: NotRequired[_Count]
    test_examples: NotRequired[_Count]
    answers: NotRequired[dict[str, _Count]]
    majority_scores: NotRequired[dict[str, float]]
    classes: NotRequired[list[_Class]]
    confusion: NotRequired[_Confusion | None]
    failed_examples: NotRequired[list[_Failed]]


_DESCRIBED = ("task", "metric", "exemplars", "validation", "test", "black box")

_KINDS: Mapping[str, Any] = {
    "run": _Run,
    "plain": _Plain,
    "baseline": _Text,
    "round": _Round,
    "trial": _Trial,
    "cut_short": _Text,
    "confirmation": _Text,
    "test": _Text,
}


def check_record(record: Mapping[str, Any]) -> None:
    """Raise `ValueError` with a clause about the first fault of a record of the journal.

    >>> check_record({"kind": "trial", "number": "one", "evaluation": {}})
    Traceback (most recent call last):
        ...
    ValueError: number: input should be a valid integer, got 'one'
    """
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"expected one of the kinds {', '.join(_KINDS)}, got {str(kind)[:_SHOWN]!r}")
    _check(_KINDS[kind], record)
    if kind == "run":
        _check_depth(record)
    elif kind == "round":
        _check_round(record)
    elif "evaluation" in record:
        _check_places(record["evaluation"])


def check_header(header: Mapping[str, Any]) -> None:
    """Raise `ValueError` with a clause if a header of the journal lacks what describes a run."""
    lacking = [name for name in _DESCRIBED if name not in header]
    if lacking:
        raise ValueError(f"it lacks {lacking[0]}")


def check_result(result: Mapping[str, Any]) -> None:
    """Raise `ValueError` with a clause about the first fault of the content of ``result.json``."""
    _check(_Result, result)
    _check_depth(result)
    confusion = result.get("confusion")
    if confusion is not None:
        labels = len(confusion["labels"])
        if [len(row) for row in confusion["counts"]] != [labels + 1] * labels:
            raise ValueError(f"expected the confusion of {labels} labels, got counts of another form")


def _check(shape: Any, value: Mapping[str, Any]) -> None:
    try:
        _adapter(shape).validate_python(value, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, fault["loc"]))[:_SHOWN] or "the record"
        message = fault["msg"][0].lower() + fault["msg"][1:]
        raise ValueError(f"{place}: {message}, got {_excerpt(fault['input'])}") from None


def _excerpt(value: object) -> str:
    """Return a value in a message; of anything but a text and a number, its type."""
    if isinstance(value, str | float | bool | None):
        return repr(value)[:_SHOWN]
    return f"a value of type {type(value).__name__}"  # an integer may have more digits than Python prints


def _check_depth(value: Any, left: int = _DEEPEST) -> None:
    """Raise `ValueError` for lists and objects so deep in one another that those who walk through them would fail."""
    if not left:
        raise ValueError(f"expected at most {_DEEPEST} lists and objects in one another, got more")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected finite numbers, got {value}")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, left - 1)


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _check_round(record: Mapping[str, Any]) -> None:
    """Raise `ValueError` if the points differ in their dimension, or a position is no candidate's."""
    dimensions = {len(point) for point in record["points"] if point is not None}
    if len(dimensions) > 1 or 0 in dimensions:
        raise ValueError(f"expected points of one dimension, got {sorted(dimensions)}")
    chosen = record.get("chosen", ())
    if len(set(chosen)) < len(chosen) or any(place >= len(record["writings"]) for place in chosen):
        raise ValueError("expected different positions of candidates in chosen")


def _check_places(evaluation: Mapping[str, Any]) -> None:
    """Raise `ValueError` if an answer that is not complete is no answer of the evaluation."""
    answers = len(evaluation["scores"])
    for position, finish, *reason in evaluation.get("incomplete", ()):
        is_answer = isinstance(position, int) and position < answers and finish in set(Finish)
        if not (is_answer and all(isinstance(text, str) for text in reason)):
            raise ValueError(f"expected an answer of the evaluation, got {_excerpt(position)}, {_excerpt(finish)}")
    outcomes = evaluation.get("outcomes")
    if outcomes is not None and len(outcomes["pairs"]) != answers:
        raise ValueError(f"expected the labels of {answers} answers, got those of {len(outcomes['pairs'])}")
