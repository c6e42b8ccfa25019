"""The template of the questions to the black box: fields, shots, and what is filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.prompts import DEFAULT, PromptTemplate, template_of, zero_shot
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


ANYTHING = st.text() | st.sampled_from(["{instruction}", "{input}", "{subject}", "{{x}}", "}", "{"])
MAIL = PromptTemplate.parse('system: {instruction} {"a": 1}\nuser: {subject}|{input}|{{subject}}')


@given(instruction=ANYTHING.filter(str.strip), question=ANYTHING, subject=ANYTHING)
def test_values_are_filled_in_once_and_never_scanned(instruction, question, subject):
    assert MAIL.render(instruction, Example(question, ("",), {"subject": subject})) == (
        Message("system", f'{instruction} {{"a": 1}}'),
        Message("user", f"{subject}|{question}|{{subject}}"),
    )


@given(instruction=ANYTHING, question=ANYTHING, shown=st.lists(ANYTHING, max_size=2))
def test_template_with_instruction_renders_as_with_that_instruction(instruction, question, shown):
    example = Example(question, ("",), {"subject": "s"})
    shots = [Example(text, ("a",), {"subject": text}) for text in shown]
    filled = MAIL.with_instruction(instruction)
    assert filled.fields == ("subject", "input")
    assert filled.render("another", example, shots) == MAIL.render(instruction, example, shots)


def test_shots_without_a_place_are_earlier_turns_after_those_without_an_input():
    template = PromptTemplate.parse("system: S\nuser: {instruction}\nassistant: OK.\nuser: Word: {input}")
    shots = [Example("cat", ("chat", "minou")), Example("dog", ("chien",))]
    assert [(message.role, message.content) for message in template.render("Go.", Example("cow", ("",)), shots)] == [
        ("system", "S"),
        ("user", "Go."),
        ("assistant", "OK."),
        ("user", "Word: cat"),
        ("assistant", "chat"),
        ("user", "Word: dog"),
        ("assistant", "chien"),
        ("user", "Word: cow"),
    ]


def test_system_message_without_text_is_left_out():
    template = PromptTemplate.parse("system: {instruction}\nuser: {input}")
    assert template.render("", Example("cow", ("",))) == (Message("user", "cow"),)


def test_example_without_a_column_is_refused():
    with pytest.raises(ConfigurationError, match=r"expected a value for the field \{subject\} .* input 'cow'"):
        MAIL.render("Go.", Example("cow", ("",)))


def test_template_of_settings_is_the_default_or_that_of_the_prompt():
    assert template_of(make_settings({"task": "sum"})) == DEFAULT
    listed = [{"system": "{instruction}"}, {"role": "user", "content": "{number} {input}"}]
    settings = make_settings({"task": "sum", "input_column": "number", "prompt": listed})
    assert template_of(settings).messages == (Message("system", "{instruction}"), Message("user", "{input} {input}"))


def test_instruction_with_a_place_for_the_input_is_sent_as_a_whole_prompt():
    prompt = 'You are careful.\n\nAnswer as {"place": "..."} or {{x}}.\nQuestion: {input}'
    (message,) = DEFAULT.render(prompt, Example("{input} and {instruction}", ("",)))
    assert message == Message(
        "user", 'You are careful.\n\nAnswer as {"place": "..."} or {{x}}.\nQuestion: {input} and {instruction}'
    )


def test_shots_of_a_whole_prompt_are_earlier_turns():
    messages = DEFAULT.render("Q: {input}", Example("cat", ("",)), [Example("dog", ("chien",))])
    assert [(one.role, one.content) for one in messages] == [
        ("user", "Q: dog"),
        ("assistant", "chien"),
        ("user", "Q: cat"),
    ]


def test_place_in_double_braces_is_text():
    (message,) = DEFAULT.render("Say {{input}}.", Example("cat", ("",)))
    assert message.content == "Instruction: Say {{input}}.\n\nInput: cat\n\nOutput:"


def test_template_of_the_user_wraps_every_instruction():
    template = PromptTemplate.parse("{instruction}\n{input}")
    (message,) = template.render("Q: {input}", Example("cat", ("",)))
    assert message.content == "Q: {input}\ncat"


@given(instruction=st.text(), question=st.text())
def test_exported_template_of_any_instruction_renders_as_the_search_did(instruction, question):
    example = Example(question, ("",))
    assert DEFAULT.with_instruction(instruction).render("", example) == DEFAULT.render(instruction, example)
