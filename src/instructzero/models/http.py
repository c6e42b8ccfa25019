"""HTTP requests to one address over persistent connections, through aiohttp; no request is sent twice."""

from __future__ import annotations

import asyncio
import io
import json
import math
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from instructzero.errors import ModelError
from instructzero.models.service import Reply

_KEPT_S = 4.0  # many servers close a connection that was idle for 5 s
_CONNECTING = 0.75  # share of the time limit; below 1 to tell a late connection from a late answer
_LONGEST_BODY = 64 * 1024 * 1024
_LARGE = 2**20  # bytes; above this, aiohttp expects a body in pieces


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
        Seconds for one request.

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
        self._proxy = _proxy(self._url.scheme, self._url.hostname or "")
        self._timeout = aiohttp.ClientTimeout(timeout, connect=_CONNECTING * timeout, ceil_threshold=math.inf)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: Mapping[str, Any] | bytes) -> Reply:
        """Send ``body``, an object or JSON text, and return the reply; raise `NoReply` if none arrives."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode("ascii")
        return await self._exchange("POST", path, content)

    async def get(self, path: str) -> Reply:
        """Return the reply to a request without a body; raise `NoReply` if none arrives."""
        return await self._exchange("GET", path)

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, method: str, path: str, content: bytes | None = None) -> Reply:
        url = self._url._replace(path=self._url.path.rstrip("/") + path).geturl()
        data = io.BytesIO(content) if content is not None and len(content) > _LARGE else content
        await asyncio.sleep(0)  # lets the loop notice connections that the server closed in the meantime
        try:
            async with self._opened().request(
                method, url, data=data, headers=self._headers, proxy=self._proxy, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await _read(response))
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
            failure = self._failure(error)
        raise failure  # outside the handler: the client's exception holds the request, and so the key

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session, which can only be made inside the event loop."""
        if self._session is None:
            # Without headers, because it would send them, and so the key, to a proxy as well. Without trust_env,
            # because that also reads keys from ~/.netrc, in a thread for each request.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _failure(self, error: Exception) -> NoReply:
        """Return the failure with a message of our own; the client's may contain the whole address."""
        match error:
            case aiohttp.ConnectionTimeoutError():
                return NoReply(f"no connection within {self._timeout.connect:g} s", sent=False)
            case TimeoutError():
                return NoReply(f"no answer within {self._timeout.total:g} s", sent=True)
            case aiohttp.ClientConnectorDNSError() | UnicodeError():
                return NoReply("no such host", sent=False)
            case aiohttp.ClientConnectorCertificateError():
                return NoReply(f"no secure connection: {_why(error.certificate_error)}", sent=False)
            case aiohttp.ClientConnectorError():
                return NoReply(_why(error.os_error), sent=False)
            case aiohttp.ClientHttpProxyError():
                return NoReply(f"the proxy refuses, status {error.status}", sent=False)
            case aiohttp.InvalidURL():
                return NoReply("no such address", sent=False)
            case aiohttp.ClientResponseError():
                return NoReply("the answer is not HTTP", sent=True)
            case _TooLong():
                return NoReply("the answer is too long", sent=True)
        return NoReply("the connection broke before the answer was whole", sent=True)


class _TooLong(aiohttp.ClientError):
    """The body is longer than any answer."""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for piece in response.content.iter_any():
        body = body + piece if body else piece
        if len(body) > _LONGEST_BODY:
            response.close()
            raise _TooLong
    return body


def _proxy(scheme: str, host: str) -> str | None:
    """Return the address of the proxy for ``host``, or None."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    kind, mark, _ = proxy.partition("://")
    if mark and kind not in ("http", "https"):
        raise ModelError(
            f"expected the address of an HTTP proxy in the environment ({scheme}_proxy or all_proxy), got one for "
            f"{kind}; name another, or {host} in no_proxy"
        )
    return proxy if mark else f"http://{proxy}"


def _why(error: Exception) -> str:
    """Return the reason why a connection cannot be opened."""
    if isinstance(error, ssl.SSLError):
        return str(getattr(error, "verify_message", None) or error.reason)
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no connection"
