"""The configuration of promptfoo holds the messages, the model and the test examples of the run."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import given

from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.promptfoo import promptfoo_config
from instructzero.types import Example
from tests.exports.askings import ASKINGS, HOSTILE, MAIL, MAIL_SHOTS, MAILS, make_asking

TESTS = (Example("cat", ("tac",)), Example("dog", ("god", "gods")))
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def load(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.encode("utf-8"))
    return found


def rendered(prompt: str, variables: dict[str, str]) -> list[dict[str, str]]:
    """Render a JSON chat as promptfoo does: every text in it by itself. Jinja has the syntax of nunjucks."""
    jinja2 = pytest.importorskip("jinja2")
    environment = jinja2.Environment(keep_trailing_newline=True, newline_sequence="\n")
    chat = json.loads(prompt)
    return [
        {"role": turn["role"], "content": environment.from_string(turn["content"]).render(variables)} for turn in chat
    ]


@given(HOSTILE, MAILS, MAIL_SHOTS)
def test_prompt_renders_as_the_messages_of_the_run(
    instruction: str, mail: dict[str, str], shots: tuple[Example, ...]
) -> None:
    asking = make_asking(instruction=instruction, template=MAIL, shots=shots)
    (prompt,) = load(promptfoo_config(asking, (), "exact_match"))["prompts"]
    found = rendered(prompt, {"subject": mail["subject"], "e_mail_text": mail["e-mail text"]})
    expected = asking.prompt.messages(instruction, mail)
    # Jinja, unlike nunjucks, makes one kind of line break of all.
    assert [plain(turn["content"]) for turn in found] == [plain(message.content) for message in expected]
    assert [turn["role"] for turn in found] == [message.role for message in expected]


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(ASKINGS)
def test_configuration_with_hostile_texts_is_read_back(asking: Asking) -> None:
    found = load(promptfoo_config(asking, TESTS, "exact_match"))
    assert [test["vars"] for test in found["tests"]] == [{"input": "cat"}, {"input": "dog"}]
    assert found["providers"][0]["config"]["temperature"] == asking.temperature


def test_provider_is_the_model_of_the_run() -> None:
    own = make_asking(endpoint="http://h/v1", official=False)
    assert load(promptfoo_config(own, TESTS, "verbatim"))["providers"] == [
        {
            "id": "openai:chat:gpt-4o-mini",
            "config": {"temperature": 0.0, "max_tokens": 64, "apiBaseUrl": "http://h/v1"},
        }
    ]
    assert load(promptfoo_config(make_asking(kind="anthropic"), (), "f1"))["providers"][0]["id"].startswith("anthropic")
    assert "Set your model under providers" in promptfoo_config(make_asking(kind="hf"), (), "f1")


def test_examples_that_promptfoo_would_change_are_left_out() -> None:
    texts = ("file:///etc/passwd", "package:x:y", "{{env.KEY}}", "{% raw %}", "last line\n")
    tests = (*TESTS, *(Example(text, ("a",)) for text in texts), Example("ok", ("file://a",)))
    written = promptfoo_config(make_asking(), tests, "contains")
    assert [test["vars"]["input"] for test in load(written)["tests"]] == ["cat", "dog"]
    assert "# 6 test examples are left out" in written


@pytest.mark.parametrize(
    ("metric", "kinds"),
    [
        ("contains", ["icontains", "icontains-any"]),
        ("choice:a|b", ["icontains", "icontains-any"]),
        ("verbatim", ["equals", "javascript"]),
        ("exact_match", ["javascript", "javascript"]),
        ("0.5*f1 + 0.5*contains", ["javascript", "javascript"]),
    ],
)
def test_assertions_fit_the_metric(metric: str, kinds: list[str]) -> None:
    tests = load(promptfoo_config(make_asking(), TESTS, metric))["tests"]
    assert [test["assert"][0]["type"] for test in tests] == kinds


@needs_node
@pytest.mark.parametrize(
    ("metric", "answers", "output", "passes"),
    [
        ("exact_match", ("Tac",), " tac.\n", True),
        ("exact_match", ("tac",), "cat", False),
        ("verbatim", ("a", "{b"), "{b", True),
        ("verbatim", ("a", "b"), "B", False),
        ("numeric", ("1,005",), "That makes 1005.0", True),
        ("numeric:0.5", ("3",), "It is 3.4", True),
        ("numeric", ("3",), "none", False),
    ],
)
def test_assertion_in_javascript_accepts_right_answers(
    metric: str, answers: tuple[str, ...], output: str, passes: bool
) -> None:
    (test,) = load(promptfoo_config(make_asking(), [Example("x", answers)], metric))["tests"]
    code = test["assert"][0]["value"]
    script = f"const output = {json.dumps(output)}; console.log({code})"
    done = subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True)
    assert done.stdout == f"{json.dumps(passes)}\n"


def test_provider_has_key_headers_and_fields_of_the_run() -> None:
    access = Access(
        variable="LOCAL_KEY",
        named=True,
        headers=(Header("X-Team", "search"), Header("X-Gate", "Token ", "GATE")),
        extra_body={"top_p": 0.5},
    )
    (provider,) = load(promptfoo_config(make_asking(access=access), TESTS, "f1"))["providers"]
    config = provider["config"]
    assert config["apiKeyEnvar"] == "LOCAL_KEY"
    assert config["headers"] == {"X-Team": "search", "X-Gate": "Token {{env.GATE}}"}
    assert config["passthrough"] == {"top_p": 0.5}


def test_provider_of_a_deployment_on_azure_is_azures() -> None:
    access = Access(in_header=True, query=(("api-version", "2024-10-21"),))
    address = "https://mine.openai.azure.com/openai/deployments/small"
    (provider,) = load(promptfoo_config(make_asking(endpoint=address, official=False, access=access), (), "f1"))[
        "providers"
    ]
    assert provider["id"] == "azure:chat:small"
    assert provider["config"]["apiBaseUrl"] == "https://mine.openai.azure.com"
    assert (provider["config"]["apiVersion"], provider["config"]["apiKeyEnvar"]) == ("2024-10-21", "OPENAI_API_KEY")


def test_query_that_promptfoo_cannot_send_is_remarked() -> None:
    access = Access(query=(("v", "7"),))
    assert "Promptfoo sends no query" in promptfoo_config(make_asking(official=False, access=access), (), "f1")
