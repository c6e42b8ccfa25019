from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from instructzero.errors import EndpointError, InstructZeroError, ModelError, RefusedQuestion, TransientError
from instructzero.models import openai
from instructzero.models.listing import list_models
from instructzero.models.openai import OpenAIBlackBox
from instructzero.testing import Endpoint, Fault, Faults
from instructzero.types import Completion, Message, Request

KEY = "sk-test-1234567890abcdef"
PING = Request((Message("user", "ping"),), max_tokens=7)
LOCAL = "http://{host}/v1"


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(data).encode(), {"content-type": "application/json", **(headers or {})})


def good(text: str = "pong") -> Answer:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    return as_json({"choices": [{"message": {"content": text}}], "usage": usage})


def bad(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: Any) -> Answer:
    return as_json({"error": {"message": message, **error}}, status, headers)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


class Server:
    """Returns the given answers in turn, the last one for ever, and records the requests."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[web.Request] = []
        self.bodies: list[Any] = []

    async def answer(self, body: Any) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Run the server and return its host and port."""

        async def handle(request: web.Request) -> web.Response:
            self.requests.append(request)
            self.bodies.append(await request.json() if request.can_read_body else None)
            answer = await self.answer(self.bodies[-1])
            return web.Response(status=answer.status, body=answer.content, headers=answer.headers)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        async with TestServer(application) as server:
            yield f"{server.host}:{server.port}"


def ask_all(
    server: Server, *requests: Request, base_url: str = LOCAL, official: bool = False, **options: Any
) -> list[Completion]:
    """Return the answers to concurrent ``requests``; with ``official``, the server replaces the official service."""

    async def run() -> list[Completion]:
        async with server.running() as host:
            url = base_url.format(host=host)
            with pytest.MonkeyPatch.context() as patch:
                if official:
                    patch.setattr(openai, "OFFICIAL_URL", url)
                box = OpenAIBlackBox("the-model", base_url=url, **options)
            try:
                return list(await asyncio.gather(*map(box.complete, requests)))
            finally:
                await box.close()

    return asyncio.run(run())


def ask(server: Server, **options: Any) -> Completion:
    return ask_all(server, PING, **options)[0]


def failure(server: Server, **options: Any) -> InstructZeroError:
    with pytest.raises(InstructZeroError) as caught:
        ask(server, **options)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "sk-te" not in shown
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    return caught.value


def test_complete_returns_answer_and_tokens() -> None:
    assert ask(Server(good())) == Completion("pong", 5, 2)


def test_official_service_receives_the_new_token_limit_and_others_the_old_one() -> None:
    official, local = Server(good()), Server(good())
    ask(official, official=True)
    ask(local)
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
    assert local.requests[0].path_qs == "/v1/chat/completions"


def test_completion_template_sends_a_plain_prompt() -> None:
    server = Server(as_json({"choices": [{"text": " pong"}]}))
    assert ask(server, template="completion").text == " pong"
    assert server.bodies[0]["prompt"] == "ping"
    assert server.requests[0].path_qs == "/v1/completions"


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_raises_model_error_that_names_the_variable(status: int) -> None:
    server = Server(bad(status, f"Incorrect API key provided: {KEY[:6]}***cdef"))
    error = failure(server)
    assert isinstance(error, ModelError)
    assert "OPENAI_API_KEY" in str(error)
    assert len(server.requests) == 1


def test_unknown_model_name_raises_model_error_after_one_try() -> None:
    server = Server(bad(404))
    error = failure(server, base_url="http://user:pass@{host}/v1")
    assert isinstance(error, ModelError)
    assert "the-model" in str(error)
    assert "that http://127.0.0.1:" in str(error)
    assert "pass" not in str(error)
    assert len(server.requests) == 1


def test_bad_request_raises_model_error_with_the_servers_message() -> None:
    server = Server(bad(400, f"top_p is odd for key {KEY} and {KEY[:9]}..."))
    error = failure(server)
    assert isinstance(error, ModelError)
    assert "top_p is odd" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_temporary_failure_raises_transient_error_after_one_try(status: int) -> None:
    server = Server(bad(status, "boom", {"retry-after": "3"}))
    error = failure(server)
    assert isinstance(error, TransientError)
    assert f"status {status}: boom" in str(error)
    assert (error.retry_after, error.throttled, error.maybe_paid) == (3.0, status == 429, False)
    assert len(server.requests) == 1


