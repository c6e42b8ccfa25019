"""DSPy's examples as a task of a run: their fields as texts, divided into the parts of a run."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.integrations.dspy.fields import as_text
from instructzero.integrations.dspy.program import Metric, check_metric
from instructzero.tasks import Task
from instructzero.tasks.custom import FunctionMetric
from instructzero.types import Example

_EXEMPLARS, _VALIDATION, _CONFIRMATION, _TEST = 5, 20, 40, 100
_FEWEST = 3
_NO_LABEL = "(the metric decides)"
"""The accepted answer of an example without labels."""


class ProgramMetric(FunctionMetric):
    """The name and the code of a metric of DSPy; `Candidates` calls it, with the prediction itself."""

    @property
    def reads_columns(self) -> bool:
        """False: the texts of the examples hold all their fields."""
        return False


def metric_of(metric: Metric) -> ProgramMetric:
    """Return the metric of a task for a metric of DSPy.

    Raises
    ------
    ConfigurationError
        If it cannot be called.
    """
    check_metric(metric)
    name = getattr(metric, "__qualname__", type(metric).__qualname__)
    return ProgramMetric(f"dspy:{name}", metric)


@dataclass(frozen=True)
class Parts:
    """The parts of a run, and DSPy's examples by the inputs in them."""

    task: Task
    examples: Mapping[str, Any]


def divided(
    name: str,
    trainset: Sequence[Any],
    valset: Sequence[Any] | None,
    settings: Settings,
    metric: Metric,
    runs: int | None,
) -> Parts:
    """Return DSPy's examples, drawn at random, as the parts of a run.

    Parameters
    ----------
    name
        The name of the task.
    trainset
        Gives the exemplars and the validation examples of the search.
    valset
        Gives the confirmation and the test examples; None divides the ``trainset``. An example in both is here.
    settings
        Give the seed, and the sizes that are set.
    metric
        Scores the answers.
    runs
        The number of program runs that the limit of calls allows; it decides about the other sizes. None is no limit.

    Raises
    ------
    ConfigurationError
        If there are too few examples, or they have no inputs.
    """
    generator = random.Random(settings.seed)
    held_out = _shuffled(() if valset is None else valset, generator)
    search = {text: one for text, one in _shuffled(trainset, generator).items() if text not in held_out}
    if valset is None:
        half = list(search)[: len(search) // 2]
        held_out = {text: search.pop(text) for text in half}
    _check(search, held_out, valset is None)
    task = _task(name, search, held_out, settings, metric, runs)
    return Parts(task, {**search, **held_out})


def _task(
    name: str,
    search: Mapping[str, Any],
    held_out: Mapping[str, Any],
    settings: Settings,
    metric: Metric,
    runs: int | None,
) -> Task:
    exemplars = settings.exemplars or min(_EXEMPLARS, max(1, len(search) // 4))
    validation = settings.validation or _size(len(search) - exemplars, _VALIDATION, runs and runs // 10)
    test = settings.test or _size(len(held_out), _TEST, runs and runs // 8)
    confirmation = settings.confirmation
    if confirmation is None:
        confirmation = _size(len(held_out) - test, _CONFIRMATION, runs and runs // 20, least=0)
    wanted = {"exemplars and validation": exemplars + validation, "test and confirmation": test + confirmation}
    for (what, number), there in zip(wanted.items(), (search, held_out), strict=True):
        if number > len(there):
            raise ConfigurationError(
                f"expected at least {number} different examples for {what}, got {len(there)}; give more, or set lower "
                "numbers"
            )
    first, last = _examples(search), _examples(held_out)
    return Task(
        name,
        exemplars=first[:exemplars],
        validation=first[exemplars : exemplars + validation],
        test=last[:test],
        confirmation=last[test : test + confirmation],
        metric=metric_of(metric),
    )


def _size(there: int, most: int, affordable: int | None, *, least: int = _FEWEST) -> int:
    """Return the size of a part: all that is ``there``, but at most so many, and not more than is ``affordable``."""
    return max(0, min(there, most, most if affordable is None else max(least, affordable)))


def _examples(given: Mapping[str, Any]) -> tuple[Example, ...]:
    return tuple(Example(text, (as_text(one.labels()) or _NO_LABEL,)) for text, one in given.items())


def _shuffled(given: Sequence[Any], generator: random.Random) -> dict[str, Any]:
    """Return examples by their inputs as text, in random order; of those with the same inputs, the first one."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigurationError(
            f"expected a list of dspy.Example as trainset and valset, got {type(given).__name__}; give one"
        )
    texts: dict[str, Any] = {}
    for number, one in enumerate(given, start=1):
        texts.setdefault(_input(one, number), one)
    order = list(texts)
    generator.shuffle(order)
    return {text: texts[text] for text in order}


def _input(example: Any, number: int) -> str:
    try:
        text = as_text(example.inputs()).strip()
    except (AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"example {number}: expected a dspy.Example with inputs, got {type(example).__name__} ({error}); make it "
            "with dspy.Example(...).with_inputs(...)"
        ) from None
    if not text:
        raise ConfigurationError(f"example {number}: expected inputs with a text, got none; remove the example")
    return text


def _check(search: Mapping[str, Any], held_out: Mapping[str, Any], divides: bool) -> None:
    if len(search) < 2 or not held_out:
        least = "at least 3 different examples in trainset" if divides else "2 in trainset besides those of valset"
        raise ConfigurationError(
            f"expected {least}, got {len(search) + (len(held_out) if divides else 0)}; give more examples"
        )
