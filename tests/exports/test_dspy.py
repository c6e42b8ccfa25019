"""The DSPy program has the instruction and the fields of the run, and asks its model."""

from __future__ import annotations

import ast
import sys
from typing import Any

import pytest
from hypothesis import given

from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.dspy import dspy_program
from instructzero.testing.endpoint import Endpoint
from instructzero.types import Example
from tests.exports.askings import ASKINGS, MAIL, make_asking


def assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the values of a module's assignments by name."""
    return {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}


@given(ASKINGS)
def test_program_parses_and_has_instruction_and_demos(asking: Asking) -> None:
    tree = ast.parse(dspy_program(asking).encode("utf-8"))
    values = assigned(tree)
    assert ast.literal_eval(values["INSTRUCTION"]) == asking.instruction
    assert ast.unparse(values["signature"]) == "dspy.Signature('input -> output', INSTRUCTION)"
    shown = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "dspy.Example"]
    found = [[ast.literal_eval(keyword.value) for keyword in call.keywords] for call in shown]
    assert found == [[shot.input, shot.outputs[0]] for shot in asking.shots]


def test_program_has_the_model_of_the_run() -> None:
    assert "dspy.LM('openai/gpt-4o-mini', max_tokens=64, temperature=0.0)" in dspy_program(make_asking())
    own = make_asking(endpoint="http://h/v1", official=False)
    assert "dspy.LM('openai/gpt-4o-mini', api_base='http://h/v1'," in dspy_program(own)
    assert "Set your model" in dspy_program(make_asking(kind="hf", model="org/model"))


def test_program_has_the_fields_and_the_system_message_of_a_template() -> None:
    mail = {"subject": "Late", "e-mail text": "Where is it?"}
    shots = (Example("whole", ("delivery",), mail),)
    values = assigned(ast.parse(dspy_program(make_asking(template=MAIL, shots=shots))))
    assert ast.literal_eval(values["INSTRUCTION"]) == 'Reverse the word. Answer as {"x": 1}.'
    assert "'subject, e_mail_text -> output'" in ast.unparse(values["signature"])
    assert "subject='Late', e_mail_text='Where is it?', output='delivery'" in ast.unparse(values["predict.demos"])


def run(program: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a program as a script with these arguments."""
    monkeypatch.setattr(sys, "argv", ["program.py", *arguments])
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(program, "program.py", "exec"), names)


@pytest.mark.filterwarnings("ignore")  # DSPy and its client warn of their own parts
def test_program_asks_the_model_of_the_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    dspy = pytest.importorskip("dspy")
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)  # it holds the answers of earlier tests
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    reply = "[[ ## output ## ]]\ndelivery\n\n[[ ## completed ## ]]"
    with Endpoint(lambda prompt: reply) as endpoint:
        asking = make_asking(template=MAIL, endpoint=endpoint.base_url, official=False)
        run(dspy_program(asking), ["Late", "Where is it?"], monkeypatch)
        (asked,) = endpoint.received
    assert capsys.readouterr().out == "delivery\n"
    assert 'Reverse the word. Answer as {"x": 1}.' in asked
    assert "Where is it?" in asked


def test_program_sends_key_headers_and_fields_of_the_run() -> None:
    access = Access(variable="LOCAL_KEY", named=True, headers=(Header("X-Gate", "", "GATE"),), extra_body={"top_k": 5})
    program = dspy_program(make_asking(access=access))
    assert "api_key=os.environ['LOCAL_KEY'], extra_headers={'X-Gate': os.environ['GATE']}" in program
    assert "extra_body={'top_k': 5}" in program
    assert "import os\n" in program
    address = "https://mine.openai.azure.com/openai/deployments/small"
    azure = Access(in_header=True, query=(("api-version", "2024-10-21"),))
    program = dspy_program(make_asking(endpoint=address, official=False, access=azure))
    assert (
        "dspy.LM('azure/small', api_base='https://mine.openai.azure.com', api_version='2024-10-21', max_tokens"
        in program
    )