def test_gateway_timeout_counts_as_maybe_paid() -> None:
    error = failure(Server(bad(504)))
    assert isinstance(error, TransientError)
    assert error.maybe_paid


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (bad(429, "You exceeded your current quota", {"retry-after": "1"}, code="insufficient_quota"), "quota"),
        (bad(402, "Insufficient credits"), "credits"),
        (bad(400, "Your credit balance is too low to access the API"), "balance"),
    ],
)
def test_empty_account_raises_endpoint_error_after_one_try(response: Answer, said: str) -> None:
    server = Server(response)
    error = failure(server)
    assert isinstance(error, EndpointError)
    assert not isinstance(error, TransientError)
    assert "has no money left" in str(error)
    assert said in str(error)
    assert "OPENAI_API_KEY" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [Fault.RESET_UNREAD, Fault.RESET_MIDWAY, Fault.HANG])
def test_connection_broken_after_sending_counts_as_maybe_paid(fault: Fault) -> None:
    with Endpoint(str.upper, faults=Faults({fault: 1.0})) as endpoint:
        error = failure(Server(), base_url=endpoint.base_url, timeout=0.2)
    assert isinstance(error, TransientError)
    assert (error.maybe_paid, error.throttled) == (True, False)
    assert endpoint.received.total() == 1


def test_refused_connection_counts_as_not_paid() -> None:
    with Endpoint(str.upper) as endpoint:
        url = endpoint.base_url
    error = failure(Server(), base_url=url)
    assert isinstance(error, TransientError)
    assert (error.maybe_paid, error.throttled) == (False, False)


@pytest.mark.parametrize(
    "response",
    [
        as_json({"choices": [{"message": None}]}),
        as_json({"choices": [{"message": {"content": None}}], "usage": None}),
        as_json({"choices": [{"message": {"content": 3}}], "usage": {"prompt_tokens": "x"}}),
    ],
)
def test_choice_without_text_is_an_empty_answer(response: Answer) -> None:
    assert ask(Server(response)) == Completion("")


@pytest.mark.parametrize(
    "response",
    [
        Answer(200, b"<html>hello</html>", {"content-type": "text/html"}),
        Answer(200, b"{", {"content-type": "application/json"}),
        Answer(200, b"\xff\xfe", {"content-type": "application/json"}),
        as_json([]),
        as_json({}),
        as_json({"choices": []}),
        as_json({"choices": [None]}),
    ],
)
def test_response_without_completion_raises_transient_error(response: Answer) -> None:
    error = failure(Server(response))
    assert isinstance(error, TransientError)
    assert error.maybe_paid
    assert "often it ends in /v1" in str(error)


def test_official_service_without_key_raises_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelError, match="environment variable OPENAI_API_KEY"):
        OpenAIBlackBox("m")
    assert ask(Server(good())).text == "pong"


@pytest.mark.parametrize(
    ("role", "flag"), [("black box", "--key-env"), ("judge", "--judge-key-env"), ("writer", "--writer-key-env")]
)
def test_missing_key_names_variable_option_and_address_of_the_role(
    monkeypatch: pytest.MonkeyPatch, role: str, flag: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelError, match=f"OPENAI_API_KEY, got none; set it, .* {flag}, or give the_url"):
        OpenAIBlackBox("m", role=role, address_setting="the_url")
    with pytest.raises(ModelError, match=f"the key of the {role} in .* OWN_KEY, got none; set it, or leave {flag} out"):
        OpenAIBlackBox("m", role=role, base_url="http://localhost:1", api_key_variable="OWN_KEY")
    error = failure(Server(bad(401)), role=role)
    assert "OPENAI_API_KEY, but the server refuses a request without one" in str(error)
    assert str(error).endswith(flag)


def test_key_is_read_from_the_named_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "other-secret\n")
    server = Server(good())
    ask(server, api_key_variable="OTHER_KEY")
    assert server.requests[0].headers["authorization"] == "Bearer other-secret"


def test_unusable_key_raises_model_error_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sécret")
    with pytest.raises(ModelError, match="plain characters") as caught:
        OpenAIBlackBox("m")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://host/v1", "http://", "http://[::1/v1", "http://host:99999/v1"]
)
def test_invalid_base_url_raises_model_error(url: str) -> None:
    with pytest.raises(ModelError, match="fix base_url"):
        OpenAIBlackBox("m", base_url=url)


def test_default_base_url_is_the_official_service() -> None:
    assert OpenAIBlackBox("m").identity["endpoint"] == "https://api.openai.com/v1"


def test_impossible_settings_raise_model_error() -> None:
    with pytest.raises(ModelError, match="templates"):
        OpenAIBlackBox("m", template="auto")
    with pytest.raises(ModelError, match="concurrency"):
        OpenAIBlackBox("m", concurrency=0)


def refused(message: str, **error: Any) -> Answer:
    return bad(400, message, type="invalid_request_error", **error)


OLD_LIMIT = refused(
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    param="max_tokens",
    code="unsupported_parameter",
)
ONLY_ONE = refused(
    "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is supported.",
    param="temperature",
    code="unsupported_value",
)


