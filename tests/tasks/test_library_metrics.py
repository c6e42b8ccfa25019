"""Metrics of sacrebleu, rouge-score and jiwer by name."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.errors import TaskError
from instructzero.registry import METRICS
from instructzero.tasks import get_metric
from tests.tasks.wrappings import check_answerers, form_parameters

MODULES = {
    "bleu": "sacrebleu.metrics",
    "chrf": "sacrebleu.metrics",
    "rouge1": "rouge_score.rouge_scorer",
    "rouge2": "rouge_score.rouge_scorer",
    "rougeL": "rouge_score.rouge_scorer",
    "wer": "jiwer",
    "cer": "jiwer",
}
WITHOUT_CASE = ["rouge1", "rouge2", "rougeL", "wer", "cer"]
RIGHT, WRONG = ["the red hat", "sieben Uhr"], ["zzzqqqq", "kkkk"]


@pytest.fixture
def metric(request):
    pytest.importorskip(MODULES[request.param.partition(":")[0]])
    return get_metric(request.param)


@pytest.mark.parametrize("form", form_parameters())
@pytest.mark.parametrize("metric", WITHOUT_CASE, indirect=True)
def test_metric_without_case_in_every_form_of_answer_tells_right_from_wrong(metric, form):
    check_answerers(metric.name, form, RIGHT, WRONG)


@pytest.mark.parametrize("form", form_parameters("full stop", "other case"))
@pytest.mark.parametrize("metric", ["bleu", "chrf"], indirect=True)
def test_metric_with_case_and_punctuation_tells_right_from_wrong(metric, form):
    check_answerers(metric.name, form, RIGHT, WRONG)


@pytest.mark.parametrize(
    ("metric", "said", "answer", "score"),
    [
        ("bleu", "the cat sat on the red mat", "the cat sat on the blue mat", 0.6435),
        ("bleu:zh", "我今天喜欢猫和鸟", "我今天喜欢猫和狗", 0.8409),
        ("chrf", "the dog sat", "the cat sat", 0.2422),
        ("rouge1", "the dog sat", "the cat sat", 2 / 3),
        ("rouge2", "the cat ran", "the cat sat", 1 / 2),
        ("rougeL", "sat the cat", "the cat sat", 2 / 3),
        ("rouge1", "我喜欢猫", "我喜欢狗", 3 / 4),
        ("wer", "The dog, sat.", "the cat sat", 2 / 3),
        ("wer", "one two three four five", "six", 0.0),
        ("wer", "猫和狗", "猫和鸟", 2 / 3),
        ("cer", "cot", "Cat", 2 / 3),
    ],
    indirect=["metric"],
)
def test_metric_gives_published_measure(metric, said, answer, score):
    assert metric(said, [answer]) == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize("metric", list(MODULES), indirect=True)
def test_metric_is_from_0_to_1_and_1_for_the_same_text(metric):
    @settings(deadline=None, max_examples=30)
    @given(said=st.text(max_size=12), answer=st.text(max_size=12) | st.text("ab !?猫", max_size=12))
    def check(said, answer):
        assert 0.0 <= metric.score(said, answer) <= 1.0
        assert metric.score(answer, answer) == 1.0

    check()


def test_bleu_with_unknown_tokenizer_raises():
    with pytest.raises(TaskError, match=r"expected one of the tokenizers 13a, intl, char, zh, none, got 'words'"):
        get_metric("bleu:words")


@pytest.mark.parametrize("name", MODULES)
def test_metric_without_its_library_raises_with_install_line(name, monkeypatch):
    monkeypatch.setitem(sys.modules, MODULES[name], None)
    assert METRICS.load(name)
    with pytest.raises(TaskError, match=rf"metric '{name}': expected the package .*, found none; .*\[text-metrics\]"):
        get_metric(name)
