"""The prediction names the right option and no other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from instructzero.errors import TaskError
from instructzero.tasks.metric import Metric, MetricKind
from instructzero.tasks.text import normal_form, sentences
from instructzero.tasks.text_metric import EXACT_MATCH
from instructzero.types import Example


@dataclass(frozen=True)
class ChoiceMetric(Metric):
    """Scores 1 if the first sentence that names an option names accepted options only.

    Options match as whole words in any case. The longest option wins, so "not the same" does not name "the same".
    A single capital such as A must be a capital in the prediction too. Without ``options``, `bind` takes the accepted
    answers of the examples.

    >>> ChoiceMetric("choice", ("positive", "negative"))("It is clearly Positive.", ["positive"])
    1.0
    """

    options: tuple[str, ...] = ()

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return 1 if ``prediction`` names accepted answers and no other option, else 0."""
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

    def _pattern(self, outputs: Sequence[str]) -> re.Pattern[str]:
        forms = {" ".join(sentences(option, lower=False)) for option in self.options or outputs} - {""}
        alternatives = [
            re.escape(form) if len(form) == 1 and form.isupper() else f"(?i:{re.escape(form)})"
            for form in sorted(forms, key=lambda form: (-len(form), form))
        ]
        return re.compile(rf"(?<![\w.\-])(?:{'|'.join(alternatives) or '(?!)'})(?!\w|\.\d)")


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