def test_refused_parameters_are_changed_within_the_try_and_for_later_requests() -> None:
    server = Server(OLD_LIMIT, ONLY_ONE, good())

    async def run() -> list[Completion]:
        async with server.running() as host:
            box = OpenAIBlackBox("o-model", base_url=f"http://{host}/v1")
            assert box.capabilities.temperature
            answers = [await box.complete(PING), await box.complete(PING)]
            assert not box.capabilities.temperature
            await box.close()
        return answers

    assert asyncio.run(run()) == [Completion("pong", 5, 2)] * 2
    names = [body.keys() - {"model", "messages"} for body in server.bodies]
    assert names == [
        {"max_tokens", "temperature"},
        {"max_completion_tokens", "temperature"},
        {"max_completion_tokens"},
        {"max_completion_tokens"},
    ]


def test_seed_is_sent_until_it_is_refused() -> None:
    server = Server(good(), good(), refused("Unrecognized request argument supplied: seed"), good())
    seeded = replace(PING, temperature=1.0, seed=11)

    async def run() -> None:
        async with server.running() as host:
            box = OpenAIBlackBox("m", base_url=f"http://{host}/v1")
            for request in (seeded, PING, seeded, seeded):
                await box.complete(request)
            await box.close()

    asyncio.run(run())
    assert [body.get("seed") for body in server.bodies] == [11, None, 11, None, None]


def test_token_limit_is_never_left_out() -> None:
    server = Server(OLD_LIMIT, refused("Unknown parameter", param="max_completion_tokens"))
    error = failure(server)
    assert isinstance(error, ModelError)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "message", ["temperature must be between 0 and 1", "max_tokens is too large: this model supports at most 4"]
)
def test_value_out_of_range_raises_model_error(message: str) -> None:
    server = Server(refused(message))
    assert message in str(failure(server))
    assert len(server.requests) == 1


def test_concurrent_requests_learn_refused_parameters_together() -> None:
    class Newer(Server):
        async def answer(self, body: Any) -> Answer:
            await asyncio.sleep(0.05)
            return OLD_LIMIT if "max_tokens" in body else good()

    server = Newer()
    assert ask_all(server, *[PING] * 5) == [Completion("pong", 5, 2)] * 5
    limits = [name for body in server.bodies for name in body if name.startswith("max_")]
    assert limits == ["max_tokens"] * 5 + ["max_completion_tokens"] * 5


def test_redirection_raises_model_error_without_sending_the_key() -> None:
    server = Server(Answer(307, b"", {"location": "/elsewhere"}))
    assert "fix base_url" in str(failure(server))
    assert len(server.requests) == 1


def test_organization_and_project_go_to_the_official_service_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-1")
    official, other, named = Server(good()), Server(good()), Server(good())
    ask(official, official=True)
    ask(other)
    ask(named, headers=["OpenAI-Organization: org-2"])
    headers = official.requests[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "project-1")
    assert not [name for name in other.requests[0].headers if name.lower().startswith("openai-")]
    assert named.requests[0].headers["openai-organization"] == "org-2"
    assert "openai-project" not in named.requests[0].headers


AZURE = "http://{host}/openai/deployments/d?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("options", "path"),
    [({}, "/openai/deployments/d/chat/completions"), ({"template": "completion"}, "/openai/deployments/d/completions")],
)
def test_azure_receives_the_key_in_its_own_header_and_the_version(options: dict[str, Any], path: str) -> None:
    server = Server(good())
    ask(server, base_url=AZURE, **options)
    (request,) = server.requests
    assert request.path_qs == f"{path}?api-version=2024-10-21"
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers


def test_azure_without_key_receives_no_header_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    server = Server(good())
    ask(server, base_url=AZURE, headers=["Authorization: Bearer token"])
    assert "api-key" not in server.requests[0].headers
    assert server.requests[0].headers["authorization"] == "Bearer token"


@pytest.mark.parametrize("header", ["authorization: Token env:GATE_KEY", "API-Key: env:GATE_KEY"])
@pytest.mark.parametrize("base_url", [LOCAL, AZURE])
def test_key_in_a_header_of_the_user_replaces_ours(monkeypatch: pytest.MonkeyPatch, header: str, base_url: str) -> None:
    monkeypatch.setenv("GATE_KEY", "gate-secret")
    server = Server(good(), bad(400, "what is gate-secret?"))
    ask(server, base_url=base_url, headers=[header, "X-Team: search"])
    headers = server.requests[0].headers
    assert [value for name, value in headers.items() if "gate-secret" in value] == [
        "Token gate-secret" if "Token" in header else "gate-secret"
    ]
    assert KEY not in str(headers)
    assert headers["x-team"] == "search"
    assert "gate-secret" not in str(failure(server, base_url=base_url, headers=[header]))


