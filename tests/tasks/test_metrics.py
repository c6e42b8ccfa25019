"""Properties that hold for all metrics, and cases that the published metrics get wrong."""

import html
import math
import re
import string
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.config import Settings
from instructzero.errors import TaskError
from instructzero.registry import METRICS
from instructzero.tasks import METRIC_FORMS, MetricKind, get_metric, is_judged
from instructzero.types import Example

SPECS = [
    "exact_match",
    "verbatim",
    "f1",
    "exact_set",
    "contains",
    "numeric",
    "numeric:0.5",
    "choice",
    "0.3*exact_match + 0.7*f1",
]
answers = st.text(min_size=1) | st.text(string.punctuation + string.digits + " aA\n", min_size=1)


@pytest.mark.parametrize("name", METRICS.own)
def test_builtin_metric_registers_itself_in_its_own_file(name):
    kind = METRICS.load(name)
    assert isinstance(kind, MetricKind)
    assert kind.form in METRIC_FORMS
    assert kind.form.partition("[")[0].partition(":")[0] == name
    assert kind.summary
    assert kind.judged is is_judged(name) is (name == "judge")


@pytest.mark.parametrize("name", METRICS.own)
def test_builtin_metric_is_documented_in_help_and_on_the_site(name):
    page = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    forms = {html.unescape(form) for form in re.findall(r"(?:`|<code>)([^`<]+)(?:`|</code>)", page)}
    assert METRICS.load(name).form in forms
    assert name in str(Settings.model_fields["metric"])


def test_unregistered_or_missing_metric_is_not_judged():
    assert not any(map(is_judged, [None, "", "no_such_metric", "0.5*f1 + 0.5*contains", "my_metrics:judge"]))


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None)
@given(answer=answers)
def test_metric_gives_every_answer_1_against_itself(spec, answer):
    assert get_metric(spec)(answer, (answer,)) == 1.0


@pytest.mark.parametrize("spec", [*SPECS, "choice:yes|no", r"regex:(\w+)?!"])
@settings(deadline=None)
@given(prediction=answers | st.just(""), outputs=st.lists(st.text(), min_size=1, max_size=3))
def test_metric_returns_number_from_0_to_1(spec, prediction, outputs):
    score = get_metric(spec)(prediction, outputs)
    assert isinstance(score, float)
    assert 0.0 <= score <= 1.0


@pytest.mark.parametrize("spec", SPECS)
@settings(deadline=None)
@given(prediction=st.text(), outputs=st.lists(answers, min_size=2, max_size=3))
def test_another_accepted_answer_never_lowers_score(spec, prediction, outputs):
    metric = get_metric(spec)
    assert metric(prediction, outputs) >= metric(prediction, outputs[:1])


@pytest.mark.parametrize(
    ("prediction", "answer"),
    [
        ("Paris. It is the capital.", "paris"),
        ("Paris\nFrance", "Paris"),
        ("\n  The  Answer! ", "the answer"),
        ("Sentence 1: The child fell.", "The child fell."),
        ("five hundred and four", "five hundred four"),
        ("ninety-four", "ninety four"),
        ("“Zeit”", "Zeit"),
        ("cafe\u0301", "café"),
        ("1,000", "1000"),
        ("1,2,3", "1, 2, 3"),
        ("\u22125", "-5"),
        ("A.M.", "a.m."),
        ("Dr. King. He led the movement.", "Dr. King"),
        ("Dr King", "Dr. King"),
        ("one\ntwo\nthree", "one\ntwo"),
    ],
)
def test_exact_match_compares_normal_forms(prediction, answer):
    assert get_metric("exact_match")(prediction, [answer]) == 1.0


@pytest.mark.parametrize(
    ("prediction", "answer"),
    [
        ("3", "3.5"),
        ("35", "3.5"),
        ("5", "-5"),
        ("p.m.", "a.m."),
        ("Dr. Pepper", "Dr. King"),
        ("one\nother", "one\ntwo"),
        ("?", "!"),
        ("", "!"),
        ("12", "1,2"),
        ("Frank R. Reid was born.", "Frank R. Reid was not born."),
    ],
)
def test_exact_match_distinguishes_different_meanings(prediction, answer):
    assert get_metric("exact_match")(prediction, [answer]) == 0.0


def test_contains_without_answer_in_prediction_is_0():
    assert get_metric("contains")("a rabbit", ["hare"]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "answer", "score"),
    [
        ("I would say: rest, mainly.", "rest", 1.0),
        ("the forest", "rest", 0.0),
        ("anything", "", 0.0),
        ("", "", 1.0),
        ("-5", "5", 0.0),
        ("5.25", "5", 0.0),
        ("It is (a+b)", "a+b", 1.0),
        ("Yes!", "!", 1.0),
        ("Yes", "!", 0.0),
    ],
)
def test_contains_matches_whole_words(prediction, answer, score):
    assert get_metric("contains")(prediction, [answer]) == score


def test_f1_measures_overlap_of_words():
    assert get_metric("f1")("involve vertical movement", ["involve going up."]) == pytest.approx(1 / 3)
    assert get_metric("f1")("nothing", ["involve going up.", "nothing at"]) == pytest.approx(2 / 3)


