from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from instructzero.errors import EndpointError, InstructZeroError, ModelError, TransientError
from instructzero.models.anthropic import AnthropicBlackBox
from instructzero.testing import Endpoint
from instructzero.types import Completion, Message, Request

KEY = "sk-ant-api03-1234567890abcdef"
PING = Request((Message("user", "ping"),), max_tokens=7)
USAGE = {"input_tokens": 5, "output_tokens": 2}
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)


def good(*blocks: Any, usage: Any = USAGE) -> httpx2.Response:
    return httpx2.Response(200, json={"type": "message", "content": list(blocks), "usage": usage})


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def bad(status: int, kind: str, message: str, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json={"type": "error", "error": {"type": kind, "message": message}}, headers=headers)


class Server:
    """Returns responses in turn and records the requests."""

    def __init__(self, *responses: httpx2.Response | Exception) -> None:
        self._responses = list(responses)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        response = self._responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def ask(server: Handler, request: Request = PING, **options: Any) -> Completion:
    async def run() -> Completion:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
        box = AnthropicBlackBox("the-model", http_client=client, **options)
        try:
            return await box.complete(request)
        finally:
            await box.close()

    return asyncio.run(run())


def failure(server: Server, **options: Any) -> InstructZeroError:
    with pytest.raises(InstructZeroError) as caught:
        ask(server, **options)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "sk-an" not in shown
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1
    return caught.value


def test_request_has_the_form_of_the_messages_api() -> None:
    server = Server(good(text("pong")))
    messages = (Message("system", "Be brief."), Message("user", "ping"), Message("assistant", "po"))
    assert ask(server, Request(messages, 7, 0.5, seed=3)) == Completion("pong", 5, 2)
    assert server.bodies == [
        {
            "model": "the-model",
            "max_tokens": 7,
            "temperature": 0.5,
            "system": "Be brief.",
            "messages": [{"role": "user", "content": "ping"}, {"role": "assistant", "content": "po"}],
        }
    ]
    assert str(server.requests[0].url) == "https://api.anthropic.com/v1/messages"
    assert any(KEY in value for value in server.requests[0].headers.values())


@pytest.mark.parametrize("base_url", ["http://localhost:1", "http://localhost:1/", "http://localhost:1/v1"])
def test_base_url_with_and_without_version_gives_one_address(base_url: str) -> None:
    server = Server(good(text("pong")))
    ask(server, base_url=base_url)
    assert str(server.requests[0].url) == "http://localhost:1/v1/messages"


@pytest.mark.parametrize(
    ("response", "completion"),
    [
        (good(text("po"), text("ng")), Completion("pong", 5, 2)),
        (good({"type": "thinking", "thinking": "hm"}, text("pong")), Completion("pong", 5, 2)),
        (good(), Completion("", 5, 2)),
        (good({"type": "text", "text": None}, 3, usage=None), Completion("")),
        (
            good(text("a"), usage={**USAGE, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 100}),
            Completion("a", 115, 2, cached_tokens=100),
        ),
        (good(text("a"), usage={"input_tokens": 4.0, "cache_read_input_tokens": None}), Completion("a", 4, 0)),
    ],
)
def test_completion_is_read_from_every_shape_of_answer(response: httpx2.Response, completion: Completion) -> None:
    assert ask(Server(response)) == completion


@pytest.mark.parametrize(
    ("response", "throttled", "retry_after"),
    [
        (bad(429, "rate_limit_error", "slow down", **{"retry-after": "12"}), True, 12.0),
        (bad(529, "overloaded_error", "Overloaded"), False, None),
        (bad(500, "api_error", "Internal server error"), False, None),
    ],
)
def test_temporary_failure_raises_transient_error_after_one_try(
    response: httpx2.Response, throttled: bool, retry_after: float | None
) -> None:
    error = failure(Server(response))
    assert isinstance(error, TransientError)
    assert (error.throttled, error.retry_after, error.maybe_paid) == (throttled, retry_after, False)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (bad(401, "authentication_error", f"invalid x-api-key {KEY}"), "ANTHROPIC_API_KEY"),
        (bad(404, "not_found_error", "model: the-model"), "check the model's name"),
        (bad(400, "invalid_request_error", "max_tokens: too large"), "max_tokens: too large"),
        (bad(413, "request_too_large", "too large"), "too large"),
    ],
)
def test_refusal_raises_model_error_with_the_fix(response: httpx2.Response, said: str) -> None:
    error = failure(Server(response))
    assert isinstance(error, ModelError)
    assert said in str(error)


def test_empty_account_raises_endpoint_error_after_one_try() -> None:
    message = "Your credit balance is too low to access the Anthropic API."
    error = failure(Server(bad(400, "invalid_request_error", message)))
    assert isinstance(error, EndpointError)
    assert not isinstance(error, TransientError)
    assert "has no money left" in str(error)


@pytest.mark.parametrize(
    ("broken", "maybe_paid"),
    [
        (httpx2.ConnectError("refused"), False),
        (httpx2.ConnectTimeout("slow"), False),
        (httpx2.ReadTimeout("slow"), True),
        (httpx2.ReadError(f"reset for {KEY}"), True),
    ],
)
def test_broken_connection_after_sending_counts_as_maybe_paid(broken: Exception, maybe_paid: bool) -> None:
    error = failure(Server(broken))
    assert isinstance(error, TransientError)
    assert error.maybe_paid == maybe_paid


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text="<html>hello</html>", headers={"content-type": "text/html"}),
        httpx2.Response(200, content=b'{"content": [{"ty'),
        httpx2.Response(200, json={"content": "pong"}),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ],
)
def test_response_without_message_raises_transient_error(response: httpx2.Response) -> None:
    error = failure(Server(response))
    assert isinstance(error, TransientError)
    assert error.maybe_paid


