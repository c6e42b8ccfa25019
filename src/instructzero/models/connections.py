"""Connections to one HTTP/1.1 server over asyncio, directly or through a proxy; httptools parses what arrives."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import cast
from urllib.parse import SplitResult

import aiohappyeyeballs
import httptools

from instructzero.errors import ModelError
from instructzero.models.proxies import PORTS, Proxy
from instructzero.models.service import Reply

_LONGEST_BODY = 64 * 1024 * 1024
_NEXT_ADDRESS_S = 0.25  # RFC 8305: when a connection to the next address of a host is tried as well
_RESOLVED_S = 10.0
_SIZES = {"content-length", "transfer-encoding"}
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # OpenSSL reads SSL_CERT_FILE and SSL_CERT_DIR itself


class BrokenExchange(Exception):
    """A request was sent, and no whole reply arrived; the text says why."""


class RefusedTunnel(Exception):
    """A proxy refuses to connect; the text says why."""


class ReplyHeaders(Mapping[str, str]):
    """The headers of a reply by their names in lower case; decoded when one is asked for, which is rare.

    >>> ReplyHeaders([(b"Retry-After", b"3")])["retry-after"]
    '3'
    """

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    @cached_property
    def _values(self) -> dict[str, str]:
        return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in self._raw}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Connection(asyncio.Protocol):
    """One connection; `exchange` sends one request at a time.

    Attributes
    ----------
    is_open
        False once the connection is closed, or the server has said that it will close it.
    idle_since
        The time, by `time.monotonic`, at which the last reply was whole.
    """

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self.is_open = True
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[Reply] | None = None
        self._poll: select.poll | None = None
        self._is_tunnel = False

    def exchange(self, request: bytes) -> asyncio.Future[Reply]:
        """Send ``request`` and return the future of its reply, which fails with `BrokenExchange`."""
        waiting = self._waiting = self._loop.create_future()
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""
        self._begun = False
        self._transport.write(request)
        return waiting

    def has_news(self) -> bool:
        """Return True if the server may have sent something, or closed the connection, while nobody waited for it."""
        return self._poll is None or bool(self._poll.poll(0))

    async def tunnel(self, request: bytes) -> Reply:
        """Send a CONNECT request; its reply has no body, whatever its headers say."""
        self._is_tunnel = True
        try:
            return await self.exchange(request)
        finally:
            self._is_tunnel = False
            self._parser = httptools.HttpResponseParser(self)  # the old one waits for the tunnel's bytes

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Continue in TLS with ``host``."""
        transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        self._transport = cast(asyncio.Transport, transport)

    def abort(self, reason: str) -> None:
        """Close the connection at once; a request in flight fails with ``reason``."""
        self.is_open = False
        self._transport.abort()
        self._fail(reason)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # another event loop's may be of another class
        self._parser = httptools.HttpResponseParser(self)
        if hasattr(select, "poll"):  # not on Windows
            self._poll = select.poll()
            self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Parse a part of a reply."""
        if self._waiting is None:  # nobody asked
            self.abort("")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.abort("the answer is not HTTP")
        except httptools.HttpParserError:
            self.abort("the answer is not HTTP")

    def connection_lost(self, error: Exception | None) -> None:
        """Finish a reply whose end is that of the connection, or fail."""
        self.is_open = False
        if (
            self._waiting is not None
            and self._begun
            and error is None
            and not _SIZES & ReplyHeaders(self._headers).keys()
        ):
            self._finish()
        self._fail("the connection broke before the answer was whole")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; called by the parser."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that the body begins; called by the parser."""
        self._begun = self._parser.get_status_code() >= 200
        if self._is_tunnel and self._begun:
            self._finish()

    def on_body(self, piece: bytes) -> None:
        """Keep a part of the body; called by the parser."""
        self._body = self._body + piece if self._body else piece
        if len(self._body) > _LONGEST_BODY:
            self.abort("the answer is too long")

    def on_message_complete(self) -> None:
        """Finish, unless the message was only an interim response; called by the parser."""
        if not self._begun:
            self._headers = []
            return
        if not self._parser.should_keep_alive():
            self.is_open = False
            self._transport.close()
        self._finish()

    def _finish(self) -> None:
        waiting, self._waiting = self._waiting, None
        self.idle_since = time.monotonic()
        if waiting is not None and not waiting.done():
            waiting.set_result(Reply(self._parser.get_status_code(), ReplyHeaders(self._headers), self._body))

    def _fail(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(BrokenExchange(reason))


class Connector:
    """Opens connections to the server of an address. Lives in one event loop at a time.

    Parameters
    ----------
    url
        The address.

    Raises
    ------
    ModelError
        If the environment names a proxy that is not an HTTP proxy.
    """

    def __init__(self, url: SplitResult) -> None:
        self._host = url.hostname or ""
        self._is_secure = url.scheme == "https"
        self._port = url.port or PORTS[url.scheme]
        self.proxy = Proxy.of_environment(url.scheme, self._host)
        self._context: ssl.SSLContext | None = None
        self._addresses: list[aiohappyeyeballs.AddrInfoType] = []
        self._resolved_at = float("-inf")

    async def open(self) -> Connection:
        """Return a new connection.

        Raises
        ------
        OSError, UnicodeError
            If there is none; ``OSError`` includes errors of TLS and of the name's resolution.
        RefusedTunnel
            If the proxy refuses.
        """
        if self.proxy is None:
            return await self._connect(self._host, self._port, secure=self._is_secure)
        url = self.proxy.url
        is_secure = url.scheme == "https"
        connection = await self._connect(url.hostname or "", url.port or PORTS[url.scheme], secure=is_secure)
        if self._is_secure:
            try:
                await self._tunnelled(connection)
            except BaseException:
                connection.abort("")
                raise
        return connection

    async def _tunnelled(self, connection: Connection) -> None:
        assert self.proxy is not None
        host = f"[{self._host}]" if ":" in self._host else self._host
        place = f"{host}:{self._port}"
        request = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{self.proxy.authorization}\r\n"
        try:
            reply = await connection.tunnel(request.encode("ascii"))
        except BrokenExchange:
            raise RefusedTunnel("the proxy closes the connection") from None
        if reply.status != 200:
            raise RefusedTunnel(f"the proxy refuses, status {reply.status}")
        await connection.secure(self._tls(), self._host)

    async def _connect(self, host: str, port: int, *, secure: bool) -> Connection:
        loop = asyncio.get_running_loop()
        tls, name = (self._tls(), host) if secure else (None, None)
        opened = await aiohappyeyeballs.start_connection(
            await self._resolve(host, port), happy_eyeballs_delay=_NEXT_ADDRESS_S, interleave=1
        )
        try:
            _, connection = await loop.create_connection(Connection, sock=opened, ssl=tls, server_hostname=name)
        except BaseException:
            opened.close()
            raise
        return connection

    async def _resolve(self, host: str, port: int) -> list[aiohappyeyeballs.AddrInfoType]:
        """Return the addresses of a host, looked up every few seconds, so that many connections share one look-up."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._resolved_at > _RESOLVED_S:
            self._addresses = list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            self._resolved_at = loop.time()
        return self._addresses

    def _tls(self) -> ssl.SSLContext:
        """Return the settings of TLS; the environment may name further certificates to trust."""
        if self._context is None:
            self._context = ssl.create_default_context()
            for variable in _CA_VARIABLES:
                if path := os.environ.get(variable):
                    _trust(self._context, variable, path)
        return self._context


def _trust(context: ssl.SSLContext, variable: str, path: str) -> None:
    """Trust the certificates in a file or a folder; raise `ModelError` if there are none."""
    try:
        context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except OSError:
        raise ModelError(
            f"expected a file or a folder of certificates at {path}, which the environment variable {variable} names, "
            "got none that can be read; fix or unset it"
        ) from None
