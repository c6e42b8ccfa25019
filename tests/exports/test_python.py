"""Exported Python code: it parses for any texts of a run, and asks as the run did."""

from __future__ import annotations

import ast
import asyncio
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.api import run_settings
from instructzero.build import build_task
from instructzero.config import make_settings
from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.dspy import dspy_program
from instructzero.exports.langchain import langchain_program
from instructzero.exports.promptfoo import promptfoo_config
from instructzero.exports.python import script
from instructzero.finished_run import FinishedRun
from instructzero.models.registry import load_blackbox
from instructzero.records.observers import Observer
from instructzero.testing.endpoint import Endpoint
from instructzero.types import Example, Message, Request
from tests.exports.askings import ASKINGS, HOSTILE, MAIL, MAIL_SHOTS, MAILS, make_asking
from tests.models.conftest import byte_tokenizer, save_tiny
from tests.models.gguf_files import tiny_llama_model, tiny_tokenizer, write_gguf


def run_module(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(source, "exported.py", "exec"), names)
    return names


@given(ASKINGS)
def test_script_with_hostile_texts_parses(asking: Asking) -> None:
    source = script(asking)
    tree = ast.parse(source.encode("utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"prompt", "answer"} <= functions
    (value,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["INSTRUCTION"]]
    assert ast.literal_eval(value) == asking.instruction


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


@given(ASKINGS, HOSTILE)
def test_script_prompt_is_that_of_the_search(asking: Asking, question: str) -> None:
    prompt_only = script(make_asking(instruction=asking.instruction, shots=asking.shots, kind="object"))
    assert run_module(prompt_only)["prompt"](question) == asking.prompt.render(asking.instruction, question)


@given(ASKINGS)
def test_scripts_of_all_kinds_have_the_same_prompt(asking: Asking) -> None:
    prompts = [
        _function(script(make_asking(instruction=asking.instruction, shots=asking.shots, kind="object")), "prompt")
    ]
    prompts.append(_function(script(asking), "prompt"))
    assert prompts[0] == prompts[1]


def _function(source: str, name: str) -> str:
    (found,) = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return ast.unparse(found)


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("instruction", ["Turn it \"round\" and 'back'.\\\n\0", "é 漢 \u2028"])
def test_openai_script_sends_the_prompt_of_the_run(
    monkeypatch: pytest.MonkeyPatch, chat: bool, instruction: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Endpoint(lambda prompt: prompt[::-1]) as endpoint:
        asking = make_asking(endpoint=endpoint.base_url, official=False, chat=chat, instruction=instruction)
        asked = asking.prompt.render(instruction, "cat's")
        assert run_module(script(asking))["answer"]("cat's") == asked[::-1]
        assert list(endpoint.received) == [asked]


def test_anthropic_script_sends_the_prompt_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anthropic")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with Endpoint(str.upper) as endpoint:
        asking = make_asking(kind="anthropic", endpoint=endpoint.root, official=False)
        asked = asking.prompt.render(asking.instruction, "cat")
        assert run_module(script(asking))["answer"]("cat") == asked.upper()
        assert list(endpoint.received) == [asked]


@pytest.mark.parametrize("function", ["plain", "slow"])
def test_function_script_calls_the_users_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    (tmp_path / "users_own.py").write_text(
        "def plain(prompt):\n    return prompt.upper()\n\n\nasync def slow(prompt):\n    return prompt.upper()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "users_own", raising=False)
    asking = make_asking(kind="python", model=f"users_own:{function}")
    assert run_module(script(asking))["answer"]("cat") == asking.prompt.render(asking.instruction, "cat").upper()


def test_local_model_script_answers_as_in_the_run(tmp_path: Path) -> None:
    settings = make_settings(
        {"task": "antonyms", "writer": "scripted:phrases", "evaluations": 2, "initial": 2, "validation": 2, "test": 5}
        | {"confirmation": 0, "baseline": "Give the opposite of the word.", "device": "cpu"}
    )
    run_settings(settings, tmp_path / "run", Observer())
    run = FinishedRun.read(tmp_path / "run")
    answer = run_module(script(Asking.of(run)))["answer"]
    assert [answer(example.input) for example in build_task(settings).test] == list(run.test.predictions)


@pytest.mark.parametrize("named", ["file", "folder"])
def test_script_of_a_gguf_file_answers_like_the_black_box(tmp_path: Path, named: str) -> None:
    tokenizer = tiny_tokenizer()
    file = write_gguf(tmp_path / "tiny.gguf", tiny_llama_model(len(tokenizer)), tokenizer)
    asking = make_asking(kind="hf", model=str(file if named == "file" else tmp_path), max_tokens=8)
    prompt = asking.prompt.render(asking.instruction, "cat")
    box = load_blackbox(f"hf:{file}", device="cpu")
    expected = asyncio.run(box.complete(Request((Message("user", prompt),), 8, 0.0))).text
    assert run_module(script(asking))["answer"]("cat") == expected


@pytest.mark.parametrize("own_tokenizer", [True, False])
def test_script_of_an_adapter_answers_like_the_black_box(tmp_path: Path, own_tokenizer: bool) -> None:
    pytest.importorskip("peft")
    from tests.models.adapter_files import save_adapter, save_base

    folder = save_adapter(tmp_path / "lora", save_base(tmp_path / "base"), named="../base")
    if own_tokenizer:
        byte_tokenizer(chat=True).save_pretrained(folder)
    box = load_blackbox(f"hf:{folder}", device="cpu", dtype="float32")
    own = {"base": "base", "chat": own_tokenizer, "max_tokens": 8}
    asking = make_asking(kind="hf", model=str(folder), **own)
    request = Request((Message("user", asking.prompt.render(asking.instruction, "cat")),), 8, 0.0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # peft uses a deprecated name
        answer = run_module(script(asking))["answer"]
    assert answer("cat") == asyncio.run(box.complete(request)).text


@given(HOSTILE, MAILS, MAIL_SHOTS)
def test_script_of_a_template_has_its_messages(
    instruction: str, mail: dict[str, str], shots: tuple[Example, ...]
) -> None:
    asking = make_asking(instruction=instruction, shots=shots, template=MAIL, kind="object")
    module = run_module(script(asking))
    assert [Message(**turn) for turn in module["messages"](mail)] == asking.prompt.messages(instruction, mail)
    assert module["answer"](mail) == asking.prompt.render(instruction, mail)
    assert module["FIELDS"] == ("subject", "e-mail text")


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_script_of_a_template_sends_its_messages(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    pytest.importorskip(kind)
    mail = {"subject": "Late", "e-mail text": "Where is it?"}
    with Endpoint(str.upper) as endpoint:
        address = endpoint.base_url if kind == "openai" else endpoint.root
        asking = make_asking(kind=kind, endpoint=address, official=False, template=MAIL)
        asked = asking.prompt.render(asking.instruction, mail)
        assert run_module(script(asking))["answer"](mail) == asked.upper()
        assert list(endpoint.received) == [asked]


def test_script_of_a_template_for_a_local_model_answers_like_the_black_box(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "tiny", "qwen2")
    mail = {"subject": "Late", "e-mail text": "Where is it?"}
    asking = make_asking(kind="hf", model=str(folder), template=MAIL, max_tokens=8)
    box = load_blackbox(f"hf:{folder}", device="cpu", dtype="float32")
    expected = asyncio.run(box.complete(Request(tuple(asking.prompt.messages(asking.instruction, mail)), 8, 0.0))).text
    assert run_module(script(asking))["answer"](mail) == expected


@given(st.sampled_from(["openai", "anthropic"]), st.booleans())
def test_exported_code_contains_no_key(kind: str, official: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-secret")
        patch.setenv("ANTHROPIC_API_KEY", "sk-secret")
        asking = make_asking(kind=kind, official=official, shots=(Example("a", ("b",)),))
        assert "sk-secret" not in script(asking) + dspy_program(asking) + langchain_program(asking)
        assert "sk-secret" not in promptfoo_config(asking, (), "f1")


GATED = Access(
    headers=(Header("X-Team", "search"), Header("authorization", "Bearer ", "GATE_TOKEN")),
    own_key=True,
    query=(("v", "7"),),
    extra_body={"top_p": 0.5, "temperature": 0.3},
)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_script_sends_headers_fields_and_query_of_the_run(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    pytest.importorskip(kind)
    monkeypatch.setenv("GATE_TOKEN", "gate-secret")
    monkeypatch.setenv(f"{kind.upper()}_API_KEY", "sk-not-for-this-host")
    with Endpoint(str.upper) as endpoint:
        address = endpoint.base_url if kind == "openai" else endpoint.root
        source = script(make_asking(kind=kind, endpoint=address, official=False, access=GATED))
        run_module(source)["answer"]("cat")
        (head,), (body,) = endpoint.heads, endpoint.bodies
    assert "gate-secret" not in source
    assert head.target.endswith("?v=7")
    assert (head.headers["x-team"], head.headers["authorization"]) == ("search", "Bearer gate-secret")
    assert not [value for value in head.headers.values() if "sk-not" in value]
    assert (body["top_p"], body["temperature"]) == (0.5, 0.3)


def test_script_for_azure_sends_the_key_in_its_header_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "azure-secret")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    access = Access(variable="AZURE_KEY", named=True, in_header=True, query=(("api-version", "2024-10-21"),))
    with Endpoint(str.upper) as endpoint:
        address = f"{endpoint.root}/openai/deployments/d"
        run_module(script(make_asking(endpoint=address, official=False, access=access)))["answer"]("cat")
        (head,) = endpoint.heads
    assert head.target == "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert head.headers["api-key"] == "azure-secret"
    assert "authorization" not in head.headers


def test_script_reads_the_key_from_the_variable_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", "local-secret")
    with Endpoint(str.upper) as endpoint:
        access = Access(variable="LOCAL_KEY", named=True)
        run_module(script(make_asking(endpoint=endpoint.base_url, official=False, access=access)))["answer"]("cat")
        assert endpoint.keys == {"local-secret"}
