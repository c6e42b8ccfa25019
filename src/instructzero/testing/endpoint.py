"""A small HTTP server on 127.0.0.1 with OpenAI's and Anthropic's APIs, which simulates faults on request."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from instructzero.testing.faults import Fault, Faults
from instructzero.testing.loopback import Loopback
from instructzero.testing.replies import Reply
from instructzero.types import Usage

_CHAT = (
    b'{"id":"1","object":"chat.completion","model":"scripted","choices":[{"index":0,"finish_reason":"stop","message":'
    b'{"role":"assistant","content":%b}}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
)
_COMPLETION = (
    b'{"id":"1","object":"text_completion","model":"scripted","choices":[{"index":0,"finish_reason":"stop","text":%b}],'
    b'"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
)
_MESSAGE = (
    b'{"id":"1","type":"message","model":"scripted","role":"assistant","stop_reason":"end_turn",'
    b'"content":[{"type":"text","text":%b}],"usage":{"input_tokens":%d,"output_tokens":%d}}'
)
_FORMS = {b"/v1/chat/completions": _CHAT, b"/v1/completions": _COMPLETION, b"/v1/messages": _MESSAGE}
_LIST = b"/v1/models"
_DEPLOYMENT = re.compile(rb"/openai/deployments/[^/]+/")  # Azure's path in the place of /v1/
_ERROR = b'{"type":"error","error":{"type":"%b","message":"%b"}}'
_WRONG_TYPES = b'{"choices":{"0":"text"},"content":7,"usage":[1,2]}'
_HEAD = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n"
_OK, _JSON = b"200 OK", b"application/json"
_BACKLOG = 4096
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with a timeout of 0: closing resets the connection
_TRANSIT_S = 0.01  # seconds for the first half of an answer; a reset discards what the client has not read


KEPT = 1000
"""The number of requests whose contents are kept."""


class Head(NamedTuple):
    """The path of a request with its query, and its headers by name in lower case."""

    target: str
    headers: dict[str, str]


class Endpoint(Loopback):
    """Answers every request with ``script(prompt)``, except for simulated faults, in a thread of its own.

    A prompt is the contents of a request's messages, separated by blank lines; tokens are counted as words.

    Parameters
    ----------
    script
        The function from prompt to answer. It may also return a `Reply`, which is sent as it is.
    latency
        Seconds before every answer.
    faults
        The faults and their rates.
    port
        The port; 0 is any that is free.
    models
        The names that a request for the list of models gets; without any, there is no list.

    Attributes
    ----------
    received
        Requests by prompt.
    bodies
        The contents of the last `KEPT` requests, in the order in which they came.
    heads
        The paths and headers of the same requests.
    billed
        Complete and well-formed answers with status 200, by prompt.
    usage
        Calls and tokens of the billed answers.
    failed
        Simulated faults.
    keys
        The keys that requests came with.
    connections, in_flight, most_in_flight
        Connections so far, current requests, and their maximum.

    >>> from instructzero.models.openai import OpenAIBlackBox
    >>> from instructzero.types import Message, Request
    >>> async def ask(base_url):
    ...     box = OpenAIBlackBox("any", base_url=base_url)
    ...     answer = await box.complete(Request((Message("user", "ping"),)))
    ...     await box.close()
    ...     return answer.text
    >>> with Endpoint(str.upper) as endpoint:
    ...     asyncio.run(ask(endpoint.base_url))
    'PING'
    >>> endpoint.billed
    Counter({'ping': 1})
    """

    def __init__(
        self,
        script: Callable[[str], str | Reply],
        *,
        latency: float = 0.0,
        faults: Faults | None = None,
        port: int = 0,
        models: Sequence[str] = (),
    ) -> None:
        super().__init__("instructzero-endpoint")
        self.models = tuple(models)
        self._asked_port = port
        self.script = script
        self.latency = latency
        self.faults = faults or Faults()
        self.received: Counter[str] = Counter()
        self.bodies: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.heads: deque[Head] = deque(maxlen=KEPT)
        self.billed: Counter[str] = Counter()
        self.failed: Counter[Fault] = Counter()
        self.usage = Usage()
        self.keys: set[str] = set()
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._open: set[_Connection] = set()

    @property
    def base_url(self) -> str:
        """The address for OpenAI's client; Anthropic's client takes ``root``."""
        return f"{self.root}/v1"

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self._asked_port, backlog=_BACKLOG)
        self._listening(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for connection in list(self._open):
            connection.reset()
        await server.wait_closed()


class _Connection(asyncio.Protocol):
    """The connection of one client; a request is answered before the next one is parsed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._endpoint.connections += 1
        self._endpoint._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._endpoint._open.discard(self)
        self._finish()

    def reset(self) -> None:
        """Reset the connection."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end or self._busy:
            return
        length = _content_length(head)
        if len(rest) >= length:
            self._received = rest[length:]
            self._endpoint.keys |= _keys(head)
            self._begin(head, rest[:length])

    def _begin(self, head: bytes, body: bytes) -> None:
        path = _DEPLOYMENT.sub(b"/v1/", head.split(b" ", 2)[1].partition(b"?")[0])
        endpoint = self._endpoint
        self._busy = True
        endpoint.in_flight += 1
        endpoint.most_in_flight = max(endpoint.most_in_flight, endpoint.in_flight)
        if path == _LIST and endpoint.models:
            cards = [{"id": name, "object": "model"} for name in endpoint.models]
            self._send(_OK, json.dumps({"object": "list", "data": cards}).encode())
            return
        form = _FORMS.get(path)
        prompt = _prompt(body) if form else None
        if form is None or prompt is None:
            self._send(b"404 Not Found", _ERROR % (b"not_found_error", b"expected a request for text"))
            return
        endpoint.received[prompt] += 1
        endpoint.bodies.append(json.loads(body))
        endpoint.heads.append(_head(head))
        fault = endpoint.faults.of(prompt, endpoint.received[prompt]) if endpoint.faults.rates else None
        if fault is not None:
            endpoint.failed[fault] += 1
        if fault is Fault.RESET_UNREAD:
            self.reset()
            return
        wait = endpoint.latency + (endpoint.faults.delay if fault is Fault.DELAY else 0.0)
        if wait:
            self._loop.call_later(wait, self._end, form, prompt, fault)
        else:
            self._end(form, prompt, fault)

    def _end(self, form: bytes, prompt: str, fault: Fault | None) -> None:
        if self._transport.is_closing():
            return  # the client has closed the connection
        text = self._endpoint.script(prompt)
        if isinstance(text, Reply):
            if text.status == HTTPStatus.OK:
                self._endpoint.billed[prompt] += 1
            self._send(text.line.encode(), json.dumps(text.content).encode())
            return
        tokens = len(prompt.split()), len(text.split())
        total = () if form is _MESSAGE else (sum(tokens),)
        body = form % (json.dumps(text).encode(), *tokens, *total)
        if fault is None or fault is Fault.DELAY:
            self._endpoint.billed[prompt] += 1
            self._endpoint.usage += Usage(1, *tokens)
            self._send(_OK, body)
        else:
            self._fail(fault, body)

    def _fail(self, fault: Fault, body: bytes) -> None:
        match fault:
            case Fault.THROTTLED:
                header = b"retry-after: %g\r\n" % self._endpoint.faults.retry_after
                self._send(b"429 Too Many Requests", _ERROR % (b"rate_limit_error", b"too fast"), header=header)
            case Fault.THROTTLED_SILENTLY:
                self._send(b"429 Too Many Requests", _ERROR % (b"rate_limit_error", b"too fast"))
            case Fault.SERVER_ERROR:
                self._send(b"500 Internal Server Error", _ERROR % (b"server_error", b"out of order"))
            case Fault.RESET_MIDWAY:
                self._transport.write(_HEAD % (_OK, _JSON, len(body), b"") + body[: len(body) // 2])
                self._loop.call_later(_TRANSIT_S, self.reset)
            case Fault.EMPTY:
                self._send(_OK, b"")
            case Fault.HTML:
                self._send(_OK, b"<html><body>Please log in.</body></html>", kind=b"text/html")
            case Fault.CUT_JSON:
                self._send(_OK, body[: len(body) // 2])
            case Fault.WRONG_TYPES:
                self._send(_OK, _WRONG_TYPES)

    def _send(self, status: bytes, body: bytes, *, kind: bytes = _JSON, header: bytes = b"") -> None:
        self._transport.write(_HEAD % (status, kind, len(body), header) + body)
        self._finish()
        if self._received:
            self.data_received(b"")

    def _finish(self) -> None:
        if self._busy:
            self._busy = False
            self._endpoint.in_flight -= 1


def _head(head: bytes) -> Head:
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    return Head(first.split(" ", 2)[1], {name.strip().lower(): value.strip() for name, _, value in fields})


def _keys(head: bytes) -> set[str]:
    """Return the keys in the headers of a request, of OpenAI's and of Anthropic's client."""
    fields = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    found = [value.strip().decode() for name, _, value in fields if name.lower() in (b"authorization", b"x-api-key")]
    return {value.removeprefix("Bearer ") for value in found}


def _content_length(head: bytes) -> int:
    found = head.lower().partition(b"\r\ncontent-length:")[2]
    return int(found.partition(b"\r\n")[0] or 0)


def _prompt(body: bytes) -> str | None:
    """Return the prompt of a request, or None if it is malformed."""
    try:
        asked: dict[str, Any] = json.loads(body)
        if "messages" not in asked:
            return str(asked["prompt"])
        contents = [_text(asked["system"])] if "system" in asked else []
        contents += [_text(message["content"]) for message in asked["messages"]]
        return "\n\n".join(contents)
    except (ValueError, KeyError, TypeError):
        return None


def _text(content: str | list[dict[str, str]]) -> str:
    """Return a content, which is a text or a list of blocks of text."""
    return content if isinstance(content, str) else "".join(block["text"] for block in content)
