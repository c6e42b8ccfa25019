"""A black box behind OpenAI's API: the official service, or any server that speaks like it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
from openai import APIError, APIStatusError, AsyncOpenAI

from instructzero.errors import EndpointError, InstructZeroError, ModelError
from instructzero.models.base import join_contents
from instructzero.types import Completion, Request

OFFICIAL_URL = "https://api.openai.com/v1"
TEMPLATES = ("chat", "completion")
_KEY_LIKE = re.compile(r"\b(?:sk|pk|key|bearer)[-_ ][\w*.…-]{4,}", re.IGNORECASE)
_LONGEST_MESSAGE = 300


class OpenAIBlackBox:
    """Asks ``model`` at ``base_url`` (``None``: $OPENAI_BASE_URL, else the official service).

    The key is read from the environment variable ``api_key_variable``; a server of one's own may need none.
    ``timeout`` is in seconds a try; timeouts, broken connections, 408, 409, 429 and 5xx are tried again up to
    ``max_retries`` times with growing, jittered waits, or the wait that the server asks for.

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
        max_retries: int = 6,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        if template not in TEMPLATES:
            raise ModelError(f"expected one of the templates {', '.join(TEMPLATES)}, got {template!r}; choose one")
        if concurrency < 1 or timeout <= 0 or max_retries < 0:
            raise ModelError(
                "expected a concurrency of at least 1, a timeout above 0 and no negative number of "
                f"retries, got {concurrency}, {timeout} and {max_retries}; mend the settings"
            )
        url = base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL_URL
        self._model = model
        self._template = template
        self._concurrency = concurrency
        self._endpoint = _checked_url(url)
        self._official = self._endpoint == OFFICIAL_URL
        self._variable = api_key_variable
        self._key = _read_key(api_key_variable, required=self._official)
        self._client = AsyncOpenAI(
            api_key=self._key or "none",
            base_url=url,
            timeout=timeout,
            max_retries=max_retries,
            http_client=http_client,
        )

    @property
    def identity(self) -> Mapping[str, str]:
        return {
            "backend": "openai",
            "model": self._model,
            "endpoint": self._endpoint,
            "template": self._template,
        }

    @property
    def concurrency(self) -> int:
        return self._concurrency

    async def complete(self, request: Request) -> Completion:
        path = "/chat/completions" if self._template == "chat" else "/completions"
        try:
            response = await self._client.post(path, body=self._body(request), cast_to=httpx2.Response)
        except APIError as error:
            failure = self._failure(error)
        else:
            return read_answer(response, self._endpoint)
        raise failure  # outside the handler: the SDK's exception holds the request, and with it the key

    async def close(self) -> None:
        await self._client.close()

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model, "temperature": request.temperature}
        # The official service's newer models refuse max_tokens; other servers often know nothing else.
        newer = self._official and self._template == "chat"
        body["max_completion_tokens" if newer else "max_tokens"] = request.max_tokens
        if self._template == "chat":
            body["messages"] = [{"role": each.role, "content": each.content} for each in request.messages]
        else:
            body["prompt"] = join_contents(request.messages)
        return body

    def _failure(self, error: APIError) -> InstructZeroError:
        """What to tell the user; the texts of the SDK and of the server may echo a part of the key."""
        if isinstance(error, APIStatusError):
            return self._refusal(error)
        return EndpointError(
            f"the endpoint {self._endpoint} cannot be reached ({self._scrub(str(error))}) after all retries; "
            "every answer so far is kept: check the address and the network, then resume later"
        )

    def _refusal(self, error: APIStatusError) -> InstructZeroError:
        status, said = error.status_code, self._scrub(error.message)
        if status in (401, 403):
            return ModelError(
                f"expected a key for {self._endpoint} in the environment variable {self._variable}, but the "
                f"server refuses {'it' if self._key else 'a request without one'} (status {status}); set a "
                f"valid key that may use {self._model}"
            )
        if status == 404:
            return ModelError(
                f"expected a model that {self._endpoint} serves, got {self._model!r} (status 404); check "
                "the model's name and base_url"
            )
        if status in (408, 409, 429) or status >= 500:
            return EndpointError(
                f"the endpoint {self._endpoint} still answers with status {status} after all retries "
                f"({said}); every answer so far is kept: resume later"
            )
        return ModelError(
            f"{self._endpoint} refuses the request for {self._model!r} (status {status}: {said}); mend the "
            "request's settings"
        )

    def _scrub(self, text: str) -> str:
        """Server's words on one line, without the key or anything that looks like one."""
        if self._key:
            text = text.replace(self._key, "***")
        return _KEY_LIKE.sub("***", " ".join(text.split()))[:_LONGEST_MESSAGE].rstrip(".")


def _read_key(variable: str, *, required: bool) -> str:
    key = os.environ.get(variable, "").strip()
    if not key and required:
        raise ModelError(
            f"expected an API key in the environment variable {variable}, got none; set it, or give "
            "base_url for a server that needs no key"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(
            f"expected an API key of plain characters in the environment variable {variable}, got others; "
            "copy the key again"
        )
    return key


def public_url(url: str) -> str:
    """The address without user, password, query and closing slash: what may be shown and stored.

    >>> public_url("https://me:secret@host:8000/v1/?token=abc")
    'https://host:8000/v1'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def _checked_url(url: str) -> str:
    try:
        public = public_url(url)
        valid = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        valid, public = False, "another"
    if not valid:
        raise ModelError(f"expected an address such as http://localhost:8000/v1, got {public}; mend base_url")
    return public


def read_answer(response: httpx2.Response, endpoint: str) -> Completion:
    """The completion in a response with status 200; a choice without a text counts as the empty answer.

    A response that holds no choice at all, such as a web page or a cut JSON text, is no answer of the model: it
    raises `EndpointError` instead of being scored.
    """
    try:
        data = response.json()
    except ValueError:
        data = None
    choice = _first_choice(data)
    if choice is None:
        kind = response.headers.get("content-type", "an unnamed kind").partition(";")[0]
        raise EndpointError(
            f"expected a completion from {endpoint}, got a response without one (status 200, {kind}); every answer "
            "so far is kept: check that the address is an API's, often it ends in /v1, then resume"
        )
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Completion(_text(choice), _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _first_choice(data: Any) -> dict[str, Any] | None:
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else None


def _text(choice: dict[str, Any]) -> str:
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    return text if isinstance(text, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
