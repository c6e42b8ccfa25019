"""An HTTP proxy on 127.0.0.1 that records every host it is asked for, and lets nothing leave the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from instructzero.testing.loopback import Loopback

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_PORTS = {"http": 80, "https": 443}
_PIECE = 65536
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_LINE, _END = b"\r\n", b"\r\n\r\n"
_OF_ONE_CONNECTION = (b"proxy-", b"connection:", b"keep-alive:")
_ENDLESS = 2**62

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Asked(NamedTuple):
    """A request to the proxy: its method, and the host that it is for."""

    method: str
    host: str
    port: int


class Proxy(Loopback):
    """Records the host of every request; relays those with a route, and refuses the others with status 403.

    It takes plain requests for ``http`` and the method CONNECT for ``https``. Every connection serves one request.

    Parameters
    ----------
    routes
        The address on this machine, such as ``http://127.0.0.1:8000``, that stands for a host. A host is ``name`` for
        any port, or ``name:port``.

    Attributes
    ----------
    asked
        All requests, in the order in which they came.

    >>> from urllib.request import ProxyHandler, build_opener
    >>> from instructzero.testing import Endpoint
    >>> with Endpoint(str.upper) as endpoint, Proxy({"model.invalid": endpoint.root}) as proxy:
    ...     opener = build_opener(ProxyHandler({"http": proxy.root}))
    ...     data = b'{"messages": [{"role": "user", "content": "ping"}]}'
    ...     status = opener.open("http://model.invalid/v1/chat/completions", data).status
    >>> status, proxy.hosts
    (200, {'model.invalid'})
    """

    def __init__(self, routes: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__("instructzero-proxy")
        self._routes = dict(routes)
        self.asked: list[Asked] = []
        self._open: set[asyncio.Future[None]] = set()

    @property
    def hosts(self) -> set[str]:
        """The names of all hosts that were asked for."""
        return {asked.host for asked in self.asked}

    def route(self, host: str, address: str) -> None:
        """Let an address on this machine stand for a host, as in ``routes``."""
        self._routes[host] = address

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that send the requests of a process through the proxy, those to loopback too."""
        names = [*_VARIABLES, *map(str.upper, _VARIABLES)]
        return {**dict.fromkeys(names, self.root), "no_proxy": "", "NO_PROXY": ""}

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._listening(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for task in list(self._open):
            task.cancel()
        await server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._served(reader, writer))
        self._open.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await task
        self._open.discard(task)
        writer.close()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_END)
        asked, path = _target(head)
        self.asked.append(asked)
        route = self._routes.get(f"{asked.host}:{asked.port}") or self._routes.get(asked.host)
        if route is None:
            writer.write(_REFUSAL)
            await writer.drain()
            return
        address = urlsplit(route)
        server = await asyncio.open_connection(address.hostname, address.port)
        try:
            if path is None:
                writer.write(_ESTABLISHED)
                await _tunnel((reader, writer), server)
            else:
                await _exchange((reader, writer), server, head, path)
        finally:
            server[1].close()


async def _tunnel(client: Streams, server: Streams) -> None:
    """Copy in both directions until one side closes."""
    ways = [asyncio.ensure_future(_copy(client[0], server[1])), asyncio.ensure_future(_copy(server[0], client[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _exchange(client: Streams, server: Streams, head: bytes, path: str) -> None:
    """Send one request to its server, and the reply to the client."""
    method = head.partition(b" ")[0]
    server[1].write(_with_fields(b"%b %b HTTP/1.1" % (method, path.encode()), head))
    await _copy(client[0], server[1], _length(head) or 0)
    reply = await server[0].readuntil(_END)
    client[1].write(_with_fields(reply.split(_LINE, 1)[0], reply))
    await _copy(server[0], client[1], _length(reply))


def _with_fields(first: bytes, head: bytes) -> bytes:
    """Return a head with another first line, without the fields that concern one connection only."""
    fields = [line for line in head.split(_LINE)[1:-2] if not line.lower().startswith(_OF_ONE_CONNECTION)]
    return _LINE.join([first, *fields, b"connection: close", b"", b""])


def _length(head: bytes) -> int | None:
    """Return the length of the body; None if it ends with the connection."""
    found = head.lower().partition(b"\r\ncontent-length:")[2]
    return int(found.partition(_LINE)[0]) if found else None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int | None = None) -> None:
    """Copy ``length`` bytes, or all until the connection closes."""
    left = _ENDLESS if length is None else length
    while left and (piece := await reader.read(min(left, _PIECE))):
        left -= len(piece)
        writer.write(piece)
        await writer.drain()


def _target(head: bytes) -> tuple[Asked, str | None]:
    """Return the host of a request, and the path there; None as the path of CONNECT."""
    method, target, _ = head.split(_LINE, 1)[0].decode("latin-1").split(" ", 2)
    if method == "CONNECT":
        host, _, port = target.rpartition(":")
        return Asked(method, host.strip("[]"), int(port)), None
    address = urlsplit(target)
    asked = Asked(method, address.hostname or "", address.port or _PORTS.get(address.scheme, 0))
    return asked, address._replace(scheme="", netloc="").geturl() or "/"
