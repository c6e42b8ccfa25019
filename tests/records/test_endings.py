"""The counts of answers that did not arrive whole, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from instructzero.records.endings import Endings, FailedExample
from instructzero.types import Evaluation, Example, Finish, Incomplete

EXAMPLES = tuple(Example(f"tree {number}", ("oak",)) for number in range(40))


def evaluation(finishes: Sequence[Finish], score: float = 0.0, *, others: float = 1.0, reason: str = "") -> Evaluation:
    """Return results on all examples, of which the first end like ``finishes`` and have ``score``."""
    count = len(EXAMPLES)
    scores = tuple(score if number < len(finishes) else others for number in range(count))
    incomplete = tuple(Incomplete(number, finish, reason) for number, finish in enumerate(finishes))
    return Evaluation(scores, ("x",) * count, incomplete=incomplete)


def endings(*evaluations: Evaluation) -> Endings:
    return Endings.of({"test": (evaluations, EXAMPLES)}, 256)


def test_complete_answers_say_nothing() -> None:
    found = endings(evaluation([]))
    assert (found.warnings(hopeless=True), found.summary(), found.answers) == ([], "", 40)


def test_empty_answers_are_counted_with_the_limit_and_the_remedy() -> None:
    found = endings(evaluation([Finish.EMPTY_AT_LIMIT] * 12))
    assert found.warnings() == [
        "12 of 40 answers were empty: the model used all 256 tokens before it answered; raise --answer-tokens."
    ]
    assert found.summary() == ""  # the warning has the count


def test_endings_of_several_kinds_are_counted_in_one_sentence() -> None:
    found = endings(evaluation([Finish.EMPTY_AT_LIMIT] * 12 + [Finish.CUT]))
    counts = "12 empty because all tokens were used before, 1 cut off"
    assert found.summary() == f"Of 40 answers, 13 did not arrive whole: {counts}."


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        (Finish.EMPTY, "had tokens left"),
        (Finish.FILTERED, "change the filter"),
        (Finish.REFUSED, "refusals of the model"),
        (Finish.CUT, "cut off at 256 tokens, and 5 of them score 0; raise --answer-tokens"),
    ],
)
def test_each_kind_has_its_own_sentence(finish: Finish, words: str) -> None:
    (sentence,) = endings(evaluation([finish] * 5)).warnings()
    assert sentence.startswith("5 of 40 answers")
    assert words in sentence


def test_few_of_a_kind_are_counted_and_only_worth_a_warning_if_the_score_is_0() -> None:
    found = endings(evaluation([Finish.EMPTY]))
    assert found.warnings() == []
    assert "1 empty" in found.summary()
    assert len(found.warnings(hopeless=True)) == 1


@pytest.mark.parametrize(
    ("cut", "score", "others", "warns"),
    [
        (40, 0.6, 0.0, False),  # every answer is cut and most are right, as with contains and a short limit
        (40, 0.0, 0.0, True),
        (20, 0.0, 0.9, True),
        (20, 0.0, 0.0, False),  # the complete ones are as wrong
        (1, 0.0, 0.9, False),
    ],
)
def test_cut_answers_are_mentioned_only_if_the_cut_is_a_likely_cause(
    cut: int, score: float, others: float, warns: bool
) -> None:
    found = endings(evaluation([Finish.CUT] * cut, score, others=others))
    assert bool(found.warnings()) == warns
    assert warns or f"{cut} cut off" in found.summary()


def test_failed_examples_are_named_once_with_their_reason() -> None:
    lost = evaluation([Finish.FAILED] * 5, reason="status 400:\x1b[31m too long")
    found = endings(lost, lost)
    assert found.failed[0] == FailedExample("test", "tree 0", "status 400:\x1b[31m too long")
    assert len(found.failed) == 5
    (sentence,) = found.warnings()
    assert sentence.startswith("5 examples got no answer at least once, which scores 0: “tree 0” (status 400:")
    assert sentence.endswith("and 2 more that result.json names.")
    assert "\x1b" not in sentence


def test_to_dict_holds_counts_that_add_up() -> None:
    counts = endings(evaluation([Finish.CUT, Finish.EMPTY, Finish.FAILED])).to_dict()["answers"]
    assert counts.pop("total") == sum(counts.values()) == 40
    assert (counts["complete"], counts["cut"], counts["failed"]) == (37, 1, 1)


def test_without_the_task_failed_examples_are_named_by_position() -> None:
    lost = evaluation([Finish.FAILED], reason="no")
    assert Endings.of({"test": ([lost], ())}, 0).failed == (FailedExample("test", "example 1", "no"),)
