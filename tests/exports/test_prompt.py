"""The messages of an export are those of the run's template, whatever stands in them."""

from __future__ import annotations

import json

from hypothesis import assume, given

from instructzero.exports.messages import messages
from instructzero.exports.prompt import Prompt, values_of
from instructzero.prompts import DEFAULT, PromptTemplate
from instructzero.types import Example
from tests.exports.askings import EXEMPLARS, HOSTILE, MAIL, MAIL_SHOTS, MAILS, make_asking


@given(HOSTILE, MAILS, MAIL_SHOTS)
def test_messages_of_a_template_with_columns_are_those_of_the_search(
    instruction: str, mail: dict[str, str], shots: tuple[Example, ...]
) -> None:
    prompt = Prompt.of(shots, MAIL)
    assert prompt.fields == ("subject", "e-mail text")
    assert tuple(prompt.messages(instruction, mail)) == MAIL.render(instruction, Example("whole", ("",), mail), shots)


@given(HOSTILE, EXEMPLARS)
def test_exported_messages_are_a_template_of_the_same_messages(instruction: str, shots: tuple[Example, ...]) -> None:
    assume("\r" not in DEFAULT.render(instruction, Example("", ("",)), shots)[0].content)  # no part of a prompt's file
    asking = make_asking(instruction=instruction, shots=shots)
    (message,) = json.loads(messages(asking))
    asked = Example("cat {input}", ("",))
    again = PromptTemplate.parse(f"{{instruction}}{message['content']}")
    assert again.render("", asked)[0].content == DEFAULT.render(instruction, asked, shots)[0].content


def test_exported_messages_have_roles_and_fields() -> None:
    asking = make_asking(instruction="Sort {it}.", template=MAIL)
    assert json.loads(messages(asking)) == [
        {"role": "system", "content": 'Sort {{it}}. Answer as {{"x": 1}}.'},
        {"role": "user", "content": "# {subject}\n{e-mail text}"},
    ]


def test_values_of_an_example_are_the_texts_that_the_template_shows() -> None:
    example = Example("whole", ("a",), {"subject": 3.0, "tags": ["x"]})
    assert values_of(example, ["input", "subject", "tags", "gone"]) == {
        "input": "whole",
        "subject": "3",
        "tags": '["x"]',
        "gone": "",
    }
