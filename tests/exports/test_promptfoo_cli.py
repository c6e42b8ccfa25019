"""Promptfoo's own command line accepts the configurations, sends the messages of the run, and scores as it did.

It is found as ``$PROMPTFOO``, on ``PATH``, or in ``node_modules/.bin`` at the root (``npm install promptfoo``).
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.promptfoo import promptfoo_config
from instructzero.finished_run import FinishedRun
from instructzero.tasks import get_metric
from instructzero.testing import Endpoint
from instructzero.types import Example
from tests.command_line import Call
from tests.exports.askings import MAIL, make_asking

ROOT = Path(__file__).parents[2]
CLI = os.environ.get("PROMPTFOO") or shutil.which("promptfoo", path=f"{os.environ['PATH']}:{ROOT}/node_modules/.bin")
pytestmark = pytest.mark.skipif(CLI is None, reason="needs promptfoo: npm install promptfoo")

QUIET = ("--no-cache", "--no-write", "--no-table", "--no-progress-bar")
KEYS = {"OPENAI_API_KEY": "none", "ANTHROPIC_API_KEY": "none", "LOCAL_KEY": "local-secret", "GATE": "gate-secret"}
NASTY = "Sort {it}: {{ env.HOME }} {% raw %} {# no #} 'a' \"b\" \\n file://x\n- é 猫\n\n  indented"


def evaluated(config: str, folder: Path) -> list[dict[str, Any]]:
    """Validate and evaluate a configuration, and return the results in the order of its tests."""
    folder.mkdir(exist_ok=True)
    (folder / "promptfooconfig.yaml").write_text(config, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_"))},
        **KEYS,
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    }
    valid = called(folder, environment, "validate", "config", "-c", "promptfooconfig.yaml")
    assert "Configuration is valid" in valid.stdout, valid.stdout + valid.stderr
    done = called(folder, environment, "eval", "-c", "promptfooconfig.yaml", *QUIET, "-o", "out.json")
    assert (folder / "out.json").exists(), done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads((folder / "out.json").read_text(encoding="utf-8"))["results"]["results"]
    assert [result.get("error") for result in results if result["failureReason"] == 2] == []
    return sorted(results, key=lambda result: result["testIdx"])


def called(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    assert CLI is not None
    return subprocess.run([CLI, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=240)


MAILS = [
    Example("a", ("delivery",), {"subject": "Late", "e-mail text": "Where is it?\n\nAnn"}),
    Example(
        "b", ("payment",), {"subject": "'Card' \"twice\"", "e-mail text": "\\ {x} $y `z` <b> & | > # - : é 猫\n  two"}
    ),
    Example("c", ("returns",), {"subject": "[1, 2]", "e-mail text": '{"a": 1}'}),
    Example("d", ("delivery",), {"subject": "null", "e-mail text": "0123"}),
]
SHOTS = (Example("whole", ("delivery",), {"subject": "{{a}}", "e-mail text": "{% b %}"}),)


def test_messages_of_several_fields_with_hostile_texts_are_those_of_the_run(tmp_path: Path) -> None:
    metric = get_metric("choice").bind(MAILS)
    with Endpoint(
        lambda prompt: "It is delivery." if "é 猫\n  two" not in prompt else "payment or returns"
    ) as endpoint:
        asking = make_asking(
            instruction=NASTY, template=MAIL, shots=SHOTS, endpoint=endpoint.base_url, official=False, temperature=0.5
        )
        results = evaluated(promptfoo_config(asking, MAILS, "choice", metric), tmp_path)
        bodies = list(endpoint.bodies)
    expected = [asking.prompt.messages(NASTY, dict(mail.columns)) for mail in MAILS]
    sent = [[(turn["role"], turn["content"]) for turn in body["messages"]] for body in bodies]
    assert sorted(sent) == sorted([(turn.role, turn.content) for turn in turns] for turns in expected)
    assert [result["success"] for result in results] == [True, False, False, True]
    assert {(body["model"], body["temperature"], body["max_tokens"]) for body in bodies} == {("gpt-4o-mini", 0.5, 64)}


def asked(asking: Asking, endpoint: Endpoint, folder: Path) -> tuple[Any, Any]:
    """Evaluate one test, and return the head and the body of the request."""
    (result,) = evaluated(promptfoo_config(asking, [Example("dog", ("DOG",))], "contains"), folder)
    assert result["success"], result
    return endpoint.heads[-1], endpoint.bodies[-1]


def test_services_are_asked_as_in_the_run(tmp_path: Path) -> None:
    access = Access(
        variable="LOCAL_KEY",
        named=True,
        headers=(Header("X-Team", "search"), Header("X-Gate", "Token ", "GATE")),
        extra_body={"top_k": 5},
    )
    azure = Access(variable="LOCAL_KEY", named=True, in_header=True, query=(("api-version", "2024-10-21"),))
    with Endpoint(str.upper) as endpoint:
        own = make_asking(endpoint=endpoint.base_url, official=False, access=access)
        head, body = asked(own, endpoint, tmp_path / "own")
        assert head.target == "/v1/chat/completions"
        headers = [head.headers[name] for name in ("authorization", "x-team", "x-gate")]
        assert headers == ["Bearer local-secret", "search", "Token gate-secret"]
        assert (body["top_k"], body["max_tokens"], body["temperature"]) == (5, 64, 0)

        plain = make_asking(endpoint=endpoint.base_url, official=False, chat=False)
        head, body = asked(plain, endpoint, tmp_path / "plain")
        assert (head.target, body["prompt"]) == ("/v1/completions", plain.prompt.render(plain.instruction, "dog"))

        claude = make_asking(kind="anthropic", model="claude-x", endpoint=endpoint.root, official=False)
        head, body = asked(claude, endpoint, tmp_path / "claude")
        assert (head.target, head.headers["x-api-key"], body["max_tokens"]) == ("/v1/messages", "none", 64)

        address = f"{endpoint.root}/openai/deployments/small"
        head, body = asked(make_asking(endpoint=address, official=False, access=azure), endpoint, tmp_path / "azure")
        assert head.target == "/openai/deployments/small/chat/completions?api-version=2024-10-21"
        assert head.headers["api-key"] == "local-secret"


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("numeric", ["That makes 1,005.", "#### 3", "none", "<think>7</think>8"]),
        ("json", ['```json\n{"n": 1005}\n```', '{"n": 3}', "none", '{"n": 8, "x": 1}']),
    ],
)
def test_scores_are_those_of_the_metric(metric: str, said: list[str], tmp_path: Path) -> None:
    values = ["1005", "3", "7", "8"]
    answers = [value if metric == "numeric" else f'{{"n": {value}}}' for value in values]
    tests = [Example(f"question {number}", (answer,)) for number, answer in enumerate(answers)]
    known = get_metric(metric).bind(tests)
    by_input = {test.input: text for test, text in zip(tests, said, strict=True)}
    with Endpoint(lambda prompt: next(text for name, text in by_input.items() if name in prompt)) as endpoint:
        asking = make_asking(endpoint=endpoint.base_url, official=False)
        results = evaluated(promptfoo_config(asking, tests, metric, known), tmp_path)
    scores = [known(text, test.outputs) for test, text in zip(tests, said, strict=True)]
    assert [result["score"] for result in results] == pytest.approx(scores)
    assert [result["success"] for result in results] == [score == 1 for score in scores]


def test_passes_of_a_run_are_its_test_score(command_line: Call, tmp_path: Path) -> None:
    folder = ROOT / "examples" / "tickets"
    tickets = runpy.run_path(str(folder / "server.py"))
    given = ["--task", folder / "rows.csv", "--input-column", "subject,body", "--output-column", "team"]
    models = ["--prompt", folder / "prompt.txt", "--blackbox", "openai:demo", "--writer", "openai:demo"]
    with Endpoint(tickets["answer"]) as endpoint:
        address = ["--base-url", endpoint.base_url, "--metric", "choice"]
        command_line("run", *given, *models, *address, "--evaluations", 3, "--out", "run", "--quiet")
        code, config, _ = command_line("export", "run", "--format", "promptfoo")
        results = evaluated(config, tmp_path / "promptfoo")
    assert code == 0
    passed = sum(result["success"] for result in results)
    assert passed / len(results) == pytest.approx(FinishedRun.read(tmp_path / "run").record["test_score"])
    assert 50 < passed < 100