def test_exact_set_ignores_order_and_separators():
    metric = get_metric("exact_set")
    assert metric("Cat and sea lion, dog", ["sea lion, dog, cat"]) == 1.0
    assert metric("cat, dog", ["cat, dog, spider"]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "answer", "score"),
    [
        ("The answer is 1,234.", "1234", 1.0),
        ("-3.50", "-3.5", 1.0),
        ("3.5", "-3.5", 0.0),
        ("It costs $12 for 3 days", "12", 1.0),
        ("-$5", "$-5", 1.0),
        ("2 + 55 = 57", "57", 1.0),
        ("Sure!\n42", "42", 1.0),
        ("about 1e3", "1000", 1.0),
        ("between 3-5", "5", 1.0),
        ("none", "0", 0.0),
        ("None.", "none", 1.0),
        ("9" * 400, "9" * 399 + "8", 0.0),
    ],
)
def test_numeric_compares_stated_number(prediction, answer, score):
    assert get_metric("numeric")(prediction, [answer]) == score


def test_numeric_with_tolerance_accepts_near_numbers():
    assert get_metric("numeric:0.01")("3.14", ["3.15"]) == 1.0
    assert get_metric("numeric:0.01")("3.14", ["3.16"]) == 0.0


@pytest.mark.parametrize(
    ("spec", "prediction", "answer", "score"),
    [
        ("choice:positive|negative", "The sentiment is Positive.", "positive", 1.0),
        ("choice:positive|negative", "positive. Nothing negative here.", "positive", 1.0),
        ("choice:positive|negative", "Let me see. It is negative.", "negative", 1.0),
        ("choice:positive|negative", "positive or negative", "positive", 0.0),
        ("choice:positive|negative", "neither", "positive", 0.0),
        ("choice:same|not the same", "They are not the same", "not the same", 1.0),
        ("choice:same|not the same", "They are not the same", "same", 0.0),
        ("choice:A|B|C", "(B) a dog", "B", 1.0),
        ("choice:A|B|C", "b", "B", 1.0),
    ],
)
def test_choice_requires_exactly_one_named_option(spec, prediction, answer, score):
    assert get_metric(spec)(prediction, [answer]) == score


def test_choice_bind_takes_options_from_examples():
    examples = [Example("1", ("yes",)), Example("2", ("no", "nope"))]
    metric = get_metric("choice").bind(examples)
    assert metric("yes and no", ["yes"]) == 0.0
    assert metric("no, nope", ["no", "nope"]) == 1.0
    assert metric.name == "choice"


def test_choice_bind_with_answer_outside_options_raises():
    with pytest.raises(TaskError, match="among the options, got 'maybe'"):
        get_metric("choice:yes|no").bind([Example("1", ("maybe",))])


@pytest.mark.parametrize(
    ("spec", "prediction", "score"),
    [
        ("regex:answer is (.+)", "So the answer is Seven.", 1.0),
        ("regex:answer is (.+)", "seven", 0.0),
        ("regex:(?i)seven", "It is Seven, I think", 1.0),
        ("regex:x(y)?", "x", 0.0),
        ("regex:a:(.+)", "a:seven", 1.0),
    ],
)
def test_regex_compares_extracted_text(spec, prediction, score):
    assert get_metric(spec)(prediction, ["seven"]) == score


SINGLE = ["exact_match", "f1", "exact_set", "contains", "numeric", "choice:yes|no"]


@settings(deadline=None)
@given(
    weights=st.dictionaries(st.sampled_from(SINGLE), st.floats(0.01, 100), min_size=2),
    prediction=answers | st.just("yes"),
    outputs=st.lists(answers | st.just("yes"), min_size=1, max_size=3),
)
def test_sum_is_weighted_mean_of_its_parts(weights, prediction, outputs):
    metric = get_metric(" + ".join(f"{weight:.4f}*{name}" for name, weight in weights.items()))
    assert list(metric.parts) == list(weights)
    shares = {
        name: round(weight, 4) / sum(round(other, 4) for other in weights.values()) for name, weight in weights.items()
    }
    expected = sum(share * metric.parts[name](prediction, outputs) for name, share in shares.items())
    assert metric(prediction, outputs) == pytest.approx(expected)
    assert 0 <= metric(prediction, outputs) <= 1


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("0.7*exact_match + 0.3*f1", ["exact_match", "f1"]),
        ("0.7*exact_match+0.3*f1", ["exact_match", "f1"]),
        (" .5 * exact_match  +  1. * f1 ", ["exact_match", "f1"]),
        ("2*numeric:0.5 + 1*choice:a|b + 1*f1", ["numeric:0.5", "choice:a|b", "f1"]),
        (r"0.5*regex:a+ (b*) + 0.5*regex:\d+", [r"regex:a+ (b*)", r"regex:\d+"]),
    ],
)
def test_get_metric_parses_sums_in_several_notations(spec, parts):
    metric = get_metric(spec)
    assert metric.name == spec
    assert {name: part.name for name, part in metric.parts.items()} == {name: name for name in parts}


