"""The result: intervals, comparisons, and warnings where they are due and only there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.records.result import Result, Scored, verdict
from instructzero.statistics import PairedTest
from instructzero.types import Evaluation, Example, Proposal, Trial, Usage, Writing

LEAK = Example("giraffe", ("zebra",))


def evaluation(scores: Sequence[float]) -> Evaluation:
    return Evaluation(tuple(scores), ("answer",) * len(scores), Usage(len(scores), 10, 5))


def right(count: int, of: int = 40) -> list[float]:
    return [1.0] * count + [0.0] * (of - count)


def scored(
    instruction: str, validation: Sequence[float], test: Sequence[float], confirmation: Sequence[float] | None = None
) -> Scored:
    again = None if confirmation is None else evaluation(confirmation)
    return Scored(instruction, evaluation(validation), evaluation(test), again)


PLAIN = scored("plain", right(4), right(4))
BETTER = scored("better", right(36), right(36))


def result(best: Scored = BETTER, plain: Scored = PLAIN, **more: Any) -> Result:
    trial = Trial(0, 0, Proposal((0.5,)), Writing(best.instruction, best.instruction), best.validation)
    return Result(best=best, plain=plain, trials=(trial, trial), usage=Usage(7, 8, 9), **more)


def test_warnings_are_empty_for_clear_winner() -> None:
    assert result().warnings() == []
    assert list(result().comparisons()) == ["plain"]
    assert result().comparisons()["plain"].difference == pytest.approx(0.8)


def test_warnings_name_difference_within_noise_with_interval() -> None:
    close = scored("close", right(36), right(35))
    (warning,) = result(plain=close).warnings()
    assert warning.startswith("On the test examples the best instruction differs from the plain instruction by +0.025")
    assert "within noise (95 % interval -" in warning


def test_warnings_call_a_worse_winner_worse() -> None:
    better = scored("better after all", right(35), right(40))
    (warning,) = result(best=scored("best", right(36), right(20)), plain=better).warnings()[:1]
    assert "the best instruction is worse than the plain instruction by 0.500 (95 % interval -" in warning
    assert "noise" not in warning


def test_warnings_name_the_baseline_as_the_users_instruction() -> None:
    mine = scored("mine", right(36), right(36))
    found = result(baseline=mine)
    assert list(found.comparisons()) == ["plain", "baseline"]
    (warning,) = found.warnings()
    assert "differs from your instruction by +0.000, within noise" in warning


def test_comparisons_leave_out_winning_plain_instruction() -> None:
    assert result(best=PLAIN, plain=PLAIN).comparisons() == {}
    assert result(best=PLAIN, plain=PLAIN).warnings() == []
    assert list(result(best=PLAIN, plain=PLAIN, baseline=BETTER).comparisons()) == ["baseline"]
    assert list(result(baseline=BETTER).comparisons()) == ["plain"]


def test_warnings_show_shortened_inputs_of_leaks() -> None:
    many = [LEAK, Example("x" * 500, ("y",)), Example("\x1b[1m", ("z",)), Example("fourth", ("w",))]
    (warning,) = result(leaks=tuple(many)).warnings()
    assert "copies examples that its writer was shown ('giraffe', 'xxx" in warning
    assert "fourth" not in warning
    assert "\x1b" not in warning
    assert len(warning) < 250


def test_warnings_name_sampled_answers() -> None:
    assert not result().warnings()
    (warning,) = result(sampled=True).warnings()
    assert warning.startswith("The black box accepts no temperature, so its answers are samples")


@pytest.mark.parametrize(
    ("confirmation", "test", "disagree"),
    [
        (None, 36, False),
        (None, 30, False),
        (None, 10, True),
        (20, 24, False),  # the validation score alone would disagree
        (36, 16, True),
    ],
)
def test_warnings_name_disagreement_if_intervals_are_apart(confirmation: int | None, test: int, disagree: bool) -> None:
    again = None if confirmation is None else right(confirmation)
    best = scored("best", right(38), right(test), again)
    warnings = result(best=best, plain=scored("plain", right(0), right(0))).warnings()
    assert [warning.startswith("Validation (") for warning in warnings] == [True] * disagree


def test_warnings_name_disagreement_in_either_direction() -> None:
    (warning,) = result(best=scored("best", right(12), right(40))).warnings()
    assert warning.startswith("Validation (0.300) and test (1.000) disagree by more than chance explains")


SCORES = st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=6)


@settings(deadline=None, max_examples=25)
@given(validation=SCORES, test=SCORES, confirmation=st.none() | SCORES)
def test_intervals_contain_their_means(
    validation: list[float], test: list[float], confirmation: list[float] | None
) -> None:
    content = scored("a", validation, test, confirmation).to_dict()
    parts = ["validation", "test"] if confirmation is None else ["validation", "confirmation", "test"]
    assert sorted(content["intervals"]) == sorted(parts)
    for part in parts:
        interval = content["intervals"][part]
        assert 0 <= interval["low"] <= content[f"{part}_score"] <= interval["high"] <= 1
        assert interval["method"] in ("Wilson", "bootstrap")


def test_to_dict_holds_content_of_result_json() -> None:
    best = scored("better", right(36), right(30), right(18, of=20))
    found = result(best=best, baseline=PLAIN, leaks=(LEAK,), spent={"black box": Usage(5, 6, 7), "judge": Usage(1)})
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["instruction"] == "better"
    assert (content["validation_score"], content["confirmation_score"], content["test_score"]) == (0.9, 0.9, 0.75)
    assert content["plain"]["instruction"] == content["baseline"]["instruction"] == "plain"
    assert content["comparisons"]["plain"].keys() == {"difference", "low", "high", "p_value"}
    assert content["warnings"] == found.warnings() != []
    assert (content["evaluations"], content["distinct_instructions"]) == (2, 1)
    sizes = [content[f"{part}_examples"] for part in ("validation", "confirmation", "test")]
    assert sizes == [40, 20, 40]
    assert content["usage"] == {"calls": 7, "prompt_tokens": 8, "completion_tokens": 9}
    assert content["spent"]["judge"] == {"calls": 1, "prompt_tokens": 0, "completion_tokens": 0}


def test_to_dict_leaves_out_missing_parts() -> None:
    content = result().to_dict()
    assert content["baseline"] is None
    assert "confirmation_score" not in content
    assert content["confirmation_examples"] == 0
    assert content["spent"] == {}


# The verdict on the instruction that the search started from


def started(best: Scored, own: Scored, challenger: Scored | None) -> Result:
    return result(best=best, starts=(own,), challenger=challenger)


def test_verdict_keeps_the_users_instruction_if_it_is_the_winner() -> None:
    own, close = scored("mine", right(30), right(30)), scored("close", right(31), right(31))
    found = started(own, own, close)
    assert found.verdict == "Keep yours: no instruction was shown to be better."
    assert list(found.comparisons()) == ["plain", "challenger"]
    assert found.warnings() == []


def test_verdict_switches_with_difference_and_interval() -> None:
    own = scored("mine", right(10), right(10))
    found = started(BETTER, own, BETTER)
    test = found.comparisons()["start"]
    assert found.verdict == (
        f"Switch: the new instruction is better by +0.65 [{test.low:+.2f}, {test.high:+.2f}] on 40 test examples."
    )
    assert list(found.comparisons()) == ["plain", "start"]


def test_verdict_says_what_the_length_penalty_decides() -> None:
    own, low, high = (scored(text, right(20), right(count)) for text, count in (("m", 20), ("l", 18), ("h", 40)))
    kept, switched = started(own, own, high).verdict, started(low, own, low).verdict
    assert kept is not None
    assert kept.startswith("Keep yours: no instruction was shown to be better by more than its length costs (+0.50 [+")
    assert switched is not None
    assert switched.startswith("Switch: the new instruction is shorter, which the length penalty rewards (-0.05 [-")


@pytest.mark.parametrize("low", [0.0004, 0.004, 0.005, 0.3])
def test_verdict_shows_an_interval_above_zero_as_one(low: float) -> None:
    said = verdict(PairedTest(low + 0.01, low, low + 0.1, 0.01), 1, kept=False)
    assert said.endswith(" on 1 test example.")
    assert "[-" not in said
    if low >= 0.004:
        assert "+0.00," not in said
        assert "+0.000," not in said


def test_result_without_starts_has_no_verdict() -> None:
    assert result().verdict is None
    content = result().to_dict()
    assert (content["starts"], content["challenger"], content["verdict"]) == ([], None, None)


def test_verdict_without_challenger_keeps() -> None:
    assert started(PLAIN, PLAIN, None).verdict == "Keep yours: no instruction was shown to be better."
    assert started(PLAIN, PLAIN, None).comparisons() == {}


def test_comparisons_name_a_start_that_is_the_baseline_once() -> None:
    own = scored("mine", right(10), right(10))
    assert list(result(starts=(own,), baseline=own, challenger=BETTER).comparisons()) == ["plain", "baseline"]
