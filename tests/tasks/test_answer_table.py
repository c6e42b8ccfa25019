"""Which metric accepts which form of answer: the table of the site, with right and wrong answers in nine scripts."""

from pathlib import Path

import pytest

from instructzero.tasks import get_metric
from instructzero.types import Example
from tests.tasks.wrappings import FORMS, in_form

EVERY = frozenset(FORMS)
ACCEPTED = {
    "exact_match": EVERY,
    "f1": EVERY,
    "exact_set": EVERY,
    "contains": EVERY,
    "choice": EVERY,
    "verbatim": EVERY - {"full stop", "other case"},
    "numeric": EVERY,
    "regex": EVERY,
    "json": EVERY - {"other case"},
    "code": EVERY - {"full stop", "other case"},
}
"""The forms of `tests.tasks.wrappings` in which a metric takes a right answer for right.

The last four are held to it in test files of their own.
"""

TEXT_METRICS = tuple(ACCEPTED)[:6]

SCRIPTS = {
    "Latin": ("Lisbon", "Quito", "Cape Town", "The capital is {}."),
    "Cyrillic": ("Минск", "Рига", "Новый Сад", "Столица здесь — {}."),
    "Chinese": ("巴黎", "伦敦", "首尔", "这里的首都是{}。"),
    "Japanese": ("パリ", "ロンドン", "東京", "ここの首都は{}です。"),
    "Thai": ("ฮานอย", "ลิมา", "โซล", "เมืองหลวงของที่นี่คือ{}"),
    "Korean": ("파리", "런던", "도쿄", "이곳의 수도는 {}입니다."),
    "Arabic": ("باريس", "لندن", "طوكيو", "العاصمة هنا هي {}."),
    "Devanagari": ("दिल्ली", "लंदन", "टोक्यो", "यहाँ की राजधानी {} है।"),
    "Greek": ("Αθήνα", "Λήδρα", "Νέα Πόλη", "Η πρωτεύουσα εδώ είναι {}."),
}


def score(spec, said, gold, answers):
    metric = get_metric(spec).bind([Example(str(place), (answer,)) for place, answer in enumerate(answers)])
    return metric(said, [gold])


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spec", TEXT_METRICS)
def test_right_answerer_scores_1_and_wrong_one_0_in_accepted_forms(spec, form, script):
    *answers, _ = SCRIPTS[script]
    for gold, mistake in zip(answers, answers[1:] + answers[:1], strict=True):
        right = in_form(form, gold, mistake)
        is_accepted = form in ACCEPTED[spec] or right == gold  # as in scripts without case
        assert score(spec, right, gold, answers) == float(is_accepted), right
        assert score(spec, in_form(form, mistake, gold), gold, answers) == 0.0, mistake


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("spec", ["contains", "choice"])
def test_answer_in_a_sentence_of_its_own_script_is_found(spec, script):
    *answers, sentence = SCRIPTS[script]
    for gold, mistake in zip(answers, answers[1:] + answers[:1], strict=True):
        assert score(spec, sentence.format(gold), gold, answers) == 1.0
        assert score(spec, sentence.format(mistake), gold, answers) == 0.0


LISTS = {
    "Latin": ("fire truck, sled", "sled, fire truck", "fire sled, truck"),
    "Chinese": ("牛、羊", "羊，牛", "羊，马"),
    "Thai": ("วัว, แกะ", "แกะ\nวัว", "แกะ"),
    "Arabic": ("بقرة، خروف", "خروف، بقرة", "خروف"),
}


@pytest.mark.parametrize("script", LISTS)
@pytest.mark.parametrize("form", FORMS)
def test_exact_set_of_several_items_holds_in_every_form(form, script):
    gold, right, wrong = LISTS[script]
    metric = get_metric("exact_set").bind([Example("1", (gold,))])
    assert metric(in_form(form, right, wrong), [gold]) == 1.0
    assert metric(in_form(form, wrong, right), [gold]) == 0.0


def test_metrics_page_has_the_table_of_accepted_forms():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    table = page.partition("| Form of the answer |")[2].partition("\n\n")[0]
    header, _, *rows = [[cell.strip() for cell in line.strip(" |").split("|")] for line in table.splitlines()]
    metrics = [cell.strip("`") for cell in header]
    said = {name: {row[0] for row in rows if row[1 + place] == "✓"} for place, name in enumerate(metrics)}
    assert [row[0] for row in rows] == list(FORMS)
    assert {name: said[name] for name in ACCEPTED} == ACCEPTED
