"""A black box behind OpenAI's API: the official service, or any compatible server."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from instructzero.errors import InstructZeroError, ModelError
from instructzero.models.base import join_contents
from instructzero.models.capabilities import REMOTE
from instructzero.models.headers import Headers
from instructzero.models.http import NoReply, Poster
from instructzero.models.parameters import Parameters
from instructzero.models.service import Complaint, Reply, Service, check_service, checked_url, extra_identity, read_key
from instructzero.models.usage import openai_tokens
from instructzero.protocols import Capabilities
from instructzero.types import Completion, Finish, Request

OFFICIAL_URL = "https://api.openai.com/v1"
TEMPLATES = ("chat", "completion")
_TEXT_PARTS = ("text", "output_text")
_FINISHES = {
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length", "token_limit"), Finish.CUT),
    **dict.fromkeys(
        (
            "content_filter",
            "content_filtered",
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "sensitive",
            "guardrail_intervened",
        ),
        Finish.FILTERED,
    ),
    "refusal": Finish.REFUSED,
}
"""The reasons of OpenAI and of services with its interface; every other one means that the model stopped by itself."""

_ACCOUNT_VARIABLES = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}


class OpenAIBlackBox:
    """Asks a model of OpenAI's API; a request is sent once.

    A parameter that the server refuses is renamed, or left out, for the rest of the run. OpenAI's SDK is not used: its
    overhead per call is several times that of everything else.

    Parameters
    ----------
    model
        The model's name.
    base_url
        The address; None is $OPENAI_BASE_URL, or else the official service.
    api_key_variable
        The environment variable of the key. A local server may need none.
    template
        ``chat`` or ``completion``.
    concurrency
        The maximum number of requests in flight.
    timeout
        Seconds for one request.
    address_setting
        The setting that holds ``base_url``, for messages.
    headers
        Further headers, as lines; see `Headers.of`.
    extra_body
        Further fields of every request, which take precedence over ours.

    Raises
    ------
    ModelError
        If a parameter is impossible, or the key of the official service is missing.

    >>> OpenAIBlackBox("gpt-4o-mini").identity["endpoint"]          # doctest: +SKIP
    'https://api.openai.com/v1'
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_variable: str = "OPENAI_API_KEY",
        template: str = "chat",
        concurrency: int = 32,
        timeout: float = 60.0,
        address_setting: str = "base_url",
        headers: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        if template not in TEMPLATES:
            raise ModelError(f"expected one of the templates {', '.join(TEMPLATES)}, got {template!r}; choose one")
        check_service(concurrency, timeout)
        url = base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL_URL
        endpoint = checked_url(url, setting=address_setting)
        official = endpoint == OFFICIAL_URL
        key = read_key(api_key_variable, required=official, setting=address_setting)
        own = Headers.of(headers)
        self._service = Service(endpoint, model, api_key_variable, key, address_setting, own.secrets)
        self._extra_body = dict(extra_body or {})
        self._template = template
        self._concurrency = concurrency
        # Newer models of the official service refuse max_tokens; many other servers know nothing else.
        self._parameters = Parameters("max_completion_tokens" if official and template == "chat" else "max_tokens")
        self._poster = Poster(_without_user(url), {**_headers(url, key), **own.values}, timeout)

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model, endpoint and template."""
        return {
            "backend": "openai",
            "model": self._service.model,
            "endpoint": self._service.endpoint,
            "template": self._template,
            **extra_identity(self._extra_body),
        }

    @property
    def concurrency(self) -> int:
        """The maximum number of requests in flight."""
        return self._concurrency

    @property
    def capabilities(self) -> Capabilities:
        """Those of a remote model; without the temperature, once the server has refused it."""
        return replace(REMOTE, temperature=self._parameters.takes_temperature)

    async def complete(self, request: Request) -> Completion:
        """Send ``request`` once; see `BlackBox.complete`."""
        path = "/chat/completions" if self._template == "chat" else "/completions"
        post = partial(self._post, path)
        return read_answer(
            await self._parameters.negotiated(lambda: self._body(request), post, self._service), self._service
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    async def _post(self, path: str, body: Mapping[str, Any]) -> Reply:
        try:
            return await self._poster.post(path, body)
        except NoReply as error:
            failure = self._service.unreachable(str(error), sent=error.sent)
        raise failure

    def _body(self, request: Request) -> dict[str, Any]:
        body = {
            "model": self._service.model,
            **self._parameters.of(request.max_tokens, request.temperature, request.seed),
        }
        if self._template == "chat":
            body["messages"] = [{"role": message.role, "content": message.content} for message in request.messages]
        else:
            body["prompt"] = join_contents(request.messages)
        return body | self._extra_body


async def list_models(base_url: str, *, timeout: float = 10.0) -> list[str]:
    """Return the names of the models at an endpoint, which costs nothing.

    The key is read from $OPENAI_API_KEY; ``timeout`` is in seconds. Raises `InstructZeroError` if the endpoint does not
    list its models.
    """
    service = Service(checked_url(base_url), "any", "OPENAI_API_KEY", read_key("OPENAI_API_KEY", required=False))
    poster = Poster(_without_user(base_url), _headers(base_url, service.key), timeout)
    try:
        reply = await poster.get("/models")
    except NoReply as error:
        raise service.unreachable(str(error), sent=error.sent) from None
    finally:
        await poster.close()
    if reply.status != 200:
        said = service.scrub(Complaint.read(reply.body).message)
        raise InstructZeroError(f"{service.endpoint} does not list its models (status {reply.status}: {said})")
    try:
        return [str(model["id"]) for model in json.loads(reply.body)["data"]]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise InstructZeroError(
            f"expected a list of models from {service.endpoint}, got a response without one; check that the address is "
            "an API's, often it ends in /v1"
        ) from None


def _headers(url: str, key: str) -> dict[str, str]:
    """Return the headers of all requests: the user in the address authenticates, or else the key."""
    parts = urlsplit(url)
    who = f"Bearer {key or 'none'}"
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        who = f"Basic {base64.b64encode(pair.encode()).decode()}"
    account = {name: os.environ.get(variable, "").strip() for name, variable in _ACCOUNT_VARIABLES.items()}
    return {
        "Authorization": who,
        "User-Agent": "instructzero",
        **{name: value for name, value in account.items() if value.isascii() and value.isprintable() and value},
    }


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def read_answer(reply: Reply, service: Service) -> Completion:
    """Return the completion in a reply with status 200; a choice without a text is an empty answer.

    A reply without a choice is not an answer of the model and must not be scored: it raises `TransientError`, or the
    error that the reply reports.
    """
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise service.unreadable(reply.headers)
    failure = _embedded_failure(data, service)
    if failure is not None:
        raise failure
    choice = _first_choice(data)
    if choice is None:
        raise service.unreadable(reply.headers)
    text = _text(choice)
    return Completion(text, *openai_tokens(data.get("usage")), finish=_finish(choice, text))


def _embedded_failure(data: Mapping[str, Any], service: Service) -> InstructZeroError | None:
    """Return the error that a gateway reports with status 200, next to the choices or inside the first."""
    choice = _first_choice(data) or {}
    error = data.get("error") or choice.get("error")
    return service.embedded_failure(error) if error else None


def _first_choice(data: Mapping[str, Any]) -> dict[str, Any] | None:
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else None


def _text(choice: Mapping[str, Any]) -> str:
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else choice.get("text")
    if isinstance(content, list):  # parts, including a reasoning model's thoughts
        return "".join(text for part in content if isinstance(text := _part(part), str))
    return content if isinstance(content, str) else ""


def _part(part: object) -> object:
    """Return the text of a part of the content; thoughts and refusals are parts of other types."""
    return part.get("text") if isinstance(part, dict) and part.get("type") in _TEXT_PARTS else part


def _finish(choice: Mapping[str, Any], text: str) -> Finish:
    """Return how the answer ended, from the reason that the service gives and the parts that it sends."""
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    parts = message.get("content")
    kinds = [part.get("type") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if not text.strip() and (message.get("refusal") or "refusal" in kinds):
        return Finish.REFUSED
    return _FINISHES.get(str(choice.get("finish_reason")).lower(), Finish.COMPLETE)
