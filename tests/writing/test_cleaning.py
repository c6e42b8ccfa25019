"""The instruction that is extracted from the text of a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.writing.cleaning import clean, is_settled, one_line


@pytest.mark.parametrize(
    ("raw", "instruction"),
    [
        (" write the first letter.", "write the first letter."),
        ("write it.\n\nInput: x\nOutput: y", "write it."),
        ("write it.\nInput: x", "write it."),
        ("write it\non two lines", "write it on two lines"),
        ('"write it."', "write it."),
        ("'it' and 'that'", "'it' and 'that'"),
        ("The instruction was to write it", "write it"),
        ("Instruction: write it", "write it"),
        ("   \n\n  ", ""),
    ],
)
def test_clean_keeps_first_instruction(raw, instruction):
    assert clean(raw) == instruction


@given(st.text())
def test_clean_returns_one_line_without_outer_space(raw):
    for instruction in (clean(raw), one_line(raw)):
        assert instruction == " ".join(instruction.split())


def test_one_line_keeps_whole_text():
    assert one_line(' "write it.\n\nInput: a word" ') == "write it. Input: a word"


PIECES = [
    "\n",
    "\n\n",
    " ",
    "\t",
    "\u3000",
    "Input",
    "input",
    "OUTPUT",
    "Instruction",
    ":",
    '"',
    "a",
    "sort it.",
    "\ufffd",
]
TEXTS = st.lists(st.sampled_from([*PIECES, "The instruction was to"]), max_size=9).map("".join)


@given(TEXTS, TEXTS)
def test_continuation_of_settled_text_never_changes_instruction(begun, rest):
    if is_settled(begun):
        assert clean(begun + rest) == clean(begun)


@pytest.mark.parametrize(
    ("raw", "settled"),
    [
        ("write it.", False),
        ("write it.\n", False),
        ("write it.\n\n", True),
        (" \n\nwrite it.", False),
        ("write it.\nInput", False),
        ("write it.\nInput:", True),
        ("write\nInput\n\n", False),  # with a colon, the block begins at "Input"
        ("write\nInput\n\nOutput:", True),
        ("write\n\nInput", True),
    ],
)
def test_text_is_settled_after_its_first_block(raw, settled):
    assert is_settled(raw) == settled
