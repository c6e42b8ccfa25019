"""The LangChain program has the messages of the run, and asks its model."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.langchain import langchain_program
from instructzero.testing.endpoint import Endpoint
from instructzero.types import Example
from tests.exports.askings import ASKINGS, MAIL, make_asking

NASTY = 'Turn {it} "round".\\\n\0 {{x}} {% raw %} é'


def run(program: str, name: str = "program") -> dict[str, Any]:
    """Run a program as a module, or with the name ``__main__`` as a script."""
    names: dict[str, Any] = {"__name__": name}
    exec(compile(program, "program.py", "exec"), names)
    return names


@given(ASKINGS)
def test_program_with_hostile_texts_parses(asking: Asking) -> None:
    assert ast.parse(langchain_program(asking).encode("utf-8", "backslashreplace"))


def test_prompt_has_the_messages_of_the_run() -> None:
    pytest.importorskip("langchain_core")
    mail = {"subject": "Late {0}", "e-mail text": "Where {is} it?"}
    shots = (Example("whole", ("delivery",), {"subject": "{a}", "e-mail text": "b"}),)
    asking = make_asking(instruction=NASTY, template=MAIL, shots=shots, kind="hf", chat=True)
    variables = {"subject": mail["subject"], "e_mail_text": mail["e-mail text"]}
    found = run(langchain_program(asking))["chain"]().invoke(variables).to_messages()
    roles = {"system": "system", "human": "user", "ai": "assistant"}
    assert [(roles[message.type], message.content) for message in found] == [
        (message.role, message.content) for message in asking.prompt.messages(NASTY, mail)
    ]


def test_prompt_of_plain_text_is_that_of_the_run() -> None:
    pytest.importorskip("langchain_core")
    asking = make_asking(instruction=NASTY, kind="hf", chat=False)
    found = run(langchain_program(asking))["prompt"].invoke({"input": "dog {cat}"})
    assert found.to_string() == asking.prompt.render(NASTY, "dog {cat}")


def test_program_asks_the_model_of_the_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Endpoint(str.upper) as endpoint:
        asking = make_asking(instruction=NASTY, endpoint=endpoint.base_url, official=False)
        monkeypatch.setattr(sys, "argv", ["program.py", "dog", "cat"])
        run(langchain_program(asking), "__main__")
        asked = asking.prompt.render(NASTY, "dog cat")
        assert list(endpoint.received) == [asked]
    assert capsys.readouterr().out == f"{asked.upper()}\n"


ACCESS = Access(
    variable="LOCAL_KEY",
    named=True,
    headers=(Header("X-Team", "search"), Header("X-Gate", "Token ", "GATE")),
    query=(("v", "7"),),
    extra_body={"top_k": 5},
)


def test_program_sends_headers_fields_and_query_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("LOCAL_KEY", "local-secret")
    monkeypatch.setenv("GATE", "gate-secret")
    with Endpoint(str.upper) as endpoint:
        program = langchain_program(make_asking(endpoint=endpoint.base_url, official=False, access=ACCESS))
        run(program)["chain"]().invoke({"input": "dog"})
        (head,), (body,) = endpoint.heads, endpoint.bodies
    assert "secret" not in program
    assert head.target == "/v1/chat/completions?v=7"
    headers = [head.headers[name] for name in ("x-team", "x-gate", "authorization")]
    assert headers == ["search", "Token gate-secret", "Bearer local-secret"]
    assert (body["top_k"], body["max_tokens"]) == (5, 64)


def test_program_for_azure_asks_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("LOCAL_KEY", "local-secret")
    monkeypatch.setenv("GATE", "gate-secret")
    access = replace(ACCESS, in_header=True, query=(("api-version", "2024-10-21"),))
    with Endpoint(str.upper) as endpoint:
        address = f"{endpoint.root}/openai/deployments/d"
        run(langchain_program(make_asking(endpoint=address, official=False, access=access)))["chain"]().invoke(
            {"input": "dog"}
        )
        (head,) = endpoint.heads
    assert head.target == "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert (head.headers["api-key"], head.headers["x-team"]) == ("local-secret", "search")
