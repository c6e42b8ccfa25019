"""verbatim: case, punctuation and signs count; white space around the answer and the form of line ends do not."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.tasks import get_metric

VERBATIM = get_metric("verbatim")


@pytest.mark.parametrize(
    "text", ["Well, well.\nIs it?", " Well, well.\r\nIs it?\r\n", "<think>Hm.</think>Well, well.\nIs it?"]
)
def test_verbatim_accepts_the_answer_to_the_character(text):
    assert VERBATIM(text, ["Well, well.\nIs it?"]) == 1.0


@pytest.mark.parametrize(
    "text",
    ["well, well.", "Well, well", "Well well.", "Well,  well.", "Well, well. ", "Well,\nwell.", "Well, well!", ""],
)
def test_verbatim_refuses_every_other_character(text):
    assert VERBATIM(text, ["Well, well."]) == float(text.strip() == "Well, well.")


@pytest.mark.parametrize(("said", "answer"), [("J", "J#"), ("B-", "B+"), ("us", "US"), ("1:45", "145"), ("½", "1/2")])
def test_verbatim_tells_signs_and_case_apart(said, answer):
    assert VERBATIM(said, [answer]) == VERBATIM(answer, [said]) == 0.0


def test_verbatim_ignores_how_accents_are_encoded():
    assert VERBATIM("cafe\u0301", ["café"]) == 1.0


TEXTS = st.text(string.ascii_letters + string.digits + " ,.!?-+#/=<>()\n\t", max_size=4)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_verbatim_of_short_texts_without_wrapping_is_equality(said, answer):
    assert VERBATIM(said, [answer]) == float(said.strip() == answer.strip())
