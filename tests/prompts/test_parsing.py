"""The messages and fields in the text of a prompt, as people write it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import ConfigurationError
from instructzero.prompts import DEFAULT, PromptTemplate
from instructzero.prompts.fields import canonical, escaped, fill, names_in
from instructzero.types import Example, Message

LISTED = """
- role: system
  content: |
    You sort letters.

    {instruction}
- user: 'Letter: {input}'
"""


def roles_and_texts(text: str) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in PromptTemplate.parse(text).messages]


@pytest.mark.parametrize(
    "text",
    [
        "system: You sort letters.\n\n{instruction}\nuser: Letter: {input}",
        "system:\nYou sort letters.\n\n{instruction}\n\nuser:\n\nLetter: {input}\n",
        "system: You sort letters.\r\n\r\n{instruction}\r\nuser: Letter: {input}",
        LISTED,
        json.dumps(
            [
                {"role": "system", "content": "You sort letters.\n\n{instruction}"},
                {"role": "user", "content": "Letter: {input}"},
            ]
        ),
    ],
)
def test_lines_with_roles_and_lists_give_the_same_messages(text):
    assert roles_and_texts(text) == [
        ("system", "You sort letters.\n\n{instruction}"),
        ("user", "Letter: {input}"),
    ]


@pytest.mark.parametrize(
    "text", ["{instruction}\n\n{input}", "- Be brief.\n- {instruction} {input}", "[{input}] {instruction}"]
)
def test_text_without_roles_is_one_user_message(text):
    assert roles_and_texts(text) == [("user", text)]


def test_assistant_turns_are_kept_between_user_turns():
    text = "user: {instruction}\nassistant: Understood.\nuser: {input}"
    assert [role for role, _ in roles_and_texts(text)] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Be kind.\nuser: {instruction} {input}", "to begin with a line such as system: or user:.* got 'Be kind.'"),
        ("system: {instruction}\nuser:\n", "expected a text after user: in --prompt, got none"),
        ("user: {instruction} {input}\nassistant: The answer is", "expected the last message .* the role assistant"),
        ("user: {instruction} {input}\nsystem: Be kind.\nuser: go", "expected at most one system message"),
        ("user: Sort {input}.", "expected a place for the instruction .* put {instruction} where it belongs"),
        ("Sort {input}.", "got “Sort {input}.” without {instruction}; .* the part to improve, and .* as --start"),
        ("prompts/sort", "got “prompts/sort” without {instruction}"),
        ("user: {{ instruction }}: {input}", "write {instruction} with single braces"),
        ("user: { instruction }: {input}", "write {instruction} with .* without spaces"),
        ("user: {instrution}: {input}", "write {instruction} instead of {instrution}"),
        ("system: {instruction} {input}", "got one of the role system; add a message that begins user:"),
        ("System: {instruction}\nUser: {input}", "expected the roles in --prompt in lower case, .*, got System:"),
        (" \n", "expected a text for --prompt, got none"),
        ('{"messages": [{"role": "user", "content": "{instruction} {input}"}]}', "got an object with the key messages"),
        ("messages:\n- user: '{instruction} {input}'", "got an object with the key messages"),
        ("- user: {instruction}\n- user: '{input}'", "got the role 'user' .* put quotes around a text with braces"),
        ("user: {instruction}\n\n{examples}", "expected a place for the input or a column of it"),
        ('[{"role": "tool", "content": "{instruction}"}]', "expected messages such as .* got the role 'tool'"),
        ('[{"role": "user", "content": [1]}]', "got the role 'user' and the content \\[1\\] as message 1"),
        ("- role: user\n  content: {instruction} {input}", "expected --prompt to be a YAML or JSON list .* at line 2"),
        ("- role: user\n- system: x", "expected messages such as .* got {'role': 'user'}|got the role 'role'"),
    ],
)
def test_faulty_prompt_is_refused_in_one_sentence(text, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        PromptTemplate.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "literal",
    [
        '{"a": 1}',
        '{"a": {"b": [1, {}]}}',
        "{}",
        "{ }",
        "{0} {1}",
        "[0-9]{3}",
        "{a: b}",
        "{'x'}",
        "{your answer}",
        "}{",
        "{\nreturn x\n}",
        "\\boxed{}",
    ],
)
def test_braces_around_no_name_stay_text(literal):
    template = PromptTemplate.parse(f"{{instruction}} {literal} {{input}}")
    assert template.fields == ("instruction", "input")
    (message,) = template.render("Do.", Example("x", ("y",)))
    assert message.content == f"Do. {literal} x"


def test_doubled_braces_are_single_ones_beside_json_and_fields():
    text = '{instruction} {{name}} {{"text": "{input}"}} {"text": {"of": "{input}"}} {{{input}}}'
    (message,) = PromptTemplate.parse(text).render("Do.", Example("x", ("y",)))
    assert message.content == 'Do. {name} {"text": "x"} {"text": {"of": "x"}} {x}'


def test_name_with_space_is_field_only_if_there_is_such_a_column():
    assert names_in(canonical("{customer name} {x-y} {naïve}")) == ["x-y", "naïve"]
    assert names_in(canonical("{customer name}", ["customer name"])) == ["customer name"]


TEXTS = st.text(st.sampled_from('{}ab "\n:1-'), max_size=30) | st.text(max_size=30)


@given(TEXTS)
def test_canonical_text_is_a_fixed_point(text):
    assert canonical(canonical(text)) == canonical(text)


@given(TEXTS)
def test_escaped_text_is_filled_to_itself(text):
    assert canonical(escaped(text)) == escaped(text)
    assert fill(escaped(text), lambda name: "never") == text


@given(TEXTS, TEXTS)
def test_text_around_a_field_is_sent_unchanged_if_escaped(before, after):
    written = canonical(f"{escaped(before)}{{input}}{escaped(after)}")
    assert fill(written, lambda name: f"<{name}>") == f"{before}<input>{after}"


ROLES = st.sampled_from(["user", "assistant"])


@st.composite
def templates(draw):
    """Draw templates whose contents are anything, also what looks like roles and fields."""
    contents = TEXTS.filter(str.strip) | st.just("user: {input}\nsystem: x")
    system = [Message("system", escaped(draw(contents)))] if draw(st.booleans()) else []
    turns = [Message(draw(ROLES), escaped(draw(contents))) for _ in range(draw(st.integers(0, 2)))]
    last = Message("user", f"{escaped(draw(TEXTS))}{{instruction}}{{subject}}{escaped(draw(TEXTS))}")
    return PromptTemplate((*system, *turns, last))


@given(templates())
def test_text_of_template_is_parsed_to_the_same_template(template):
    assert PromptTemplate.parse(template.text()) == template


def test_default_template_has_a_text_with_a_role():
    assert DEFAULT.text().startswith("user: Instruction: {instruction}")
    assert PromptTemplate.parse(DEFAULT.text()).messages == DEFAULT.messages