def test_sum_depends_on_ratio_of_weights_only():
    said, accepted = "a cat", ["cat"]
    assert get_metric("3*exact_match + 1*f1")(said, accepted) == get_metric("0.75*exact_match + 0.25*f1")(
        said, accepted
    )
    assert get_metric("0.1*exact_match + 0.1*f1 + 0.1*contains")("cat", ["cat"]) == 1.0


def test_sum_bind_binds_every_part():
    examples = [Example("1", ("yes",)), Example("2", ("no",))]
    metric = get_metric("0.5*choice + 0.5*f1").bind(iter(examples))
    assert metric.parts["choice"].options == ("no", "yes")
    assert metric("yes and no", ["yes"]) == pytest.approx(0.5 * 2 / 3)
    with pytest.raises(TaskError, match="among the options"):
        get_metric("0.5*choice:yes|maybe + 0.5*f1").bind(examples)


def test_sum_uses_best_answer_of_every_part():
    metric = get_metric("0.5*numeric + 0.5*contains")
    assert metric("5 cats", ["5", "cats"]) == 1.0


def test_single_metric_is_its_own_part():
    metric = get_metric("f1")
    assert metric.parts == {"f1": metric}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("0.5*f1", ["two or more different metrics", "got f1"]),
        ("0.5*f1 + 0.5*f1", ["two or more different metrics", "got f1 and f1"]),
        ("0*f1 + 1*contains", ["weight above 0", "'0*f1'"]),
        ("-1*f1 + 2*contains", ["weight above 0", "'-1*f1'"]),
        ("9" * 400 + "*f1 + 1*contains", ["weight above 0"]),
        ("0.5*0.5*f1 + 0.5*contains", ["stand alone", "'0.5*f1'"]),
        ("0.5*judge + 0.5*f1", ["stand alone", "'judge'"]),
        ("0.5*f1 + 0.5*exact_macth", ["did you mean 'exact_match'"]),
        ("exact_match + f1", ["WEIGHT*METRIC + WEIGHT*METRIC"]),
        ("0.5*", ["unknown metric '0.5*'"]),
    ],
)
def test_get_metric_of_invalid_sum_raises_with_fix(spec, words):
    with pytest.raises(TaskError) as refusal:
        get_metric(spec)
    assert all(word in str(refusal.value) for word in words), refusal.value


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("exact_macth", ["did you mean 'exact_match'", *METRIC_FORMS]),
        ("F1", ["did you mean 'f1'"]),
        ("f1:3", ["unknown metric 'f1:3'"]),
        ("numeric:x", ["tolerance", "'x'"]),
        ("numeric:-1", ["tolerance", "'-1'"]),
        ("numeric:nan", ["tolerance"]),
        ("choice:yes", ["two or more options"]),
        ("choice:yes|Yes!", ["two or more options"]),
        ("choice:yes|", ["two or more options"]),
        ("regex:", ["pattern"]),
        ("regex:(", ["regular expression"]),
        ("regx:seven", ["did you mean 'regex'"]),
        ("", ["unknown metric ''"]),
        (":score", ["MODULE:FUNCTION"]),
    ],
)
def test_get_metric_of_invalid_specification_raises_with_fix(spec, words):
    with pytest.raises(TaskError) as refusal:
        get_metric(spec)
    assert all(word in str(refusal.value) for word in words), refusal.value


MODULE = """
def length(prediction, outputs):
    return min(1, len(prediction) / 10)
def returns(value):
    return lambda prediction, outputs: value
too_large, text, missing, not_a_number = returns(1.5), returns("1"), returns(None), returns(float("nan"))
true = returns(True)
number = 3
def fails(prediction, outputs):
    return 1 / 0
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_metrics_for_test.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken_metrics_for_test.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "own_metrics_for_test"
    sys.modules.pop("own_metrics_for_test", None)


def test_function_in_current_directory_scores(own_module):
    metric = get_metric(f"{own_module}:length")
    assert metric("12345", ["x"]) == 0.5
    assert metric.name == f"{own_module}:length"
    assert math.isclose(get_metric(f"{own_module}:true")("", ["x"]), 1.0)


@pytest.mark.parametrize(
    ("function", "came"),
    [
        ("too_large", "1.5"),
        ("text", "'1'"),
        ("missing", "None"),
        ("not_a_number", "nan"),
        ("fails", "ZeroDivisionError"),
    ],
)
def test_function_with_invalid_result_raises_naming_it(own_module, function, came):
    with pytest.raises(TaskError, match=rf"{function}.*got {came}"):
        get_metric(f"{own_module}:{function}")("prediction", ["x"])


@pytest.mark.parametrize(
    ("spec", "came"),
    [
        ("no_such_module_at_all:score", "No module named"),
        ("own_metrics_for_test:absent", "got none"),
        ("own_metrics_for_test:number", "got a int"),
        ("broken_metrics_for_test:score", "SystemExit"),
    ],
)
def test_function_that_does_not_load_raises(own_module, spec, came):
    with pytest.raises(TaskError, match=came):
        get_metric(spec)
