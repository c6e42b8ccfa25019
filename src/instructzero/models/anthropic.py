"""A black box behind Anthropic's API, through its SDK."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx2

from instructzero.errors import InstructZeroError, ModelError
from instructzero.models.capabilities import REMOTE
from instructzero.models.headers import Headers
from instructzero.models.parameters import Parameters
from instructzero.models.service import Reply, Service, check_service, checked_url, extra_identity, read_key
from instructzero.models.usage import anthropic_tokens
from instructzero.protocols import Capabilities
from instructzero.types import Completion, Finish, Request

try:
    import anthropic as sdk
except ImportError:
    raise ModelError(
        "expected Anthropic's client for a black box anthropic:MODEL, but it is not installed; "
        "pip install 'instructzero[anthropic]'"
    ) from None

OFFICIAL_URL = "https://api.anthropic.com"
_FINISHES = {
    "max_tokens": Finish.CUT,
    "model_context_window_exceeded": Finish.CUT,
    "refusal": Finish.REFUSED,
}
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class AnthropicBlackBox:
    """Asks a model of Anthropic's API; a request is sent once.

    A temperature that the model refuses is left out for the rest of the run.

    Parameters
    ----------
    model
        The model's name.
    base_url
        The address; None is $ANTHROPIC_BASE_URL, or else the official service.
    api_key_variable
        The environment variable of the key. A local server may need none.
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
    http_client
        The client of the SDK; None is its own.

    Raises
    ------
    ModelError
        If a parameter is impossible, or the key of the official service is missing.

    >>> AnthropicBlackBox("claude-haiku-4-5").identity["endpoint"]          # doctest: +SKIP
    'https://api.anthropic.com'
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_variable: str = "ANTHROPIC_API_KEY",
        concurrency: int = 32,
        timeout: float = 60.0,
        address_setting: str = "base_url",
        headers: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        check_service(concurrency, timeout)
        url = (base_url or os.environ.get("ANTHROPIC_BASE_URL") or OFFICIAL_URL).rstrip("/").removesuffix("/v1")
        endpoint = checked_url(url, setting=address_setting)
        key = read_key(api_key_variable, required=endpoint == OFFICIAL_URL, setting=address_setting)
        own = Headers.of(headers)
        self._service = Service(endpoint, model, api_key_variable, key, address_setting, own.secrets)
        self._extra_body = dict(extra_body or {})
        self._concurrency = concurrency
        self._parameters = Parameters("max_tokens")
        self._client = sdk.AsyncAnthropic(
            api_key=key or "none",
            base_url=url,
            timeout=timeout,
            max_retries=0,
            default_headers=own.values,
            http_client=http_client,
        )

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, model and endpoint."""
        return {
            "backend": "anthropic",
            "model": self._service.model,
            "endpoint": self._service.endpoint,
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
        reply = await self._parameters.negotiated(lambda: self._body(request), self._post, self._service)
        return read_message(reply, self._service)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _post(self, body: Mapping[str, Any]) -> Reply:
        failure: InstructZeroError
        try:
            response = await self._client.post("/v1/messages", body=body, cast_to=httpx2.Response)
        except sdk.APIStatusError as error:
            response = error.response
        except sdk.APIConnectionError as error:
            reason = str(error.__cause__ or "") or type(error.__cause__ or error).__name__
            failure = self._service.unreachable(reason, sent=not isinstance(error.__cause__, _UNSENT))
            response = None
        if response is None:  # outside the handler: the SDK's exception holds the request, and so the key
            raise failure
        return Reply(response.status_code, dict(response.headers), response.content)

    def _body(self, request: Request) -> dict[str, Any]:
        """Return the body; Anthropic's API takes system messages separately from the turns."""
        turns = [message for message in request.messages if message.role in ("user", "assistant")]
        system = [message.content for message in request.messages if message not in turns]
        return {
            "model": self._service.model,
            **self._parameters.of(request.max_tokens, request.temperature),
            **({"system": "\n\n".join(system)} if system else {}),
            "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
            **self._extra_body,
        }


def read_message(reply: Reply, service: Service) -> Completion:
    """Return the completion in a reply with status 200; a message without a text is an empty answer."""
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict) and data.get("error"):
        raise service.embedded_failure(data["error"])
    blocks = data.get("content") if isinstance(data, dict) else None
    if not isinstance(blocks, list):
        raise service.unreadable(reply.headers)
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return Completion(
        "".join(text for text in texts if isinstance(text, str)),
        *anthropic_tokens(data.get("usage")),
        finish=_FINISHES.get(str(data.get("stop_reason")), Finish.COMPLETE),
    )
