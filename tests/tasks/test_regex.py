"""The metric regex: one pattern reads prediction and answer."""

import pytest

from instructzero.tasks import get_metric
from tests.tasks.wrappings import check_answerers, form_parameters


@pytest.mark.parametrize("form", form_parameters())
def test_regex_in_every_form_of_answer_tells_right_from_wrong(form):
    check_answerers(r"regex:(?i)\b(?:red|green) \w+", form, ["red hat", "Red car"], ["green hat", "red bus"])


@pytest.mark.parametrize(
    ("pattern", "said", "answer", "expected"),
    [
        ("#### (.+)", "2 + 5 = 7\n#### 7", "3 + 4 = 7\n#### 7", 1.0),
        ("#### (.+)", "2 + 5 = 7\n#### 7", "7", 1.0),
        ("#### (.+)", "2 + 5 = 7\n#### 7", "3 + 5 = 8\n#### 8", 0.0),
        ("#### (.+)", "7", "#### 7", 0.0),
        ("#### (.+)", "#### **7**", "#### 7", 1.0),
        (r"\d+", "7 or 8", "7", 1.0),
        (r"\d+", "7 or 8", "8", 0.0),
        (r"\d+?", "12", "13", 0.0),
        (r"x(y)?", "x", "x", 0.0),
        (r"(\w+)$", "I choose blue", "blue", 1.0),
    ],
)
def test_regex_compares_first_match_with_what_it_matches_in_answer(pattern, said, answer, expected):
    assert get_metric(f"regex:{pattern}")(said, [answer]) == expected
