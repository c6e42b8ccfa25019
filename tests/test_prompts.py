"""The prompt of the black box, with and without exemplars."""

from hypothesis import given
from hypothesis import strategies as st

from instructzero.prompts import few_shot, zero_shot
from instructzero.types import Example, Message


def test_few_shot_puts_exemplars_between_instruction_and_input():
    render = few_shot([Example("cat", ("chat", "un chat")), Example("dog", ("chien",))])
    assert render("Translate.", "bird") == (
        Message(
            "user",
            "Instruction: Translate.\n\nInput: cat\n\nOutput: chat\n\nInput: dog\n\nOutput: chien\n\n"
            "Input: bird\n\nOutput:",
        ),
    )


def test_zero_shot_equals_paper_template():
    assert zero_shot("Sort {0}.", "b\na") == (Message("user", "Instruction: Sort {0}.\n\nInput: b\na\n\nOutput:"),)


@given(instruction=st.text(), question=st.text())
def test_few_shot_without_exemplars_equals_zero_shot(instruction, question):
    assert few_shot(())(instruction, question) == zero_shot(instruction, question)


@given(instruction=st.text(), question=st.text(), shown=st.lists(st.tuples(st.text(), st.text()), max_size=3))
def test_few_shot_only_adds_exemplars_to_zero_shot_prompt(instruction, question, shown):
    (message,) = few_shot([Example(text, (answer,)) for text, answer in shown])(instruction, question)
    (bare,) = zero_shot(instruction, question)
    added = "".join(f"Input: {text}\n\nOutput: {answer}\n\n" for text, answer in shown)
    head = f"Instruction: {instruction}\n\n"
    assert message.content == head + added + bare.content.removeprefix(head)
