"""What a metric cannot tell apart is said with an example and the remedy."""

import pytest

from instructzero.tasks import builtin_names, get_metric, load_builtin
from instructzero.tasks.ambiguities import ambiguities
from instructzero.types import Example


def labelled(*labels):
    return [Example(f"snippet {place}", (label,)) for place, label in enumerate(labels)]


@pytest.mark.parametrize("spec", ["exact_match", "f1", "exact_set", "choice", "contains", "macro_f1"])
def test_two_labels_with_one_normal_form_are_said_with_remedy(spec):
    (said,) = ambiguities(labelled("yes!", "yes?", "no", "no"), get_metric(spec))
    assert said == (
        f"1 pair of different answers counts as equal under {spec}, such as 'yes!' and 'yes?'; "
        f"use --metric verbatim if they differ in meaning"
    )


@pytest.mark.parametrize("spec", ["exact_match", "choice", "contains", "verbatim"])
def test_labels_that_differ_in_signs_are_no_ambiguity(spec):
    assert ambiguities(labelled("J", "J++", "J#"), get_metric(spec)) == []


def test_label_inside_another_is_said_for_contains_only():
    examples = labelled("supported", "not_supported")
    (said,) = ambiguities(examples, get_metric("contains"))
    assert "1 answer lies inside another one" in said
    assert "'supported' and 'not_supported'" in said
    assert said.endswith("use --metric choice, which takes the longest")
    assert ambiguities(examples, get_metric("choice")) == ambiguities(examples, get_metric("exact_match")) == []


def test_inputs_that_count_as_their_own_answers_are_counted():
    examples = [Example(f"is it day {day}", (f"Is it day {day}?",)) for day in range(8)]
    (said,) = ambiguities([*examples, Example("stop", ("stop",))], get_metric("exact_match"))
    assert said.startswith("8 of 9 inputs count as their own answers under exact_match, such as 'is it day 0'")
    assert said.endswith("use --metric verbatim if what differs is the task")
    assert ambiguities(examples, get_metric("verbatim")) == []


def test_few_inputs_that_are_their_own_answers_are_chance():
    examples = [Example(word, (f"{word} more",)) for word in "abcdefghijklmnopqrstu"]
    assert ambiguities([*examples, Example("arm", ("Arm",))], get_metric("exact_match")) == []


def test_alternative_answers_of_one_example_are_no_ambiguity():
    assert ambiguities([Example("1", ("Yes", "yes!")), Example("2", ("no",))], get_metric("exact_match")) == []


def test_sum_is_ambiguous_only_if_all_its_parts_are():
    examples = labelled("yes!", "yes?")
    assert ambiguities(examples, get_metric("0.5*exact_match + 0.5*verbatim")) == []
    assert len(ambiguities(examples, get_metric("0.5*exact_match + 0.5*f1"))) == 1


def test_remedy_for_what_verbatim_does_not_tell_apart_is_a_function():
    (said,) = ambiguities(labelled('"J"', "J"), get_metric("exact_match"))
    assert "--metric MODULE:FUNCTION" in said


@pytest.mark.parametrize("spec", ["numeric", "regex:(.*)", "0.5*numeric + 0.5*f1"])
def test_metric_that_reads_more_than_texts_has_no_ambiguities(spec):
    assert ambiguities(labelled("yes!", "yes?"), get_metric(spec)) == []


def test_no_examples_have_no_ambiguities():
    assert ambiguities([], get_metric("exact_match")) == []


def test_builtin_tasks_have_no_ambiguities():
    for name in builtin_names():
        data = load_builtin(name)
        examples = [*data.search, *(data.test or ())]
        assert ambiguities(examples, get_metric(data.metric or "exact_match").bind(examples)) == []
