"""The fields of a JSON value are the answer's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from instructzero.errors import TaskError
from instructzero.tasks.answers.forms import forms
from instructzero.tasks.answers.json_values import ABSENT, fields, json_in, same_value
from instructzero.tasks.answers.text import plain
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH
from instructzero.types import Example


@dataclass(frozen=True)
class JsonMetric(Metric):
    """Scores by the share of the answer's fields that the prediction has: right ones / (the answer's and all others).

    The prediction may hold its JSON in a fence or in a sentence. A field is a value that is no object or list, at its
    path of keys and places in lists; the order of keys does not count, the order of a list does. A field that the
    answer does not have lowers the share, as a missing one does. Types count: "5" is not 5, 1 is 1.0, true is not 1.
    Texts are equal but for case and white space; punctuation and signs count.

    Parameters
    ----------
    strict
        All or nothing, and texts are equal to the character.

    >>> metric = JsonMetric("json")
    >>> metric('{"age": 7.0, "name": "ann"}', ['{"name": "Ann", "age": 7}'])
    1.0
    >>> metric('{"age": 7}', ['{"name": "Ann", "age": 7}'])
    0.5
    """

    strict: bool = False

    def score(self, prediction: str, answer: str) -> float:
        """Return the share of right fields; an answer that is no JSON is compared as text."""
        accepted = json_in(answer)
        if accepted is ABSENT:
            return EXACT_MATCH.score(prediction, answer)
        said = json_in(prediction, type(accepted) if isinstance(accepted, dict | list) else None)
        readings = forms(prediction) if said is ABSENT else (said,)  # a text may stand without its quotes
        share = max(self._share(reading, accepted) for reading in readings)
        return float(share == 1) if self.strict else share

    def bind(self, examples: Iterable[Example]) -> JsonMetric:
        """Return this metric.

        Raises
        ------
        TaskError
            If an accepted answer of ``examples`` holds no JSON.
        """
        for example in examples:
            for answer in example.outputs:
                if json_in(answer) is ABSENT:
                    raise TaskError(
                        f"metric {self.name!r}: expected JSON as every accepted answer, got {answer[:80]!r} for the "
                        f"input {example.input[:80]!r}; correct it, or choose another metric"
                    )
        return self

    def _share(self, said: Any, accepted: Any) -> float:
        try:
            expected, stated = dict(fields(accepted)), dict(fields(said))
        except RecursionError:
            return float(said == accepted)
        text = _exact if self.strict else plain
        right = sum(path in stated and same_value(stated[path], value, text) for path, value in expected.items())
        return right / len(expected.keys() | stated.keys())


def _exact(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _parse(spec: str, parameter: str) -> JsonMetric:
    if parameter not in ("", "strict"):
        raise TaskError(f"metric {spec!r}: expected json or json:strict, got {parameter!r}; leave the parameter out")
    return JsonMetric(spec, parameter == "strict")


METRIC = MetricKind("json[:strict]", "the fields of the JSON are the answer's; less for a part of them", _parse)
