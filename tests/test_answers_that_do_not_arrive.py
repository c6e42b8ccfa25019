"""Runs at endpoints whose answers are dressed, empty or refused: they end with a result that says so."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.errors import ModelError, TooManyFailures
from instructzero.models.scripted import ScriptedWriter
from instructzero.records.result import Result
from instructzero.testing import Endpoint, Reply

NUMBERS = [f"lot {number}" for number in range(100)]
SMALL: dict[str, Any] = {"evaluations": 6, "initial": 3, "batch": 3, "racing": False}


def right(prompt: str) -> str:
    """Return the right answer to the last input: its number, written backwards."""
    return re.findall(r"lot (\d+)", prompt)[-1][::-1]


def run(endpoint: Endpoint, folder: Path, count: int = 40, **settings: Any) -> Result:
    return instructzero.optimize(
        [(text, text.removeprefix("lot ")[::-1]) for text in NUMBERS[:count]],
        writer=ScriptedWriter(),
        blackbox="openai:m",
        base_url=endpoint.base_url,
        directory=folder,
        **{**SMALL, **settings},
    )


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize(
    "dress",
    [
        lambda said: f"<think>\nPerhaps 7?\n</think>\n\n{said}",
        lambda said: f"Perhaps 7?\n</think>{said}",
        lambda said: f"<|channel|>analysis<|message|>7?<|end|><|start|>assistant<|channel|>final<|message|>{said}",
        lambda said: Reply.chat(said, reasoning_content="Perhaps 7?"),
        lambda said: Reply.chat([{"type": "thinking", "thinking": []}, {"type": "text", "text": said}]),
    ],
)
def test_thoughts_are_not_the_answer(tmp_path: Path, dress: Any) -> None:
    with Endpoint(lambda prompt: dress(right(prompt))) as endpoint:
        result = run(endpoint, tmp_path / "run")
    assert result.test_score == 1.0
    assert result.endings.summary() == ""


@pytest.mark.parametrize(
    ("reply", "count", "words"),
    [
        (Reply.chat("", "length", tokens=256), "empty_at_limit", "the model used all 256 tokens before it answered"),
        (Reply.chat("First, the digits", "length"), "cut", "cut off at 256 tokens"),
        (Reply.chat(None, refusal="I can't."), "refused", "refusals of the model"),
        (Reply.chat(None, reasoning_content="It is 7."), "empty", "were empty although"),
        (Reply.chat("", "content_filter"), "filtered", "content filter"),
    ],
)
def test_answers_that_never_arrive_are_counted_and_explained(
    tmp_path: Path, reply: Reply, count: str, words: str
) -> None:
    with Endpoint(lambda prompt: reply) as endpoint:
        result = run(endpoint, tmp_path / "run")
    found = record(tmp_path / "run")
    total = found["answers"]["total"]
    assert found["answers"][count] == total > 0
    assert any(f"{total} of {total} answers" in warning and words in warning for warning in result.warnings())
    assert found["warnings"] == result.warnings()
    assert words in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def refusing(refused: set[str]) -> Any:
    def script(prompt: str) -> str | Reply:
        text = re.findall(r"lot \d+", prompt)[-1]
        if text in refused:
            return Reply.refusal("The prompt triggers the content management policy", code="content_filter")
        return right(prompt)

    return script


def test_3_refused_rows_of_100_are_named_in_the_result(tmp_path: Path) -> None:
    refused = set(random.Random(1).sample(NUMBERS, 3))
    with Endpoint(refusing(refused)) as endpoint:
        result = run(endpoint, tmp_path / "run", count=100)
        asked = endpoint.received.copy()
        again = run(endpoint, tmp_path / "run", count=100)
        assert endpoint.received == asked
    found = record(tmp_path / "run")
    named = {example["input"] for example in found["failed_examples"]}
    assert named == refused & {text for text in NUMBERS for prompt in asked if prompt.endswith(f"{text}\n\nOutput:")}
    assert found["answers"]["failed"] >= len(named) > 0
    assert all("content management policy" in example["reason"] for example in found["failed_examples"])
    assert any("got no answer" in warning for warning in result.warnings())
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert all(text in page for text in named)
    assert max(asked.values()) == 1
    assert again.endings == result.endings


def test_30_refused_rows_of_100_stop_early_and_resume_with_a_larger_share(tmp_path: Path) -> None:
    refused = set(random.Random(2).sample(NUMBERS, 30))
    with Endpoint(refusing(refused)) as endpoint:
        with pytest.raises(TooManyFailures, match=r"raise --max-failures and run it again"):
            run(endpoint, tmp_path / "run", count=100)
        early = endpoint.received.total()
        result = run(endpoint, tmp_path / "run", count=100, max_failures=0.5)
        assert early <= 20
        assert max(endpoint.received.values()) == 1
        whole = run(endpoint, tmp_path / "whole", count=100, max_failures=0.5, store=tmp_path / "run" / "calls.sqlite")
        assert max(endpoint.received.values()) == 1
    assert {one.input for one in result.endings.failed} <= refused
    assert 0 < result.test_score < 1
    journals = [(tmp_path / name / "journal.jsonl").read_bytes() for name in ("run", "whole")]
    assert journals[0] == journals[1]
    assert whole.endings == result.endings


@pytest.mark.parametrize(
    ("reply", "requests"),
    [
        (Reply.refusal("Incorrect API key", status=401), 1),
        (Reply.refusal("The model `m` does not exist", status=404), 1),
        (Reply.refusal("Unsupported parameter: 'top_k'", code="unsupported_parameter"), 1),
        (Reply.refusal("Bad Request"), 2),
    ],
)
def test_refusal_of_every_question_stops_at_once(tmp_path: Path, reply: Reply, requests: int) -> None:
    with Endpoint(lambda prompt: reply) as endpoint:
        with pytest.raises(ModelError):
            run(endpoint, tmp_path / "run")
        assert endpoint.received.total() == requests


def test_key_that_is_refused_in_the_middle_stops_the_run(tmp_path: Path) -> None:
    asked: list[str] = []

    def script(prompt: str) -> str | Reply:
        asked.append(prompt)
        return Reply.refusal("key revoked", status=401) if 30 <= len(asked) < 60 else right(prompt)

    with Endpoint(script) as endpoint:
        with pytest.raises(ModelError, match="OPENAI_API_KEY"):
            run(endpoint, tmp_path / "run")
        asked.extend(["later"] * 60)
        assert run(endpoint, tmp_path / "run", max_failures=0).endings.failed == ()
