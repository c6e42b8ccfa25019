"""Quotations: short, on one line where that matters, and free of what a service refuses."""

from hypothesis import given
from hypothesis import strategies as st

from instructzero.optimizers.quoting import beginning_of, one_line

ANYTHING = st.text(st.characters(), max_size=200)


@given(ANYTHING, st.integers(5, 60))
def test_one_line_is_a_line_of_at_most_the_limit_that_can_be_sent(text, limit):
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    line.encode()  # a lone surrogate would raise


@given(ANYTHING, st.integers(1, 60))
def test_beginning_is_at_most_the_limit_and_can_be_sent(text, limit):
    assert len(beginning_of(text, limit)) <= limit
    beginning_of(text, limit).encode()  # a lone surrogate would raise


def test_one_line_keeps_both_ends_of_a_long_text():
    assert one_line("first we add, " + "then we add, " * 50 + "so it is 42", 40).startswith("first we add")
    assert one_line("first we add, " + "then we add, " * 50 + "so it is 42", 40).endswith("so it is 42")


def test_short_text_stays_as_it_is():
    assert one_line("schön 好 \u200cنمی‌خواهم", 40) == "schön 好 \u200cنمی‌خواهم"
    assert beginning_of(" two\n\nlines ", 40) == "two\n\nlines"


def test_control_characters_and_lone_surrogates_are_replaced():
    assert one_line("a\x00b\x1b[31m\ud800c", 40) == "a\ufffdb\ufffd[31m\ufffdc"
