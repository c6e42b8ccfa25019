"""Scores of a whole set: equal to scikit-learn's, with credits whose mean they are, and honest intervals and tests."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from instructzero.errors import TaskError
from instructzero.tasks import get_metric
from instructzero.tasks.classification.confusion import Confusion
from instructzero.tasks.classification.objectives import Outcomes, confusion_of
from instructzero.tasks.classification.set_scores import MEASURES
from instructzero.types import Example

LABELS = "abcd"
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=40)
ALWAYS_COMMON = (("ham", "ham"),) * 19 + (("spam", "ham"),)


def reference(measure, pairs):
    """Return scikit-learn's score, with a label of its own for answers that name none, which macro F1 leaves out."""
    right, said = [label for label, _ in pairs], [label or "?" for _, label in pairs]
    known = sorted({*right, *said} - {"?"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of labels that only answers name
        return {
            "balanced_accuracy": lambda: metrics.balanced_accuracy_score(right, said),
            "macro_f1": lambda: metrics.f1_score(right, said, labels=known, average="macro", zero_division=0),
            "mcc": lambda: metrics.matthews_corrcoef(right, said),
        }[measure]()


@settings(deadline=None)
@given(pairs=PAIRS)
@pytest.mark.parametrize("measure", MEASURES)
def test_score_of_a_set_is_that_of_scikit_learn(measure, pairs):
    assert Outcomes(measure, tuple(pairs)).value == pytest.approx(reference(measure, pairs), abs=1e-9)


@settings(deadline=None)
@given(pairs=PAIRS)
def test_classes_and_confusion_are_those_of_scikit_learn(pairs):
    confusion = Confusion.of(pairs)
    right, said = [label for label, _ in pairs], [label or "?" for _, label in pairs]
    expected = metrics.precision_recall_fscore_support(right, said, labels=list(confusion.labels), zero_division=0)
    ours = [(one.precision, one.recall, one.f1, one.support) for one in confusion.classes()]
    assert np.allclose(np.array(ours).T, np.array(expected, dtype=float))
    with_none = metrics.confusion_matrix(right, said, labels=[*confusion.labels, "?"])
    assert np.array_equal(confusion.array, with_none[:-1])


@settings(deadline=None)
@given(pairs=PAIRS)
@pytest.mark.parametrize("measure", MEASURES)
def test_mean_credit_is_the_score_of_the_set(measure, pairs):
    outcomes = Outcomes(measure, tuple(pairs))
    credits = outcomes.credits()
    assert all(outcomes.lowest_credit() - 1e-9 <= credit <= 1 for credit in credits)
    assert [credit == 1 for credit in credits] == [label == said for label, said in pairs] or outcomes.value == 1
    if measure != "mcc" or any(label != said for label, said in pairs):
        assert np.mean(credits) == pytest.approx(outcomes.value, abs=1e-9)


@settings(deadline=None)
@given(pairs=PAIRS, data=st.data())
def test_credits_of_balanced_accuracy_are_known_from_the_first_example_on(pairs, data):
    first = data.draw(st.integers(1, len(pairs)))
    whole = Outcomes("balanced_accuracy", tuple(pairs))
    begun = Outcomes("balanced_accuracy", tuple(pairs[:first]))
    assert begun.credits(whole.labels) == pytest.approx(whole.credits()[:first])


@settings(deadline=None)
@given(pairs=PAIRS, data=st.data())
@pytest.mark.parametrize("measure", MEASURES)
def test_credits_of_first_examples_are_estimates_that_end_in_those_of_all(measure, pairs, data):
    whole = Outcomes(measure, tuple(pairs))
    begun = Outcomes(measure, tuple(pairs[: data.draw(st.integers(1, len(pairs)))]))
    credits = begun.credits(whole.labels)
    assert all(begun.lowest_credit(whole.labels) - 1e-9 <= credit <= 1 for credit in credits)
    assert whole.credits(whole.labels) == pytest.approx(whole.credits())


@pytest.mark.parametrize(("measure", "expected"), [("balanced_accuracy", 0.5), ("macro_f1", 0.487), ("mcc", 0.0)])
def test_always_the_common_label_has_the_score_of_chance(measure, expected):
    assert Outcomes(measure, ALWAYS_COMMON).value == pytest.approx(expected, abs=1e-3)
    assert Outcomes(measure, tuple((label, label) for label, _ in ALWAYS_COMMON)).value == 1


def test_labels_named_only_in_answers_count_for_macro_f1_and_answers_without_a_label_do_not():
    assert Outcomes("macro_f1", (("a", "a"), ("a", "b"))).value == pytest.approx((2 / 3 + 0) / 2)
    assert Outcomes("macro_f1", (("a", "a"), ("a", None))).value == pytest.approx(2 / 3)


@settings(deadline=None, max_examples=5)
@given(pairs=PAIRS)
@pytest.mark.parametrize("measure", MEASURES)
def test_interval_contains_the_score_and_ignores_the_order(measure, pairs):
    outcomes = Outcomes(measure, tuple(pairs))
    interval = outcomes.interval()
    assert interval.low <= outcomes.value <= interval.high
    assert interval == Outcomes(measure, tuple(reversed(pairs))).interval()


@settings(deadline=None, max_examples=5)
@given(pairs=PAIRS, seed=st.integers(0, 99))
@pytest.mark.parametrize("measure", MEASURES)
def test_comparison_is_antisymmetric(measure, pairs, seed):
    said = np.random.default_rng(seed).choice([*LABELS], size=len(pairs)).tolist()
    first = Outcomes(measure, tuple(pairs))
    second = Outcomes(measure, tuple((label, name) for (label, _), name in zip(pairs, said, strict=True)))
    there, back = first.compare(second), second.compare(first)
    assert there.difference == pytest.approx(first.value - second.value)
    assert there.p_value == back.p_value
    assert first.pairs == second.pairs or there.low == pytest.approx(-back.high)
    assert first.compare(first).p_value == 1


def test_comparison_has_the_exact_p_value_where_one_label_decides():
    # All answers to the five rare examples differ, so that only 2 of 2⁵ exchanges are as extreme.
    common = (("ham", "ham"),) * 95
    test = Outcomes("balanced_accuracy", (*common, *(("spam", "spam"),) * 5)).compare(
        Outcomes("balanced_accuracy", (*common, *(("spam", "ham"),) * 5))
    )
    assert test.difference == 0.5
    assert test.p_value == pytest.approx(2 / 2**5, abs=0.005)
    assert test.low > 0


def test_interval_is_wide_where_a_label_has_one_example():
    interval = Outcomes("balanced_accuracy", tuple((label, label) for label, _ in ALWAYS_COMMON)).interval()
    assert interval.low < 0.75
    assert interval.high == 1


@pytest.mark.parametrize("measure", MEASURES)
def test_metric_reads_labels_by_the_rules_of_choice(measure):
    examples = [Example(str(number), (label,)) for number, label in enumerate(["yes", "no", "no", "yes"])]
    metric = get_metric(measure).bind(examples)
    outcomes = metric.outcomes(["Yes.", "The answer is no", "I cannot tell", "**no**"], examples)
    assert outcomes.pairs == (("yes", "yes"), ("no", "no"), ("no", None), ("yes", "no"))
    assert [metric(text, example.outputs) for text, example in zip(["Yes!", "yes"], examples, strict=False)] == [1, 0]
    assert metric.scores_sets


def test_confusion_of_another_metric_reads_further_words_for_a_label_as_that_label():
    examples = [Example("1", ("same", "yes")), Example("2", ("different", "no"))]
    assert confusion_of(["yes", "same"], examples, examples) == Confusion.of([("same", "same"), ("different", "same")])


def test_metric_of_a_set_is_refused_in_a_sum():
    with pytest.raises(TaskError, match="scores all answers together"):
        get_metric("0.5*macro_f1 + 0.5*exact_match")
