"""The answers that a request for improvements shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.optimizers.reflection import RIGHT, WRONG, drawn_answers, high_scores, low_scores
from instructzero.types import Evaluation, Example, Finish, Incomplete

EXAMPLES = tuple(Example(f"word {number}", (f"right {number}", "also")) for number in range(12))


def evaluation(scores, **more):
    return Evaluation(tuple(scores), tuple(f"said {number}" for number in range(len(scores))), **more)


def shown(scores, seed=0, **more):
    return drawn_answers(evaluation(scores, **more), EXAMPLES, np.random.default_rng(seed))


def test_wrong_and_right_answers_are_shown_with_their_inputs_and_accepted_answers():
    (wrong,), (right,) = shown([0.0, 1.0])
    assert (wrong.input, wrong.expected, wrong.given) == ("word 0", "right 0 or also", "said 0")
    assert (right.input, right.given) == ("word 1", "said 1")


def test_remarks_and_missing_answers_are_shown_as_such():
    (first, second), _ = shown([0.0, 0.0], remarks=("too long", ""), incomplete=(Incomplete(1, Finish.CUT),))
    by_input = {answer.input: answer for answer in (first, second)}
    assert (by_input["word 0"].remark, by_input["word 0"].problem) == ("too long", "")
    assert by_input["word 1"].problem == "cut off at the token limit"


@pytest.mark.parametrize("finish", [finish for finish in Finish if finish is not Finish.COMPLETE])
def test_every_ending_has_words(finish):
    (wrong,), _ = shown([0.0], incomplete=(Incomplete(0, finish),))
    assert wrong.problem


def test_few_answers_are_shown_and_others_in_another_round():
    drawn = [shown([0.0] * 9 + [1.0] * 3, seed) for seed in range(20)]
    assert all((len(wrong), len(right)) == (WRONG, RIGHT) for wrong, right in drawn)
    assert len({answer.input for wrong, _ in drawn for answer in wrong}) == 9
    assert drawn[3] == shown([0.0] * 9 + [1.0] * 3, 3)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.7, 0.9, 1.0]), min_size=1, max_size=12))
def test_no_answer_is_both_wrong_and_right_and_a_wrong_one_never_scores_higher(scores):
    low, high = low_scores(evaluation(scores)), high_scores(evaluation(scores))
    assert not set(low) & set(high)
    assert len(low) + len(high) > 0
    assert max((scores[position] for position in low), default=0) <= min((scores[p] for p in high), default=1)


def test_right_answers_that_a_penalty_lowered_are_not_wrong():
    assert low_scores(evaluation([0.9, 0.9, 0.0, 0.9])) == [2]
    assert low_scores(evaluation([0.9, 0.9])) == []


def test_all_answers_are_wrong_if_none_is_right():
    assert low_scores(evaluation([0.0, 0.0])) == [0, 1]
    assert high_scores(evaluation([0.0, 0.0])) == []


def test_lower_half_is_wrong_where_scores_are_graded():
    assert low_scores(evaluation([0.9, 0.2, 0.6, 0.4, 0.8])) == [1, 3]