def test_refused_temperature_is_left_out_of_later_requests() -> None:
    server = Server(
        bad(400, "invalid_request_error", "`temperature` is deprecated for this model."), good(text("pong"))
    )
    assert ask(server).text == "pong"
    assert ["temperature" in body for body in server.bodies] == [True, False]


def test_official_service_without_key_raises_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(ModelError, match="environment variable ANTHROPIC_API_KEY"):
        AnthropicBlackBox("m")
    assert ask(Server(good(text("pong"))), base_url="http://localhost:1").text == "pong"


def test_impossible_settings_raise_model_error() -> None:
    with pytest.raises(ModelError, match="concurrency"):
        AnthropicBlackBox("m", concurrency=0)
    with pytest.raises(ModelError, match="fix base_url"):
        AnthropicBlackBox("m", base_url="localhost:1")


def test_request_over_a_real_connection_is_answered() -> None:
    async def run(base_url: str) -> list[Completion]:
        box = AnthropicBlackBox("m", base_url=base_url)
        requests = [Request((Message("system", "s"), Message("user", word))) for word in ("a", "b", "c")]
        answers = await asyncio.gather(*map(box.complete, requests))
        await box.close()
        return list(answers)

    with Endpoint(str.upper) as endpoint:
        answers = asyncio.run(run(endpoint.root))
    assert answers == [Completion(f"S\n\n{word}", 2, 2) for word in "ABC"]


def test_missing_sdk_raises_error_that_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['anthropic'] = None\n"
        "from instructzero.models.registry import load_blackbox\n"
        "try: load_blackbox('anthropic:m')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("ModelError")
    assert "pip install 'instructzero[anthropic]'" in shown.stdout


def test_headers_of_the_user_are_sent_beside_those_of_the_sdk() -> None:
    server = Server(good(text("pong")))
    ask(server, headers=["X-Team: search", "anthropic-beta: some-feature"], extra_body={"top_k": 5})
    headers = server.requests[0].headers
    assert (headers["x-team"], headers["anthropic-beta"]) == ("search", "some-feature")
    assert headers["anthropic-version"]
    assert any(KEY in value for value in headers.values())
    assert server.bodies[0]["top_k"] == 5


@pytest.mark.parametrize(
    "header", ["authorization: Bearer env:GATE_KEY", "api-key: env:GATE_KEY", "X-API-Key: env:GATE_KEY"]
)
def test_key_in_a_header_of_the_user_replaces_that_of_the_sdk(monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    monkeypatch.setenv("GATE_KEY", "gate-secret")
    server = Server(good(text("pong")), bad(400, "invalid_request_error", "what is gate-secret?"))
    ask(server, headers=[header])
    values = list(server.requests[0].headers.values())
    assert [value for value in values if "gate-secret" in value] in (["Bearer gate-secret"], ["gate-secret"])
    assert not [value for value in values if KEY in value]
    server.requests.clear()
    assert "gate-secret" not in str(failure(server, headers=[header]))


def test_official_service_needs_no_key_if_a_header_holds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    server = Server(good(text("pong")))
    ask(server, headers=["Authorization: Bearer token"])
    assert server.requests[0].headers["authorization"] == "Bearer token"
    assert "x-api-key" not in server.requests[0].headers


@pytest.mark.parametrize("base_url", ["http://localhost:1/claude?version=7", "http://localhost:1/claude/v1/?version=7"])
def test_query_of_the_address_is_sent_with_every_request(base_url: str) -> None:
    server = Server(good(text("pong")))
    ask(server, base_url=base_url)
    assert str(server.requests[0].url) == "http://localhost:1/claude/v1/messages?version=7"


def test_refused_temperature_is_told_and_refused_field_of_the_user_raises() -> None:
    both = bad(400, "invalid_request_error", "`temperature` and `top_p` cannot both be specified for this model.")
    forbidden = bad(400, "invalid_request_error", "top_k: Extra inputs are not permitted")
    server = Server(both, good(text("pong")))
    said: list[str] = []

    async def run() -> None:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
        box = AnthropicBlackBox("m", http_client=client, extra_body={"top_p": 0.9})
        box.on_learned(said.append)
        await box.complete(PING)
        await box.close()

    asyncio.run(run())
    assert [clause.partition(" (")[0] for clause in said] == ["refuses the temperature"]
    assert "temperature" not in server.bodies[1]
    assert server.bodies[1]["top_p"] == 0.9
    error = failure(Server(forbidden), extra_body={"top_k": 5}, role="writer")
    assert "--writer-extra-body" in str(error)


def test_named_variable_without_a_key_raises_model_error() -> None:
    with pytest.raises(ModelError, match="key of the judge in the environment variable OWN_KEY, got none"):
        AnthropicBlackBox("m", base_url="http://localhost:1", api_key_variable="OWN_KEY", role="judge")


def test_redirection_is_not_followed_because_another_host_was_not_named() -> None:
    server = Server(httpx2.Response(307, headers={"location": "http://elsewhere:1/v1/messages"}), good(text("pong")))
    assert "got a redirection (status 307)" in str(failure(server))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("http_proxy", "http://me:hunter2@proxy:port"),
        ("all_proxy", "socks9://me:hunter2@proxy:1"),
        ("SSL_CERT_FILE", "/missing/hunter2.pem"),
    ],
)
def test_proxy_or_certificates_that_cannot_be_used_raise_model_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelError, match="http_proxy, https_proxy, all_proxy, SSL_CERT_FILE") as caught:
        AnthropicBlackBox("m", base_url="https://host.invalid")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
