"""What the black box reads, with and without exemplars."""

from hypothesis import given
from hypothesis import strategies as st

from instructzero.prompts import few_shot, zero_shot
from instructzero.types import Example, Message


def test_exemplars_stand_between_instruction_and_input_in_its_form():
    render = few_shot([Example("cat", ("chat", "un chat")), Example("dog", ("chien",))])
    assert render("Translate.", "bird") == (
        Message(
            "user",
            "Instruction: Translate.\n\nInput: cat\n\nOutput: chat\n\nInput: dog\n\nOutput: chien\n\n"
            "Input: bird\n\nOutput:",
        ),
    )


def test_zero_shot_is_the_papers_template_to_the_byte():
    assert zero_shot("Sort {0}.", "b\na") == (Message("user", "Instruction: Sort {0}.\n\nInput: b\na\n\nOutput:"),)


@given(instruction=st.text(), question=st.text())
def test_no_exemplars_are_zero_shot(instruction, question):
    assert few_shot(())(instruction, question) == zero_shot(instruction, question)


@given(instruction=st.text(), question=st.text(), shown=st.lists(st.tuples(st.text(), st.text()), max_size=3))
def test_exemplars_add_to_the_zero_shot_prompt_and_change_nothing_else(instruction, question, shown):
    (message,) = few_shot([Example(text, (answer,)) for text, answer in shown])(instruction, question)
    (bare,) = zero_shot(instruction, question)
    added = "".join(f"Input: {text}\n\nOutput: {answer}\n\n" for text, answer in shown)
    head = f"Instruction: {instruction}\n\n"
    assert message.content == head + added + bare.content.removeprefix(head)