def test_official_service_needs_no_key_if_a_header_holds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    server = Server(good())
    ask(server, official=True, headers=["Authorization: Bearer token"])
    assert server.requests[0].headers["authorization"] == "Bearer token"


def test_further_fields_are_sent_and_take_precedence() -> None:
    server = Server(good())
    ask(server, extra_body={"top_p": 0.5, "temperature": 0.3})
    assert (server.bodies[0]["top_p"], server.bodies[0]["temperature"]) == (0.5, 0.3)


def test_refused_field_of_the_user_raises_model_error_that_names_its_option() -> None:
    for role, flag in (("black box", "in --extra-body"), ("judge", "in --judge-extra-body")):
        server = Server(refused("property 'top_k' is unsupported"))
        error = failure(server, extra_body={"top_k": 5}, role=role)
        assert type(error) is ModelError
        assert flag in str(error)
        assert "'top_k'" in str(error)
        assert len(server.requests) == 1


def test_refused_field_of_one_question_does_not_blame_the_user() -> None:
    server = Server(good(), refused("unknown stop in the middle of the text"))

    async def run() -> None:
        async with server.running() as host:
            box = OpenAIBlackBox("m", base_url=f"http://{host}/v1", extra_body={"stop": "END"})
            await box.complete(PING)
            with pytest.raises(RefusedQuestion):
                await box.complete(PING)
            await box.close()

    asyncio.run(run())


def test_listener_learns_once_what_is_sent_instead() -> None:
    server = Server(OLD_LIMIT, ONLY_ONE, good(), refused("Unrecognized request argument supplied: seed"), good())

    async def run() -> list[str]:
        said: list[str] = []
        async with server.running() as host:
            box = OpenAIBlackBox("m", base_url=f"http://{host}/v1")
            box.on_learned(said.append)
            await box.complete(PING)
            await box.complete(replace(PING, seed=3))
            await box.complete(PING)
            later: list[str] = []
            box.on_learned(later.append)
            assert later == said
            await box.close()
        return said

    said = asyncio.run(run())
    assert [clause.partition(" (")[0] for clause in said] == [
        "refuses max_tokens",
        "refuses the temperature",
        "refuses the seed",
    ]
    assert said[0].endswith("the limit of tokens is sent as max_completion_tokens")
    assert "(status 400: Unsupported value: 'temperature' does not support 0.0" in said[1]


def test_refusal_with_status_200_is_learned_from() -> None:
    raw = json.dumps({"error": {"message": "Unsupported parameter: 'temperature'", "param": "temperature"}})
    passed_on = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    server = Server(as_json(passed_on), good())
    assert ask(server).text == "pong"
    assert "temperature" not in server.bodies[1]


def test_user_and_query_of_the_address_are_sent_and_not_shown() -> None:
    url = "http://me:secret@{host}/v1/?version=7"
    server = Server(good(), bad(404))
    ask(server, base_url=url)
    assert server.requests[0].path_qs == "/v1/chat/completions?version=7"
    assert server.requests[0].headers["authorization"] == "Basic bWU6c2VjcmV0"
    assert "secret" not in str(failure(server, base_url=url))


def listed(answer: Answer) -> tuple[list[str], Server]:
    server = Server(answer)

    async def run() -> list[str]:
        async with server.running() as host:
            return await list_models(f"http://{host}/v1")

    return asyncio.run(run()), server


def test_list_models_returns_the_names() -> None:
    names, server = listed(as_json({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}))
    assert names == ["a", "b"]
    (request,) = server.requests
    assert (request.method, request.path_qs) == ("GET", "/v1/models")
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_list_models_at_azure_sends_its_header_and_version() -> None:
    server = Server(as_json({"data": [{"id": "a"}]}))

    async def run() -> list[str]:
        async with server.running() as host:
            return await list_models(AZURE.format(host=host), headers=["X-Team: search"])

    assert asyncio.run(run()) == ["a"]
    (request,) = server.requests
    assert request.path_qs == "/openai/deployments/d/models?api-version=2024-10-21"
    assert (request.headers["api-key"], request.headers["x-team"]) == (KEY, "search")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (bad(401, f"wrong key {KEY}"), r"status 401: wrong key \*\*\*"),
        (Answer(200, b"<html>"), "often it ends in /v1"),
        (as_json([]), "often it ends in /v1"),
        (as_json({"data": [1]}), "often it ends in /v1"),
    ],
)
def test_list_models_of_endpoint_without_list_raises_error(answer: Answer, said: str) -> None:
    with pytest.raises(InstructZeroError, match=said):
        listed(answer)


def test_list_models_of_unreachable_endpoint_raises_error() -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        asyncio.run(list_models("http://127.0.0.1:9/v1"))
