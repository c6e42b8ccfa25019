"""The prediction names the right option and no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from instructzero.errors import TaskError
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.tasks.answers.mentions import Options
from instructzero.tasks.answers.text import normal_form
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.types import Example

_options = lru_cache(maxsize=1024)(Options)  # an object keeps its pattern


@dataclass(frozen=True)
class ChoiceMetric(Metric):
    """Scores 1 if the prediction names accepted options only.

    `instructzero.tasks.answers.mentions` says what names an option.

    Without ``options``, `bind` takes the accepted answers of the examples.

    >>> ChoiceMetric("choice", ("positive", "negative"))("It is clearly Positive.", ["positive"])
    1.0
    """

    options: tuple[str, ...] = ()

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return 1 if ``prediction`` names accepted answers and no other option, else 0."""
        said, accepted = without_thoughts(prediction), frozenset(map(normal_form, outputs))
        if self.options:
            known = _options(self.options)
            if not accepted <= known.labels:
                known = _options((*self.options, *outputs))
            return _score(known, said, accepted)
        return max((_score(_options(those), said, accepted) for those in (tuple(outputs), *zip(outputs))), default=0.0)

    def score(self, prediction: str, answer: str) -> float:
        """Return the score of ``prediction`` with ``answer`` as the only accepted answer."""
        return self(prediction, (answer,))

    def bind(self, examples: Iterable[Example]) -> ChoiceMetric:
        """Return this metric with the accepted answers of ``examples`` as its options, if it has none yet.

        Raises
        ------
        TaskError
            If an accepted answer is not among the options.
        """
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


def _score(options: Options, said: str, accepted: frozenset[str]) -> float:
    named = options.named_in(said)
    return float(bool(named) and named <= accepted)


def _parse(spec: str, parameter: str) -> ChoiceMetric:
    options = tuple(option.strip() for option in parameter.split("|")) if parameter else ()
    forms = [normal_form(option) for option in options]
    if "" in forms or len(set(forms)) < len(forms) or len(forms) == 1:
        raise TaskError(
            f"metric {spec!r}: expected two or more options that differ in more than case and punctuation, "
            f"such as choice:yes|no, got {parameter!r}"
        )
    return ChoiceMetric(spec, options)


METRIC = MetricKind("choice[:A|B|C]", "the prediction names the right option and no other", _parse)
