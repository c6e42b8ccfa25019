from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from instructzero.errors import EndpointError, InstructZeroError, ModelError
from instructzero.models.openai import OpenAIBlackBox, public_url
from instructzero.types import Completion, Message, Request

KEY = "sk-test-1234567890abcdef"
PING = Request((Message("user", "ping"),), max_tokens=7)
NOW = {"retry-after-ms": "1"}
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


class Server:
    """Plays the given responses in turn, the last one for ever, and keeps the requests."""

    def __init__(self, *responses: httpx2.Response | Exception) -> None:
        self._responses: Iterator[httpx2.Response | Exception] = iter(responses)
        self._next = next(self._responses)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        response, self._next = self._next, next(self._responses, self._next)
        if isinstance(response, Exception):
            raise response
        return httpx2.Response(response.status_code, headers=response.headers, content=response.content)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def good(text: str = "pong") -> httpx2.Response:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    return httpx2.Response(200, json={"choices": [{"message": {"content": text}}], "usage": usage})


def bad(status: int, message: str = "no") -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": message}}, headers=NOW)


def ask(server: Handler, request: Request = PING, **options: Any) -> Completion:
    async def run() -> Completion:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
        box = OpenAIBlackBox("the-model", http_client=client, **{"max_retries": 3, **options})
        try:
            return await box.complete(request)
        finally:
            await box.close()

    return asyncio.run(run())


def failure(server: Handler, **options: Any) -> InstructZeroError:
    with pytest.raises(InstructZeroError) as caught:
        ask(server, **options)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "sk-te" not in shown
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    return caught.value


def test_answer_and_tokens() -> None:
    assert ask(Server(good())) == Completion("pong", 5, 2)


def test_official_service_gets_the_new_token_limit_and_others_the_old_one() -> None:
    official, local = Server(good()), Server(good())
    ask(official)
    ask(local, base_url="http://localhost:1/v1")
    assert official.bodies == [
        {
            "model": "the-model",
            "temperature": 0.0,
            "max_completion_tokens": 7,
            "messages": [{"role": "user", "content": "ping"}],
        }
    ]
    assert local.bodies[0]["max_tokens"] == 7
    assert "max_completion_tokens" not in local.bodies[0]
    assert str(local.requests[0].url) == "http://localhost:1/v1/chat/completions"


def test_completion_template_sends_a_prompt() -> None:
    server = Server(httpx2.Response(200, json={"choices": [{"text": " pong"}]}))
    assert ask(server, template="completion", base_url="http://localhost:1/v1").text == " pong"
    assert server.bodies[0]["prompt"] == "ping"
    assert server.requests[0].url.path == "/v1/completions"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_at_once_and_names_the_variable(status: int) -> None:
    server = Server(bad(status, f"Incorrect API key provided: {KEY[:6]}***cdef"))
    error = failure(server)
    assert isinstance(error, ModelError)
    assert "OPENAI_API_KEY" in str(error)
    assert len(server.requests) == 1


def test_an_unknown_model_ends_at_once() -> None:
    server = Server(bad(404))
    error = failure(server, base_url="http://user:pass@localhost:1/v1")
    assert isinstance(error, ModelError)
    assert "the-model" in str(error)
    assert "http://localhost:1/v1" in str(error)
    assert "pass" not in str(error)
    assert len(server.requests) == 1


def test_a_bad_request_ends_at_once_with_the_servers_words() -> None:
    server = Server(bad(400, f"temperature is odd for key {KEY} and {KEY[:9]}..."))
    error = failure(server)
    assert isinstance(error, ModelError)
    assert "temperature is odd" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_passing_failures_are_tried_again(status: int) -> None:
    server = Server(bad(status), bad(status), good())
    assert ask(server).text == "pong"
    assert len(server.requests) == 3


def test_a_broken_connection_is_tried_again() -> None:
    server = Server(httpx2.ConnectError("refused"), good())
    assert ask(server).text == "pong"


def test_failing_for_ever_is_an_endpoint_error() -> None:
    server = Server(bad(500, "boom"))
    error = failure(server)
    assert isinstance(error, EndpointError)
    assert "resume later" in str(error)
    assert len(server.requests) == 4


def test_unreachable_is_an_endpoint_error() -> None:
    error = failure(Server(httpx2.ConnectError("refused")), max_retries=0)
    assert isinstance(error, EndpointError)
    assert "resume later" in str(error)


def test_a_timeout_is_an_endpoint_error() -> None:
    assert isinstance(failure(Server(httpx2.ReadTimeout("slow")), max_retries=0), EndpointError)


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, json={"choices": [{"message": None}]}),
        httpx2.Response(200, json={"choices": [{"message": {"content": None}}], "usage": None}),
        httpx2.Response(200, json={"choices": [{"message": {"content": 3}}], "usage": {"prompt_tokens": "x"}}),
    ],
)
def test_a_choice_without_a_text_is_the_empty_answer(response: httpx2.Response) -> None:
    assert ask(Server(response)) == Completion("")


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text="<html>hello</html>", headers={"content-type": "text/html"}),
        httpx2.Response(200, content=b"{", headers={"content-type": "application/json"}),
        httpx2.Response(200, content=b"\xff\xfe", headers={"content-type": "application/json"}),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={}),
        httpx2.Response(200, json={"choices": []}),
        httpx2.Response(200, json={"choices": [None]}),
    ],
)
def test_a_response_that_is_no_completion_is_not_scored(response: httpx2.Response) -> None:
    error = failure(Server(response), max_retries=0)
    assert isinstance(error, EndpointError)
    assert "often it ends in /v1" in str(error)


def test_the_official_service_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelError, match="environment variable OPENAI_API_KEY"):
        OpenAIBlackBox("m")
    assert ask(Server(good()), base_url="http://localhost:1/v1").text == "pong"


def test_the_key_comes_from_the_named_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "other-secret\n")
    server = Server(good())
    ask(server, api_key_variable="OTHER_KEY", base_url="http://localhost:1/v1")
    assert server.requests[0].headers["authorization"] == "Bearer other-secret"


def test_an_unusable_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sécret")
    with pytest.raises(ModelError, match="plain characters") as caught:
        OpenAIBlackBox("m")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://host/v1", "http://", "http://[::1/v1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ModelError, match="mend base_url"):
        OpenAIBlackBox("m", base_url=url)


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ModelError, match="templates"):
        OpenAIBlackBox("m", template="auto")
    with pytest.raises(ModelError, match="concurrency"):
        OpenAIBlackBox("m", concurrency=0)


def test_public_url_drops_what_may_be_secret() -> None:
    assert public_url("https://me:secret@host:8000/v1/?token=abc#x") == "https://host:8000/v1"
