"""A result in use: messages for new inputs, and answers of the run's black box."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.calls.store import CallStore
from instructzero.errors import ConfigurationError
from instructzero.models.scripted import obey
from instructzero.testing.endpoint import Endpoint
from tests.conftest import WORDS

SIZES: dict[str, Any] = {"writer": "scripted:phrases", "evaluations": 4, "initial": 4, "batch": 4}
MAILS = [{"subject": f"The {word}", "body": word, "label": word[::-1]} for word in WORDS]
MAIL = {
    "prompt": "system: You are exact.\nuser: {instruction}\n{subject}\nInput: {body}\nOutput:",
    "input_column": "subject,body",
    "output_column": "label",
}


@pytest.fixture
def mails(tmp_path: Path) -> instructzero.Result:
    return instructzero.optimize(MAILS, blackbox="scripted:obey", directory=tmp_path / "run", **SIZES, **MAIL)


def test_messages_of_a_text_have_the_default_prompt(tmp_path: Path) -> None:
    rows = [(word, word[::-1]) for word in WORDS]
    result = instructzero.optimize(rows, blackbox="scripted:obey", directory=tmp_path / "run", **SIZES)
    text = f"Instruction: {result.instruction}\n\nInput: a {{b}}\n\nOutput:"
    assert result.messages("a {b}") == [{"role": "user", "content": text}]
    assert result.messages({"input": "a {b}", "more": 1}) == result.messages("a {b}")


def test_messages_of_a_row_have_its_columns(mails: instructzero.Result) -> None:
    assert mails.messages({"subject": "{x}", "body": 3.0}) == [
        {"role": "system", "content": "You are exact."},
        {"role": "user", "content": f"{mails.instruction}\n{{x}}\nInput: 3\nOutput:"},
    ]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("text", "expected a mapping with the fields subject, body of the prompt, got a text"),
        ({"subject": "a"}, "got none for body; give a value for each"),
        ({"Subject": "a", "body": "b"}, "got none for subject; did you mean 'subject' by 'Subject'?"),
        ({"subject": None, "body": "b"}, "got none for subject; give a value for each"),
        (5, "expected a text or a mapping with the fields subject, body of the prompt, got 5"),
        (None, "expected a text or a mapping with the fields subject, body of the prompt, got None"),
        (["a", "b"], "expected a text or a mapping with the fields subject, body of the prompt, got ['a', 'b']"),
    ],
)
def test_input_that_lacks_a_field_is_refused(mails: instructzero.Result, inputs: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        mails.messages(inputs)
    assert message in str(error.value)


def test_input_column_names_the_key_of_the_input(tmp_path: Path) -> None:
    rows = [{"word": word, "back": word[::-1]} for word in WORDS]
    columns = {"input_column": "word", "output_column": "back"}
    result = instructzero.optimize(rows, blackbox="scripted:obey", directory=tmp_path / "run", **SIZES, **columns)
    assert result.messages({"word": "lemon"}) == result.messages("lemon")


def test_ask_answers_with_the_black_box_of_the_run_and_pays_once(tmp_path: Path) -> None:
    (tmp_path / "mails.json").write_text(json.dumps(MAILS))
    with Endpoint(obey) as endpoint:
        settings: dict[str, Any] = {"blackbox": "openai:any", "base_url": endpoint.base_url, **SIZES, **MAIL}
        result = instructzero.optimize(tmp_path / "mails.json", directory=tmp_path / "run", max_calls=200, **settings)
        paid = endpoint.received.total()
        lemon = {"subject": "The lemon", "body": "lemon"}
        assert [result.ask(lemon), result.ask(lemon)] == ["nomel", "nomel"]
        assert endpoint.received.total() == paid + 1
        again = instructzero.resume(tmp_path / "run")
        assert again.ask(lemon) == "nomel"
        assert endpoint.received.total() == paid + 1
        assert again == result
        assert again.spent == result.spent
    with CallStore(tmp_path / "run" / "calls.sqlite") as store:
        ((usage, lost),) = [(one.usage, one.lost) for one in store.accounts() if one.run.startswith("ask-")]
    assert (usage.calls, lost) == (1, 0)


def test_ask_of_an_example_of_the_run_pays_nothing(tmp_path: Path) -> None:
    prompts: Counter[str] = Counter()

    def answer(prompt: str) -> str:
        prompts[prompt] += 1
        return obey(prompt)

    rows = [(word, word[::-1]) for word in WORDS]
    result = instructzero.optimize(rows, blackbox=answer, directory=tmp_path / "run", **SIZES)
    asked = result.messages("zebra")[0]["content"]
    known = [prompt for prompt in prompts if result.instruction in prompt]
    total = prompts.total()
    assert result.ask(known[0].partition("Input: ")[2].partition("\n")[0]) == obey(known[0])
    assert prompts.total() == total
    assert (result.ask("zebra"), prompts[asked]) == (obey(asked), 1)


def test_ask_works_while_an_event_loop_runs(mails: instructzero.Result) -> None:
    async def cell() -> str:
        return mails.ask({"subject": "a", "body": "lemon"})

    assert asyncio.run(cell()) == "nomel"


def test_result_without_a_run_says_where_to_get_one(mails: instructzero.Result) -> None:
    from dataclasses import replace

    for call in (replace(mails, use=None).ask, replace(mails, use=None).messages):
        with pytest.raises(ConfigurationError, match=r"expected a result of instructzero\.optimize"):
            call("a")


def test_result_stays_a_value(mails: instructzero.Result) -> None:
    copy = pickle.loads(pickle.dumps(mails))
    assert copy == mails
    assert copy.ask({"subject": "a", "body": "lemon"}) == "nomel"
    assert "use" not in mails.to_dict()
    assert "use=" not in repr(mails)


def test_result_in_a_notebook_shows_texts_as_text(tmp_path: Path) -> None:
    from instructzero.models.scripted import ScriptedWriter

    hostile = "reverse the word <img src=x onerror=alert(1)> \x1b[31m"
    rows = [(word, word[::-1]) for word in WORDS]
    result = instructzero.optimize(
        rows,
        blackbox="scripted:obey",
        directory=tmp_path / "<run>",
        **{**SIZES, "writer": ScriptedWriter([hostile, "do something"])},
    )
    shown = result._repr_html_()
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "<img" not in shown
    assert "\x1b" not in shown
    assert "1.000 [" in shown
    assert "%3Crun%3E/report.html" in shown
