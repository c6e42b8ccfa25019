"""The contract of `BlackBox`, for all backends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from instructzero.models.anthropic import AnthropicBlackBox
from instructzero.models.callable import CallableBlackBox
from instructzero.models.registry import load_blackbox
from instructzero.protocols import BlackBox
from instructzero.testing import Endpoint
from instructzero.types import Completion, Message, Request

KEY = "sk-test-1234567890abcdef"
Maker = Callable[[], BlackBox]


def _shout(prompt: str) -> str:
    return prompt.upper()


async def _shout_later(prompt: str) -> str:
    await asyncio.sleep(0.001)
    return prompt.upper()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(str.upper) as endpoint:
        yield endpoint


def _answer_message(request: httpx2.Request) -> httpx2.Response:
    prompt = json.loads(request.content)["messages"][-1]["content"]
    usage = {"input_tokens": 3, "output_tokens": 4}
    return httpx2.Response(200, json={"content": [{"type": "text", "text": prompt.upper()}], "usage": usage})


def _anthropic() -> BlackBox:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(_answer_message))
    return AnthropicBlackBox("m", base_url="http://user:hidden@host/v1?token=hidden", http_client=client)


@pytest.fixture(
    params=["hf", "hf-chat", "scripted", "python", "function", "async-function", "openai", "anthropic", "dspy"]
)
def make(
    request: pytest.FixtureRequest,
    tiny_llama: Path,
    tiny_chat: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> Maker:
    address = endpoint.root.removeprefix("http://")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    makers: dict[str, Maker] = {
        "hf": lambda: load_blackbox(f"hf:{tiny_llama}", batch_size=3),
        "hf-chat": lambda: load_blackbox(f"hf:{tiny_chat}", template="chat", batch_size=3),
        "scripted": lambda: load_blackbox("scripted:echo"),
        "python": lambda: load_blackbox("python:html:escape"),
        "function": lambda: CallableBlackBox(_shout, "here:shout"),
        "async-function": lambda: CallableBlackBox(_shout_later, "here:shout_later"),
        "openai": lambda: load_blackbox("openai:m", base_url=f"http://user:hidden@{address}/v1?token=hidden"),
        "anthropic": _anthropic,
        "dspy": lambda: load_blackbox("dspy:openai/m", base_url=endpoint.base_url),
    }
    return makers[request.param]


def ask(box: BlackBox, requests: list[Request], *, together: bool) -> list[Completion]:
    async def run() -> list[Completion]:
        try:
            if together:
                return list(await asyncio.gather(*map(box.complete, requests)))
            return [await box.complete(request) for request in requests]
        finally:
            await box.close()

    return asyncio.run(run())


def some_requests(count: int = 9) -> list[Request]:
    texts = ["word " * (1 + index % 4) + str(index) for index in range(count)]
    return [Request((Message("user", text),), max_tokens=5 + index % 2 * 4) for index, text in enumerate(texts)]


def test_identity_is_stable_and_holds_no_secret(make: Maker) -> None:
    first, second = make(), make()
    assert dict(first.identity) == dict(second.identity)
    assert all(isinstance(value, str) for value in first.identity.values())
    text = json.dumps(dict(first.identity))
    assert KEY not in text
    assert "hidden" not in text
    assert str(Path.home()) not in text


def test_concurrency_is_at_least_one(make: Maker) -> None:
    assert make().concurrency >= 1


def test_complete_returns_text_and_token_counts(make: Maker) -> None:
    (answer,) = ask(make(), some_requests(1), together=False)
    assert isinstance(answer.text, str)
    assert answer.prompt_tokens >= 0
    assert answer.completion_tokens >= 0


def test_concurrent_requests_return_the_answers_of_sequential_ones(make: Maker) -> None:
    requests = some_requests()
    assert ask(make(), requests, together=True) == ask(make(), requests, together=False)


def test_different_prompts_return_different_answers(make: Maker) -> None:
    answers = ask(make(), some_requests(), together=True)
    assert len({answer.text for answer in answers}) > 1


def test_cancelled_request_does_not_affect_the_others(make: Maker) -> None:
    async def run() -> tuple[Completion, Completion]:
        box = make()
        first, second, third = (asyncio.create_task(box.complete(request)) for request in some_requests(3))
        await asyncio.sleep(0)
        second.cancel()
        try:
            return await first, await third
        finally:
            await box.close()

    alone = ask(make(), some_requests(3), together=False)
    assert asyncio.run(run()) == (alone[0], alone[2])
