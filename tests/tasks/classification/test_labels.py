"""Labels: which tasks have few of them, and what is said about missing and conflicting ones."""

import pytest

from instructzero.tasks import TaskData, get_metric, split_task
from instructzero.tasks.classification.labels import conflicting_labels, label_counts, label_of, missing_labels
from instructzero.types import Example


def rows(**counts):
    return [Example(f"{label} {number}", (label,)) for label, count in counts.items() for number in range(count)]


@pytest.mark.parametrize(
    ("examples", "expected"),
    [
        (rows(no=3, yes=5), {"yes": 5, "no": 3}),
        (rows(yes=8), {}),
        (rows(a=1, b=1, c=1), {}),
        (rows(**{f"l{number}": 3 for number in range(11)}), {}),
        (rows(**dict.fromkeys("abcdefghijk", 20)), dict.fromkeys("abcdefghijk", 20)),
        ([*rows(YES=2), *rows(no=2), Example("x", (" yes",))], {"yes": 3, "no": 2}),
    ],
)
def test_label_counts_are_those_of_few_answers(examples, expected):
    assert label_counts(examples) == expected
    assert list(label_counts(examples)) == list(expected)


def test_label_keeps_signs():
    assert len({label_of(Example("x", (answer,))) for answer in ("C", "C++", "C#")}) == 3


def test_missing_labels_are_named_with_their_parts():
    parts = {"exemplars": rows(a=2), "validation examples": rows(a=1, b=1, c=1, d=1, e=1), "test examples": []}
    assert list(missing_labels(parts, "abcde")) == [
        "Not every part of the data has every label: the exemplars lack 'b', 'c', 'd' and 1 more; ask for more of "
        "them, or add examples"
    ]
    assert not list(missing_labels({"exemplars": rows(a=1, b=1)}, "ab"))


def test_conflicting_labels_are_named():
    examples = [*rows(spam=4, ham=4), Example("Win", ("spam", "ham")), Example("Hi", ("ham", "Spam"))]
    (said,) = conflicting_labels(examples)
    assert said.startswith("2 inputs have several labels, each of which counts as right: 'Win' ('spam', 'ham'); 'Hi'")


def test_words_for_one_label_are_no_conflict():
    examples = [Example(str(number), ("same", "yes") if number % 2 else ("not the same", "no")) for number in range(8)]
    assert label_counts(examples) == {"not the same": 4, "same": 4}
    assert not list(conflicting_labels(examples))


def test_split_remarks_on_missing_and_conflicting_labels_and_passes_on_those_of_the_metric():
    data = TaskData("mail", (*rows(spam=1, ham=38), Example("Win", ("spam", "ham"))))
    missing, conflict = split_task(data, exemplars=3, validation=10, test=20, seed=1).remarks
    assert "the validation examples lack 'spam'" in missing or "the test examples lack 'spam'" in missing
    assert conflict.startswith("1 input has several labels")
    assert split_task(TaskData("words", tuple(rows(a=1, b=1, c=1, d=1)))).remarks == ()
    assert get_metric("exact_match").remarks(data.search) == ()
