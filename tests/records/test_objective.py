"""The length penalty lowers the mean by exactly its value, and the scores stay in [0, 1]."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import ConfigurationError
from instructzero.records.objective import Objective
from instructzero.types import Evaluation, Proposal, Trial, Usage, Writing

score_lists = st.lists(st.floats(0, 1), min_size=1, max_size=30)
penalties = st.floats(0, 1)


def evaluation(scores):
    return Evaluation(tuple(scores), ("",) * len(scores), Usage())


@given(scores=score_lists, penalty=penalties, length=st.integers(0, 300))
def test_mean_of_adjusted_scores_is_the_value(scores, penalty, length):
    objective, text = Objective(penalty), "x" * length
    adjusted = objective.scores(text, scores)
    value = objective.value(text, evaluation(scores))
    assert sum(adjusted) / len(adjusted) == pytest.approx(value, abs=1e-9)
    assert value == pytest.approx(max(0, sum(scores) / len(scores) - penalty * length / 100), abs=1e-9)


@given(scores=score_lists, penalty=penalties, length=st.integers(0, 300))
def test_adjusted_scores_stay_aligned_and_in_range(scores, penalty, length):
    adjusted = Objective(penalty).scores("x" * length, scores)
    assert len(adjusted) == len(scores)
    assert all(0 <= after <= before for after, before in zip(adjusted, scores, strict=True))
    ordered = sorted(range(len(scores)), key=lambda index: scores[index])
    assert [adjusted[index] for index in ordered] == sorted(adjusted)


@given(scores=score_lists)
def test_scores_without_penalty_are_unchanged(scores):
    assert Objective().scores("a long instruction", scores) == tuple(scores)
    assert Objective().value("a long instruction", evaluation(scores)) == evaluation(scores).mean


def test_value_of_shorter_instruction_is_higher_at_equal_scores():
    objective, scores = Objective(0.05), (1.0, 0.0, 1.0)
    assert objective.value("short", evaluation(scores)) > objective.value("rather longer", evaluation(scores))


def test_penalty_is_per_100_characters():
    assert Objective(0.1).penalty("x" * 250) == pytest.approx(0.25)
    assert Objective(0.1).scores("x" * 50, (1.0, 0.0, 1.0, 0.0)) == (0.9, 0.0, 0.9, 0.0)
    assert Objective(0.1).scores("x" * 800, (1.0, 0.0, 1.0, 0.0)) == (0.0, 0.0, 0.0, 0.0)


def test_adjusted_trial_differs_in_scores_only():
    trial = Trial(3, 1, Proposal((0.5,)), Writing("y" * 100, "y" * 100), evaluation((1.0, 0.0)))
    adjusted = Objective(0.1).adjusted(trial)
    assert adjusted.evaluation.scores == (0.8, 0.0)
    assert Objective().adjusted(trial) == trial
    assert (adjusted.number, adjusted.proposal, adjusted.instruction) == (3, trial.proposal, trial.instruction)


@pytest.mark.parametrize("penalty", [-0.1, float("nan"), float("inf")])
def test_impossible_penalty_is_refused(penalty):
    with pytest.raises(ConfigurationError, match="length penalty of 0 or more"):
        Objective(penalty)
