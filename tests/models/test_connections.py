"""Connections: what a server may send besides one whole reply, and the ways to it by TLS and through a proxy."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from instructzero.errors import ModelError
from instructzero.models.http import NoReply, Poster
from instructzero.models.service import Reply

pytestmark = pytest.mark.usefixtures("no_proxy")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the certificate of localhost and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    own = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(files[1]), "-out", str(files[0])]
    subprocess.run([*command.split(), *own], check=True, capture_output=True)
    return files


async def request_in(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    return head + await reader.readexactly(length)


def reply_of(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await request_in(reader)
        writer.write(reply_of(b"hello"))


def served(use: Callable[..., Coroutine[Any, Any, Any]], *servers: tuple[Serve, ssl.SSLContext | None]) -> Any:
    """Return the result of ``use(port, ...)`` with the ports of the servers."""

    async def main() -> Any:
        tasks: set[asyncio.Task[Any] | None] = set()

        def guarded(serve: Serve) -> Serve:
            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.add(asyncio.current_task())
                with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
                    await serve(reader, writer)
                writer.transport.abort()

            return answer

        running = [await asyncio.start_server(guarded(serve), "127.0.0.1", 0, ssl=tls) for serve, tls in servers]
        try:
            return await use(*(server.sockets[0].getsockname()[1] for server in running))
        finally:
            for server in running:
                server.close()
            for task in tasks:
                if task is not None:
                    task.cancel()
            await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
            await asyncio.sleep(0.01)  # lets the transports close

    return asyncio.run(main())


async def posted(url: str, count: int = 1) -> list[Reply]:
    poster = Poster(url, {"Authorization": "Bearer sk-marker"}, 5.0)
    try:
        return [await poster.post("/x", {}) for _ in range(count)]
    finally:
        await poster.close()


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"]
)
def test_interim_response_is_not_the_reply(interim: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request_in(reader)
            writer.write(interim + reply_of(b"hello"))

    async def use(port: int) -> list[Reply]:
        return await posted(f"http://127.0.0.1:{port}", count=2)

    assert [(reply.status, reply.body) for reply in served(use, (serve, None))] == [(200, b"hello")] * 2


def test_reply_in_single_bytes_is_put_together() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_in(reader)
        for byte in reply_of(b"hello"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async def use(port: int) -> list[Reply]:
        return await posted(f"http://127.0.0.1:{port}")

    assert served(use, (serve, None))[0].body == b"hello"


def test_what_nobody_asked_for_closes_the_connection_and_reaches_no_request() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await request_in(reader)
        writer.write(reply_of(b"first"))
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(reply_of(b"unasked"))
        await reader.read()

    async def use(port: int) -> list[bytes]:
        poster = Poster(f"http://127.0.0.1:{port}", {}, 5.0)
        first = await poster.post("/x", {})
        await asyncio.sleep(0.05)
        second = await poster.post("/x", {})
        await poster.close()
        return [first.body, second.body]

    assert served(use, (serve, None)) == [b"first", b"first"]
    assert connections == 2


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_are_trusted(
    variable: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def use(port: int) -> Reply:
        return (await posted(f"https://localhost:{port}"))[0]

    with pytest.raises(NoReply, match="self-signed"):
        served(use, (hello, context))
    monkeypatch.setenv(variable, str(certificate[0]))
    assert served(use, (hello, context)).body == b"hello"


class Tunnel:
    """A proxy that relays CONNECT to a port on this machine, and records the requests and what goes through."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.relayed = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        port = int(self.asked[-1].split()[1].rpartition(b":")[2])
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\nContent-Length: 0\r\n\r\n")
        try:
            await asyncio.gather(self._pipe(reader, outer), self._pipe(inner, writer))
        finally:
            outer.transport.abort()
            writer.transport.abort()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(4096):
            self.relayed += piece
            writer.write(piece)
        writer.transport.abort()


@pytest.mark.parametrize("kind", ["http", "https"])
def test_https_service_is_reached_through_a_proxy_that_sees_no_key(
    kind: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    proxy = Tunnel()

    async def use(port: int, proxy_port: int) -> list[Reply]:
        monkeypatch.setenv("https_proxy", f"{kind}://me:secret@localhost:{proxy_port}")
        return await posted(f"https://localhost:{port}/v1", count=2)

    replies = served(use, (hello, context), (proxy, context if kind == "https" else None))
    assert [reply.body for reply in replies] == [b"hello"] * 2
    assert len(proxy.asked) == 1
    assert b"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.asked[0]
    assert b"sk-marker" not in proxy.asked[0] + proxy.relayed


@pytest.mark.parametrize(
    "proxy", ["http://me:hunter2@proxy:port", "http://me:hunter2@proxy:99999", "http://[::1", "http://", ":3128"]
)
def test_address_of_a_proxy_that_is_none_raises_model_error(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(
        ModelError, match=r"address of an HTTP proxy.*http_proxy or all_proxy.*got another text"
    ) as caught:
        Poster("http://host.invalid/v1", {}, 5.0)
    assert "hunter2" not in str(caught.value)


def test_scheme_of_a_proxy_may_have_capital_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(port: int) -> list[Reply]:
        monkeypatch.setenv("http_proxy", f"HTTP://127.0.0.1:{port}")
        return await posted("http://host.invalid/v1")

    assert served(use, (hello, None))[0].body == b"hello"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_name_their_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))

    async def use(port: int) -> list[Reply]:
        return await posted(f"https://127.0.0.1:{port}")

    with pytest.raises(ModelError, match="environment variable REQUESTS_CA_BUNDLE names, got none"):
        served(use, (hello, None))
