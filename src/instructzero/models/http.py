"""HTTP requests to one address over persistent connections; no request is sent twice."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from instructzero.models.connections import BrokenExchange, Connection, Connector, RefusedTunnel
from instructzero.models.deadlines import Deadlines
from instructzero.models.json_text import dump_json
from instructzero.models.service import Reply

_KEPT_S = 4.0  # many servers close a connection that was idle for 5 s
_CONNECTING = 0.75  # share of the time limit; below 1 to tell a late connection from a late answer


class NoReply(Exception):
    """No complete reply arrived. If ``sent`` is True, the request may have reached the server."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Poster:
    """Sends requests to paths below an address.

    The number of connections is that of the concurrent requests. Redirections are not followed. The requests go through
    the proxy that the environment names. ``post`` and ``get`` may be called any number of times concurrently, from one
    event loop.

    Parameters
    ----------
    url
        The address.
    headers
        Headers of all requests.
    timeout
        Seconds for the answer to a request, after it was sent; opening a connection takes at most 3/4 as long.

    Raises
    ------
    ModelError
        If the environment names a proxy that is not an HTTP proxy.

    >>> from instructzero.testing import Endpoint
    >>> async def status(endpoint):
    ...     poster = Poster(endpoint.base_url, {}, timeout=5.0)
    ...     reply = await poster.post("/completions", {"prompt": "ping"})
    ...     await poster.close()
    ...     return reply.status
    >>> with Endpoint(str.upper) as endpoint:
    ...     asyncio.run(status(endpoint))
    200
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        self._url = urlsplit(url)
        fixed = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        self._headers = {**fixed, **headers}
        self._connector = Connector(self._url)
        self._timeout = timeout
        self._heads: dict[str, bytes] = {}
        self._deadlines: Deadlines[Connection] = Deadlines(timeout, self._cut)
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()

    def post(self, path: str, body: Mapping[str, Any] | bytes) -> Coroutine[Any, Any, Reply]:
        """Send ``body``, an object or JSON text, and return the reply; raise `NoReply` if none arrives."""
        content = body if isinstance(body, bytes) else dump_json(body)
        return self._exchange(b"%bContent-Length: %d\r\n\r\n%b" % (self._head("POST", path), len(content), content))

    def get(self, path: str) -> Coroutine[Any, Any, Reply]:
        """Return the reply to a request without a body; raise `NoReply` if none arrives."""
        return self._exchange(self._head("GET", path) + b"\r\n")

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        self._idle.clear()
        while self._all:
            self._all.pop().abort("")
        await _turns()  # in which the transports close

    async def _exchange(self, request: bytes) -> Reply:
        connection = await self._free() or await self._open()
        self._deadlines.begin(connection)
        reason = ""
        try:
            reply = await connection.exchange(request)
        except BrokenExchange as error:
            reason = str(error)
        except BaseException:  # the answer of a cancelled request must not reach another
            connection.abort("")
            self._all.discard(connection)
            raise
        finally:
            self._deadlines.end(connection)
        if connection.is_open:
            self._idle.append(connection)
        else:
            self._all.discard(connection)
        if reason:  # outside the handler, whose exception holds the request, and so the key
            raise NoReply(reason, sent=True)
        return reply

    def _cut(self, connection: Connection) -> None:
        connection.abort(f"no answer within {self._timeout:g} s")

    async def _free(self) -> Connection | None:
        """Return an open connection without a request, the one that was used last."""
        while self._idle:
            connection = self._idle.pop()
            if connection.has_news():
                await _turns()
            if connection.is_open and time.monotonic() - connection.idle_since < _KEPT_S:
                return connection
            connection.abort("")
            self._all.discard(connection)
        return None

    async def _open(self) -> Connection:
        failure = NoReply(f"no connection within {_CONNECTING * self._timeout:g} s", sent=False)
        try:
            async with asyncio.timeout(_CONNECTING * self._timeout):
                connection = await self._connector.open()
            self._all.add(connection)
            return connection
        except TimeoutError:
            pass
        except (OSError, UnicodeError, RefusedTunnel) as error:
            failure = NoReply(_why(error), sent=False)
        raise failure

    def _head(self, method: str, path: str) -> bytes:
        """Return the first lines of a request, made once for every path."""
        key = f"{method} {path}"
        if key not in self._heads:
            self._heads[key] = self._lines(method, path).encode("ascii")
        return self._heads[key]

    def _lines(self, method: str, path: str) -> str:
        url, proxy = self._url, self._connector.proxy
        target = url._replace(path=url.path.rstrip("/") + path, scheme="", netloc="", fragment="").geturl()
        host = url.netloc.rpartition("@")[2]
        lines = [f"{name}: {value}\r\n" for name, value in {"Host": host, **self._headers}.items()]
        if proxy is not None and url.scheme == "http":
            target = f"http://{host}{target}"
            lines.append(proxy.authorization)
        return f"{method} {target} HTTP/1.1\r\n{''.join(lines)}"


async def _turns() -> None:
    """Let the loop close what is to be closed, and notice what the server has closed."""
    for _ in range(3):
        await asyncio.sleep(0)


def _why(error: Exception) -> str:
    """Return the reason why a connection cannot be opened."""
    match error:
        case RefusedTunnel():
            return str(error)
        case socket.gaierror() | UnicodeError():
            return "no such host"
        case ssl.SSLCertVerificationError():
            return f"no secure connection: {error.verify_message}"
        case ssl.SSLError():
            return str(error.reason)
        case OSError() if error.errno:
            return os.strerror(error.errno)
    return "no connection"
