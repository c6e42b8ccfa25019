"""Labels: the answers of a task that has only a few of them, so that it is a classification.

The label of an example is its first accepted answer, in lower case. Further accepted answers are other words for it,
unless they are the only answer of other examples.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from instructzero.terminal import short
from instructzero.types import Example

MAX_LABELS, EXAMPLES_PER_LABEL = 10, 20
"""A task has few labels if it has at most 10, or at least 20 examples for each of them on average."""

MIN_EXAMPLES_PER_LABEL = 2
"""The mean number of examples of a label below which the answers of a small task are no labels."""

_SHOWN = 3  # labels or inputs in a message


def label_of(example: Example) -> str:
    """Return the label of an example: its first accepted answer in lower case, with single spaces.

    >>> label_of(Example("2 + 2", ("Even", "even number")))
    'even'
    """
    return as_label(example.outputs[0])


def as_label(answer: str) -> str:
    """Return the label that an answer is: in lower case, with composed characters and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", answer).casefold().split())


def label_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Return the number of examples of every label, the commonest first, or nothing if there are not few labels.

    There are few if there are at least two and at most `MAX_LABELS`, or one for `EXAMPLES_PER_LABEL` examples, and
    each has at least `MIN_EXAMPLES_PER_LABEL` examples on average.

    >>> label_counts([Example(str(number), ("odd" if number % 2 else "even",)) for number in range(5)])
    {'even': 3, 'odd': 2}
    """
    counts = Counter(map(label_of, examples))
    most = min(max(MAX_LABELS, len(examples) // EXAMPLES_PER_LABEL), len(examples) // MIN_EXAMPLES_PER_LABEL)
    if not 2 <= len(counts) <= most:
        return {}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def missing_labels(parts: Mapping[str, Sequence[Example]], labels: Iterable[str]) -> Iterator[str]:
    """Yield one sentence that names the labels that do not occur in a part, by the names of the parts.

    >>> next(missing_labels({"test examples": [Example("1", ("odd",))]}, ["even", "odd"]))
    "Not every part of the data has every label: the test examples lack 'even'; ask for more of them, or add examples"
    """
    known = tuple(labels)
    lacking = {name: set(known) - set(map(label_of, part)) for name, part in parts.items() if part}
    said = [
        f"the {name} lack {_listed([name for name in known if name in missing])}"
        for name, missing in lacking.items()
        if missing
    ]
    if said:
        yield (f"Not every part of the data has every label: {', '.join(said)}; ask for more of them, or add examples")


def conflicting_labels(examples: Sequence[Example]) -> Iterator[str]:
    """Yield one sentence about inputs that have several labels, if there are any among few labels.

    Accepted answers that occur only together are words for one label, as in ``("same", "yes")``.

    >>> rows = [Example("1", ("odd",)), Example("2", ("even",)), Example("3", ("odd", "even")), Example("4", ("even",))]
    >>> next(conflicting_labels(rows))
    "1 input has several labels, each of which counts as right: '3' ('odd', 'even'); keep one of them if that is wrong"
    """
    alone = {label_of(example) for example in examples if len(example.outputs) == 1}
    several = [example for example in examples if len(alone & set(map(as_label, example.outputs))) > 1]
    if several and label_counts(examples):
        shown = "; ".join(f"{short(example.input, 60)!r} ({_listed(example.outputs)})" for example in several[:_SHOWN])
        has = "1 input has" if len(several) == 1 else f"{len(several):,} inputs have"
        yield f"{has} several labels, each of which counts as right: {shown}; keep one of them if that is wrong"


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(short(label, 40)) for label in labels[:_SHOWN])
    return f"{shown} and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else shown
