"""A black box behind Anthropic's API, through its SDK."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx2

from instructzero.errors import InstructZeroError, ModelError
from instructzero.models.addresses import OFFICIAL, USUAL_KEYS
from instructzero.models.batches.anthropic import AnthropicBatches
from instructzero.models.batches.wire import TIMEOUT_S
from instructzero.models.capabilities import REMOTE
from instructzero.models.headers import Headers
from instructzero.models.parameters import Parameters
from instructzero.models.service import BLACK_BOX, Reply, Service, check_service, checked_url, extra_identity, read_key
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

OFFICIAL_URL = OFFICIAL["anthropic"]
_FINISHES = {
    "max_tokens": Finish.CUT,
    "model_context_window_exceeded": Finish.CUT,
    "refusal": Finish.REFUSED,
}
_KEYS = ("x-api-key", "authorization")
"""The headers in which versions of the SDK send the key."""

_OPTIONS: Any = {"follow_redirects": False}
"""The options of the SDK for all requests. A redirection may lead to a host that the user did not name."""

_OF_BATCHES: Any = {**_OPTIONS, "timeout": TIMEOUT_S}
"""The options of the SDK for requests to the batch API."""

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
        The environment variable of the key; None is $ANTHROPIC_API_KEY, which a local server may not need.
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
    http_client
        The client that the SDK uses; None is one for the proxy and the certificates that the environment names.

    Raises
    ------
    ModelError
        If a parameter is impossible, the key of the official service is missing, or the environment names a proxy or
        certificates that cannot be used.

    >>> AnthropicBlackBox("claude-haiku-4-5").identity["endpoint"]          # doctest: +SKIP
    'https://api.anthropic.com'
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_variable: str | None = None,
        concurrency: int = 32,
        timeout: float = 60.0,
        address_setting: str = "base_url",
        headers: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
        role: str = BLACK_BOX,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        check_service(concurrency, timeout)
        address = base_url or os.environ.get("ANTHROPIC_BASE_URL") or OFFICIAL_URL
        endpoint = checked_url(address, setting=address_setting).removesuffix("/v1")
        url, query = _parts(address)
        own = Headers.of(headers)
        variable = api_key_variable or USUAL_KEYS["anthropic"]
        key = read_key(
            variable,
            required=endpoint == OFFICIAL_URL and not own.hold_key(*_KEYS),
            setting=address_setting,
            role=role,
            named=api_key_variable is not None,
        )
        self._service = Service(endpoint, model, variable, key, address_setting, own.secrets, role, timeout)
        self._extra_body = dict(extra_body or {})
        self._concurrency = concurrency
        self._parameters = Parameters("max_tokens", self._extra_body)
        self._client = sdk.AsyncAnthropic(
            api_key=key or "none",
            base_url=url,
            timeout=self._service.cut_s,
            max_retries=0,
            default_headers=_headers(own),
            default_query=query,
            http_client=http_client or _http_client(),
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
        return replace(REMOTE, temperature=self._parameters.takes_temperature, timeout_s=self._service.timeout)

    def on_learned(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` for every parameter that the service refuses; see `Learning`."""
        self._parameters.on_learned(listener)

    async def complete(self, request: Request) -> Completion:
        """Send ``request`` once; see `BlackBox.complete`."""
        return await self.answered_by(request, self._post)

    async def answered_by(self, request: Request, post: Callable[[Mapping[str, Any]], Awaitable[Reply]]) -> Completion:
        """Answer ``request`` as `complete` does, but send the bodies with ``post``."""
        reply = await self._parameters.negotiated(lambda: self._body(request), post, self._service)
        return read_message(reply, self._service)

    def batch_api(self) -> AnthropicBatches:
        """Return the batch API of the service."""
        return AnthropicBatches(self._send, self._service)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _post(self, body: Mapping[str, Any]) -> Reply:
        post = self._client.post("/v1/messages", body=body, cast_to=httpx2.Response, options=_OPTIONS)
        return await self._reply(post)

    async def _send(self, path: str, content: bytes | None) -> Reply:
        """Send JSON text to a path of the batch API, or read it for None."""
        if content is None:
            return await self._reply(self._client.get(path, cast_to=httpx2.Response, options=_OF_BATCHES))
        post = self._client.post(path, content=content, cast_to=httpx2.Response, options=_OF_BATCHES)
        return await self._reply(post)

    async def _reply(self, request: Awaitable[httpx2.Response]) -> Reply:
        failure: InstructZeroError
        try:
            response = await request
        except sdk.APIStatusError as error:
            response = error.response
        except sdk.APIConnectionError as error:
            reason = str(error.__cause__ or "") or type(error.__cause__ or error).__name__
            sent = not isinstance(error.__cause__, _UNSENT)
            if sent and isinstance(error, sdk.APITimeoutError):
                reason = f"no answer within {self._service.cut_s:g} s"
            failure = self._service.unreachable(reason, sent=sent)
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


def _http_client() -> httpx2.AsyncClient:
    """Return a client like the SDK's own, whose failure to be made is a traceback."""
    try:
        return httpx2.AsyncClient(limits=sdk.DEFAULT_CONNECTION_LIMITS, follow_redirects=False)
    except (ValueError, ImportError, OSError, httpx2.InvalidURL):  # with a proxy's password in its text
        raise ModelError(
            "expected an HTTP proxy and certificates in the environment (http_proxy, https_proxy, all_proxy, "
            "SSL_CERT_FILE) that Anthropic's client can use, got others; fix or unset them"
        ) from None


def _headers(own: Headers) -> dict[str, Any]:
    """Return the user's headers for the SDK, which leaves its key out if one of them takes its place."""
    named = {name.lower() for name in own.values}
    left_out = [name for name in _KEYS if name not in named] if own.hold_key(*_KEYS) else []
    return {**dict.fromkeys(left_out, sdk.omit), **own.values}


def _parts(address: str) -> tuple[str, dict[str, str]]:
    """Return an address without version and query, and the query, which the SDK takes separately."""
    parts = urlsplit(address)
    path = parts.path.rstrip("/").removesuffix("/v1")
    return urlunsplit(parts._replace(path=path, query="")), dict(parse_qsl(parts.query, keep_blank_values=True))


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
        **anthropic_tokens(data.get("usage")),
        finish=_FINISHES.get(str(data.get("stop_reason")), Finish.COMPLETE),
    )
