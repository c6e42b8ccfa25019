"""The metric code: what counts in code and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.tasks import get_metric
from tests.tasks.wrappings import check_answerers, form_parameters

CODE = get_metric("code")


@pytest.mark.parametrize("form", form_parameters("full stop", "other case"))
def test_code_in_every_form_of_answer_tells_right_from_wrong(form):
    check_answerers("code", form, ["SELECT a FROM b", "x != 3", "C++"], ["select a from b", "x = 3", "C"])


FUNCTION = "def twice(x):\n    return 2 * x"


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (f"```python\n{FUNCTION}\n```", 1.0),
        (f"Here it is:\n\n~~~py\n{FUNCTION}\n~~~\nIt doubles x.\n```\ntwice(2)\n```", 1.0),
        (f"```\n{FUNCTION}", 1.0),
        ("def twice(x):  \r\n    return 2 * x\r\n\r\n", 1.0),
        ("    def twice(x):\n        return 2 * x", 1.0),
        ("def twice(x):\n  return 2 * x", 0.0),
        ("def Twice(x):\n    return 2 * x", 0.0),
        ("def twice(x): return 2 * x", 0.0),
        (f"```\ntwice(2)\n```\n```\n{FUNCTION}\n```", 0.0),
        ("", 0.0),
    ],
)
def test_code_compares_lines_of_first_block(said, score):
    assert CODE(said, [FUNCTION]) == score
    assert CODE(said, [f"```\n{FUNCTION}\n```"]) == score


@given(code=st.text(max_size=30) | st.text('`~ \nab*_"', max_size=30))
def test_code_gives_every_text_1_against_itself(code):
    assert CODE.score(code, code) == 1.0
