"""The prompt of the black box, with and without exemplars."""

from hypothesis import given
from hypothesis import strategies as st

from instructzero.prompts import DEFAULT, zero_shot
from instructzero.types import Example, Message


def test_default_template_puts_shots_between_instruction_and_input():
    shots = [Example("cat", ("chat", "un chat")), Example("dog", ("chien",))]
    assert DEFAULT.render("Translate.", Example("bird", ("",)), shots) == (
        Message(
            "user",
            "Instruction: Translate.\n\nInput: cat\n\nOutput: chat\n\nInput: dog\n\nOutput: chien\n\n"
            "Input: bird\n\nOutput:",
        ),
    )


def test_zero_shot_equals_paper_template():
    assert zero_shot("Sort {0}.", "b\na") == (Message("user", "Instruction: Sort {0}.\n\nInput: b\na\n\nOutput:"),)


@given(instruction=st.text(), question=st.text())
def test_default_template_without_shots_equals_zero_shot(instruction, question):
    assert DEFAULT.render(instruction, Example(question, ("",))) == zero_shot(instruction, question)


@given(instruction=st.text(), question=st.text(), shown=st.lists(st.tuples(st.text(), st.text()), max_size=3))
def test_shots_only_add_exemplars_to_zero_shot_prompt(instruction, question, shown):
    (message,) = DEFAULT.render(
        instruction, Example(question, ("",)), [Example(text, (answer,)) for text, answer in shown]
    )
    (bare,) = zero_shot(instruction, question)
    added = "".join(f"Input: {text}\n\nOutput: {answer}\n\n" for text, answer in shown)
    head = f"Instruction: {instruction}\n\n"
    assert message.content == head + added + bare.content.removeprefix(head)
