"""Language models of DSPy as black boxes, writers and judges."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import dspy
import pytest
from dspy.utils import DummyLM

import instructzero
from instructzero.errors import InstructZeroError, ModelError, RefusedQuestion, TransientError
from instructzero.models.dspy import DSPyBlackBox, completion_of, identity_of, outputs_of
from instructzero.models.registry import load_blackbox
from instructzero.models.scripted import obey
from instructzero.testing import Endpoint, Reply
from instructzero.types import Completion, Finish, Message, Request
from tests.conftest import WORDS

KEY = "sk-test-1234567890abcdef"
ROWS = [(word, word[::-1]) for word in WORDS]
SIZES: dict[str, Any] = {"evaluations": 4, "initial": 2, "batch": 2, "validation": 4, "test": 4, "confirmation": 0}


def lm_at(endpoint: Endpoint, **parameters: Any) -> Any:
    return dspy.LM("openai/demo", api_base=endpoint.base_url, api_key=KEY, **parameters)


def ask(box: DSPyBlackBox, text: str = "Write it in upper case.\nInput: ping") -> Completion:
    async def run() -> Completion:
        try:
            return await box.complete(Request((Message("user", text),), max_tokens=7))
        finally:
            await box.close()

    return asyncio.run(run())


def failure(reply: Reply) -> Exception:
    with Endpoint(lambda prompt: reply) as endpoint, pytest.raises(InstructZeroError) as caught:
        ask(DSPyBlackBox(lm_at(endpoint)))
    assert endpoint.received.total() == 1
    assert KEY not in str(caught.value)
    return caught.value


def test_black_box_answers_with_text_and_usage_and_sends_the_parameters_of_the_request() -> None:
    with Endpoint(str.upper) as endpoint:
        answer = ask(DSPyBlackBox(lm_at(endpoint)), "ping pong")
        (body,) = endpoint.bodies
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("PING PONG", 2, 2)
    assert body["temperature"] == 0.0
    assert 7 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_own_parameters_of_the_model_go_before_those_of_the_request() -> None:
    with Endpoint(str.upper) as endpoint:
        box = DSPyBlackBox(lm_at(endpoint, temperature=0.7, max_tokens=99))
        ask(box)
        (body,) = endpoint.bodies
    assert body["temperature"] == 0.7
    assert 99 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert not box.capabilities.temperature


def test_cache_of_dspy_is_not_used() -> None:
    with Endpoint(str.upper) as endpoint:
        for _ in range(2):
            ask(DSPyBlackBox(lm_at(endpoint)), "the same question")
        assert endpoint.received.total() == 2


def test_identity_holds_the_parameters_and_no_secret() -> None:
    lm = dspy.LM(
        "openai/demo",
        api_base="http://me:hidden@host/v1?token=hidden",
        api_key=KEY,
        top_p=0.5,
        extra_headers={"X": KEY},
    )
    identity = identity_of(lm)
    assert identity["endpoint"] == "http://host/v1"
    assert json.loads(identity["parameters"]) == {"top_p": 0.5}
    assert "hidden" not in str(identity)
    assert KEY not in str(identity)
    assert identity != identity_of(dspy.LM("openai/demo", api_base="http://host/v1", api_key=KEY))


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (500, TransientError, "answers with an error"),
        (429, TransientError, "answers with an error"),
        (401, ModelError, "check its key"),
        (400, RefusedQuestion, "refuses the request"),
    ],
)
def test_errors_are_one_sentence_after_one_request(status: int, kind: type[Exception], words: str) -> None:
    error = failure(Reply.refusal(f"not for {KEY}", status=status))
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)
    assert getattr(error, "throttled", False) == (status == 429)


def test_outputs_that_are_more_than_a_text_survive_the_store() -> None:
    outputs = [{"text": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}]
    assert outputs_of(completion_of(outputs, {})) == outputs
    assert outputs_of(completion_of(["a", "b"], {})) == ["a", "b"]
    disguised = completion_of(["x", "y"], {}).text
    assert outputs_of(completion_of([disguised], {})) == [disguised]
    cut = {"choices": [{"finish_reason": "length"}], "usage": {"prompt_tokens": 3}}
    assert completion_of(["a"], cut) == Completion("a", prompt_tokens=3, finish=Finish.CUT)


def test_lm_is_the_black_box_of_a_run_which_is_continued_for_free(tmp_path: Path) -> None:
    with Endpoint(obey) as endpoint:
        settings = {**SIZES, "writer": "scripted:phrases", "directory": tmp_path / "run"}
        result = instructzero.optimize(ROWS, blackbox=lm_at(endpoint), **settings)
        paid = endpoint.received.total()
        assert result.usage.calls == paid > 8
        assert instructzero.optimize(ROWS, blackbox=lm_at(endpoint), **settings) == result
        assert endpoint.received.total() == paid
    stored = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert KEY.encode() not in stored


def test_lm_is_the_writer_of_a_run(tmp_path: Path) -> None:
    lm = DummyLM([{"answer": f"<prompt>Take it backwards, way {number}.</prompt>"} for number in range(40)])
    result = instructzero.optimize(
        ROWS, blackbox="scripted:obey", writer=lm, method="ape", directory=tmp_path / "run", **SIZES
    )
    assert result.spent["writer"].calls > 1
    assert "backwards" in result.instruction


def test_specification_takes_address_and_key_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with Endpoint(str.upper) as endpoint:
        options = {"base_url": endpoint.base_url, "api_key_variable": "MY_KEY", "extra_body": {"top_p": 0.5}}
        box = load_blackbox("dspy:openai/demo", **options)
        assert isinstance(box, DSPyBlackBox)
        assert ask(box, "ping").text == "PING"
        assert endpoint.keys == {KEY}
        assert endpoint.bodies[0]["top_p"] == 0.5
        assert box.identity == load_blackbox("dspy:openai/demo", timeout=3.0, **options).identity
    assert (box.identity["backend"], box.identity["model"]) == ("dspy", "openai/demo")


def test_answer_after_the_timeout_is_an_error_that_may_pass() -> None:
    with Endpoint(str.upper, latency=5.0) as endpoint:
        box = load_blackbox("dspy:openai/demo", base_url=endpoint.base_url, extra_body={"api_key": KEY}, timeout=0.3)
        begun = time.monotonic()
        with pytest.raises(TransientError) as caught:
            ask(box)
        assert time.monotonic() - begun < 3
    assert caught.value.maybe_paid


def test_specification_is_the_judge_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Endpoint(lambda prompt: "Grade: 7") as endpoint:
        models = {"blackbox": "scripted:obey", "writer": "scripted:phrases", "judge": "dspy:openai/demo"}
        result = instructzero.optimize(
            ROWS, **models, metric="judge", judge_url=endpoint.base_url, directory=tmp_path / "run", **SIZES
        )
        assert endpoint.received.total() == result.spent["judge"].calls > 1
        assert endpoint.keys == {KEY}
    assert result.test_score == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"headers": ("X: y",)}, "expected no --header for the black box"),
        ({"api_key_variable": "NO_SUCH_KEY"}, "environment variable NO_SUCH_KEY, got none"),
    ],
)
def test_specification_with_impossible_options_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        load_blackbox("dspy:openai/demo", **options)
