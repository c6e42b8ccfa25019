"""The length penalty lowers the mean by exactly its value, and the scores stay in [0, 1]."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import ConfigurationError
from instructzero.records.objective import Objective
from instructzero.search.racing import Race
from instructzero.tasks.classification.objectives import Outcomes
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


SKEWED = ("ham", "ham", "ham", "spam", "ham")


def answered(*said, measure="balanced_accuracy"):
    pairs = tuple(zip(SKEWED, said, strict=False))
    scores = tuple(float(label == name) for label, name in pairs)
    return Evaluation(scores, said, outcomes=Outcomes(measure, pairs))


@pytest.mark.parametrize("measure", ["balanced_accuracy", "macro_f1", "mcc"])
@pytest.mark.parametrize("penalty", [0.0, 0.2])
def test_adjusted_trial_of_a_set_has_the_value_as_its_mean(measure, penalty):
    objective = Objective(penalty, SKEWED)
    evaluation = answered("ham", "spam", "ham", "spam", "ham", measure=measure)
    text = "x" * 50
    trial = Trial(0, 0, Proposal(None), Writing(text, text), evaluation)
    adjusted = objective.adjusted(trial)
    assert adjusted.score == pytest.approx(objective.value(text, evaluation))
    assert objective.value(text, evaluation) == pytest.approx(evaluation.score - penalty / 2)


def test_value_of_first_answers_of_a_set_is_the_mean_of_their_credits():
    objective = Objective(labels=SKEWED)
    begun = answered("ham", "ham", "spam")
    assert begun.score == pytest.approx(2 / 3)  # of the set so far, which is not the score of all examples
    assert objective.value("x", begun) == pytest.approx((1 + 1 + 1 - 5 / (2 * 4)) / 3)


def test_race_of_a_set_gives_up_exactly_what_cannot_be_reached():
    objective, race = Objective(labels=SKEWED), Race(5, (5,), alpha=0.1)
    missed = answered("ham", "ham", "ham", "ham")  # at most 0.5
    slipped = answered("ham", "ham", "spam", "spam")  # at most 0.875
    for evaluation, highest in ((missed, 0.5), (slipped, 0.875)):
        assert race.may_still_win(*objective.race("x", evaluation, highest))
        assert not race.may_still_win(*objective.race("x", evaluation, highest + 0.01))


def test_race_of_means_takes_the_scores_as_they_are():
    assert Objective(0.1).race("x" * 100, Evaluation((1.0, 0.5), ("a", "b")), 0.6) == ((1.0, 0.5), 0.7)


def test_negative_value_of_a_set_counts_as_zero():
    objective = Objective(labels=SKEWED)
    evaluation = answered("spam", "spam", "spam", "ham", "ham", measure="mcc")
    assert evaluation.score < 0
    assert objective.value("x", evaluation) == 0
    assert set(objective.adjusted_evaluation("x", evaluation).scores) == {0.0}
