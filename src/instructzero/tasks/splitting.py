"""Split a task's examples into exemplars, validation, test and confirmation examples: disjoint and seeded.

If the answers are a few labels, every part keeps their shares (`instructzero.tasks.classification.stratified`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from instructzero.errors import TaskError
from instructzero.tasks.ambiguities import ambiguities
from instructzero.tasks.classification.labels import conflicting_labels, label_counts, label_of, missing_labels
from instructzero.tasks.classification.stratified import cut
from instructzero.tasks.custom import LoadFunction, load_function
from instructzero.tasks.data import TaskData, input_key
from instructzero.tasks.metric import Metric
from instructzero.tasks.specifications import get_metric
from instructzero.types import Example

DEFAULT_EXEMPLARS, DEFAULT_VALIDATION, DEFAULT_TEST = 5, 20, 100  # the paper's sizes
DEFAULT_CONFIRMATION = 40
_PARTS = {"exemplars": "exemplars", "validation": "validation examples", "test": "test examples"}
_CONFIRMATION = "confirmation"
_NAMES = {**_PARTS, _CONFIRMATION: "confirmation examples"}


@dataclass(frozen=True)
class Task:
    """The data and the metric of a run. No input occurs in two parts.

    Parameters
    ----------
    name
        The task's name.
    exemplars
        The examples that the writer sees.
    validation
        The examples that the search scores on.
    test
        The examples of the final test.
    metric
        Scores the answers.
    description
        One line for tables.
    confirmation
        The examples on which the best instructions are scored again before the winner is chosen; may be empty.
    remarks
        What is doubtful about the data, one sentence each: warnings that are due before the first call.

    Raises
    ------
    TaskError
        If a part is empty or an input occurs in two parts.
    """

    name: str
    exemplars: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    metric: Metric
    description: str = ""
    confirmation: tuple[Example, ...] = ()
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in _PARTS:
            if not getattr(self, part):
                raise TaskError(f"task {self.name!r}: expected at least one of {_PARTS[part]}, got none")
        keys = [input_key(example) for example in (*self.exemplars, *self.validation, *self.confirmation, *self.test)]
        if len(set(keys)) < len(keys):
            raise TaskError(f"task {self.name!r}: expected every input in one part only, got some in two")


def split_task(
    data: TaskData,
    *,
    metric: str | None = None,
    exemplars: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    confirmation: int | None = 0,
    seed: int = 0,
    load: LoadFunction = load_function,
) -> Task:
    """Split ``data`` at random; the split depends on ``seed`` and the task's name only.

    A task with a test part of its own takes its test examples from there and the others from its search part. If the
    answers are a few labels, every part keeps their shares; see `instructzero.tasks.classification.stratified.cut`.

    Parameters
    ----------
    data
        The examples.
    metric
        The specification of the metric; by default the data's own, else exact match.
    exemplars, validation, test
        Sizes. ``None`` stands for the default size: 5 exemplars, 20 validation and 100 test examples. If there are too
        few examples for that, the parts without an explicit size share the rest: a fifth of it, at most 5, for the
        exemplars; then at most 20 for validation, or half if the test takes its examples from the same rest; the
        remainder, at most 100, for the test. None of these parts is ever empty.
    confirmation
        Size. ``None`` stands for at most 40 of the examples that the other parts leave, which may be none.
    seed
        Seeds the split.
    load
        Loads a metric that is a Python function.

    Raises
    ------
    TaskError
        If there are too few examples, or the metric is unknown or does not fit them.
    """
    asked = {"exemplars": exemplars, "validation": validation, "test": test}
    if confirmation:
        asked[_CONFIRMATION] = confirmation
    _check_sizes(asked)
    search = _shuffled(data.search, f"{seed}/{data.name}/search")
    everything = (*data.search, *(data.test or ()))
    label = label_of if label_counts(everything) else None
    if data.test is None:
        sizes = _share(len(search), asked, data.name)
        shown, validated, tested, rest = cut(search, [sizes[part] for part in _PARTS], label)
    else:
        of_search = {part: size for part, size in asked.items() if part != "test"}
        sizes = _share(len(search), of_search, data.name) | _share(len(data.test), {"test": test}, data.name)
        shown, validated, rest = cut(search, [sizes["exemplars"], sizes["validation"]], label)
        tested, _ = cut(_shuffled(data.test, f"{seed}/{data.name}/test"), [sizes["test"]], label)
    confirmed, _ = cut(rest, [min(DEFAULT_CONFIRMATION if confirmation is None else confirmation, len(rest))], label)
    task = Task(
        name=data.name,
        exemplars=shown,
        validation=validated,
        test=tested,
        confirmation=confirmed,
        metric=get_metric(metric or data.metric or "exact_match", load).bind(everything),
        description=data.description,
    )
    return replace(task, remarks=tuple(_remarks(task, everything)))


def _remarks(task: Task, examples: Sequence[Example]) -> Iterator[str]:
    """Yield what is doubtful about the ``examples`` and their split, one sentence each."""
    parts: dict[str, Sequence[Example]] = {name: getattr(task, part) for part, name in _NAMES.items()}
    yield from missing_labels(parts, label_counts(examples))
    yield from conflicting_labels(examples)
    yield from ambiguities(examples, task.metric)
    for metric in task.metric.parts.values():
        yield from metric.remarks(examples)


def _shuffled(examples: tuple[Example, ...], seed: str) -> tuple[Example, ...]:
    # random.Random hashes a text by SHA-512, so the order depends neither on hash randomisation nor on the platform.
    return tuple(random.Random(seed).sample(examples, len(examples)))


def _check_sizes(asked: Mapping[str, int | None]) -> None:
    for part, size in asked.items():
        if size is not None and size < 1:
            raise TaskError(f"asked for {size} {_NAMES[part]}; ask for at least 1, or leave it to the default")


def _share(available: int, asked: Mapping[str, int | None], name: str) -> dict[str, int]:
    """Return the sizes of the parts that share ``available`` examples: first the explicit sizes, then the defaults."""
    sizes = {part: size for part, size in asked.items() if size is not None}
    left = available - sum(sizes.values())
    open_parts = [part for part in asked if part not in sizes]
    if available < len(asked):
        raise TaskError(_too_few(available, asked, name))
    if left < len(open_parts):
        raise TaskError(_too_many_asked(available, sizes, len(open_parts), name))
    for part in open_parts:
        sizes[part] = _default_size(part, left, left_alone=part == open_parts[-1])
        left -= sizes[part]
    return sizes


def _default_size(part: str, left: int, *, left_alone: bool) -> int:
    if part == "exemplars":
        return min(DEFAULT_EXEMPLARS, left if left_alone else max(1, left // 5))
    if part == "validation":
        return min(DEFAULT_VALIDATION, left if left_alone else left // 2)
    return min(DEFAULT_TEST, left)


def _too_few(available: int, parts: Mapping[str, int | None], name: str) -> str:
    wanted = " and ".join(_NAMES[part] for part in parts)
    return f"task {name!r}: expected at least {len(parts)} examples for {wanted}, got {available}; add some"


def _too_many_asked(available: int, asked: Mapping[str, int], open_parts: int, name: str) -> str:
    wanted = " and ".join(f"{size} {_NAMES[part]}" for part, size in asked.items())
    together = " together" if len(asked) > 1 else ""
    rest = ", every other part needs one" if open_parts else ""
    most = available - open_parts
    return f"asked for {wanted}, the task {name!r} has {available}{rest}; ask for at most {most}{together}"
