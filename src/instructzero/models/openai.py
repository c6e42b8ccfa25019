"""A black box behind OpenAI's API: the official service, or any compatible server."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from instructzero.errors import InstructZeroError, ModelError
from instructzero.models.addresses import OFFICIAL, USUAL_KEYS
from instructzero.models.base import join_contents
from instructzero.models.batches.openai import OpenAIBatches
from instructzero.models.capabilities import REMOTE
from instructzero.models.headers import Headers, authorization
from instructzero.models.http import Poster
from instructzero.models.json_text import load_json
from instructzero.models.parameters import Parameters
from instructzero.models.service import (
    BLACK_BOX,
    Reply,
    Service,
    check_service,
    checked_url,
    extra_identity,
    public_url,
    read_key,
    without_user,
)
from instructzero.models.usage import openai_tokens
from instructzero.protocols import Capabilities
from instructzero.types import Completion, Finish, Request

OFFICIAL_URL = OFFICIAL["openai"]
_OFFICIAL_HOST = ".api.openai.com"  # also that of a region
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
        The environment variable of the key; None is $OPENAI_API_KEY, which a local server may not need. Services on
        Azure get the key in the header ``api-key``.
    template
        ``chat`` or ``completion``.
    concurrency
        The maximum number of requests in flight.
    timeout
        Seconds after which an answer is late; after twice as many, the request is cut.
    address_setting
        The setting that holds ``base_url``, for messages.
    headers
        Further headers, as lines; see `Headers.of`.
    extra_body
        Further fields of every request, which take precedence over ours.
    role
        The role of the model, for messages.

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
        api_key_variable: str | None = None,
        template: str = "chat",
        concurrency: int = 32,
        timeout: float = 60.0,
        address_setting: str = "base_url",
        headers: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
        role: str = BLACK_BOX,
    ) -> None:
        if template not in TEMPLATES:
            raise ModelError(f"expected one of the templates {', '.join(TEMPLATES)}, got {template!r}; choose one")
        check_service(concurrency, timeout)
        url = base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL_URL
        endpoint = checked_url(url, setting=address_setting)
        own = Headers.of(headers)
        official = _is_official(endpoint)
        variable = api_key_variable or USUAL_KEYS["openai"]
        key = read_key(
            variable,
            required=official and not own.hold_key(),
            setting=address_setting,
            role=role,
            named=api_key_variable is not None,
        )
        self._service = Service(endpoint, model, variable, key, address_setting, own.secrets, role, timeout)
        self._extra_body = dict(extra_body or {})
        self._template = template
        self._concurrency = concurrency
        # Newer models of the official service refuse max_tokens; many other servers know nothing else.
        limit = "max_completion_tokens" if official and template == "chat" else "max_tokens"
        self._parameters = Parameters(limit, self._extra_body)
        self._path = "/chat/completions" if template == "chat" else "/completions"
        self._address = without_user(url), own.over(_headers(url, key))
        self._poster = Poster(*self._address, self._service.cut_s)

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
        return replace(REMOTE, temperature=self._parameters.takes_temperature, timeout_s=self._service.timeout)

    def on_learned(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` for every parameter that the server refuses; see `Learning`."""
        self._parameters.on_learned(listener)

    def complete(self, request: Request) -> Coroutine[Any, Any, Completion]:
        """Send ``request`` once; see `BlackBox.complete`."""
        return self.answered_by(request, partial(self._poster.post, self._path))

    async def answered_by(self, request: Request, post: Callable[[Mapping[str, Any]], Awaitable[Reply]]) -> Completion:
        """Answer ``request`` as `complete` does, but send the bodies with ``post``."""
        reply = await self._parameters.negotiated(partial(self._body, request), post, self._service)
        return read_answer(reply, self._service)

    def batch_api(self) -> OpenAIBatches:
        """Return the batch API of the service."""
        return OpenAIBatches(*self._address, f"/v1{self._path}", self._service)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

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


def _headers(url: str, key: str) -> dict[str, str]:
    """Return our headers of all requests; only the official service learns the user's organization."""
    headers = {**authorization(url, key), "User-Agent": "instructzero"}
    if _is_official(public_url(url)):
        account = {name: os.environ.get(variable, "").strip() for name, variable in _ACCOUNT_VARIABLES.items()}
        headers |= {name: value for name, value in account.items() if value.isascii() and value.isprintable() and value}
    return headers


def _is_official(endpoint: str) -> bool:
    return endpoint == OFFICIAL_URL or f".{urlsplit(endpoint).hostname}".endswith(_OFFICIAL_HOST)


def read_answer(reply: Reply, service: Service) -> Completion:
    """Return the completion in a reply with status 200; a choice without a text is an empty answer.

    A reply without a choice is not an answer of the model and must not be scored: it raises `TransientError`, or the
    error that the reply reports.
    """
    try:
        data = load_json(reply.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise service.unreadable(reply.headers)
    choice = _first_choice(data)
    failure = _embedded_failure(data, choice, service)
    if failure is not None:
        raise failure
    if choice is None:
        raise service.unreadable(reply.headers)
    text = _text(choice)
    return Completion(text, **openai_tokens(data.get("usage")), finish=_finish(choice, text))


def _embedded_failure(
    data: Mapping[str, Any], choice: Mapping[str, Any] | None, service: Service
) -> InstructZeroError | None:
    """Return the error that a gateway reports with status 200, next to the choices or inside the first."""
    error = data.get("error") or (choice or {}).get("error")
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
