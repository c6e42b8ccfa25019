from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from instructzero.errors import ModelError
from instructzero.models import connections, http
from instructzero.models.http import NoReply, Poster
from instructzero.models.service import Reply
from instructzero.testing import Endpoint, Fault, Faults

pytestmark = pytest.mark.usefixtures("no_proxy")

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
KEY = {"Authorization": "Bearer sk-marker"}
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def post(poster: Poster, prompt: str = "ping") -> Reply:
    return await poster.post("/completions", {"prompt": prompt})


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    return head + await reader.readexactly(length)


class Once:
    """Answers every connection once, records the requests, and closes."""

    def __init__(self, answer: bytes = HELLO) -> None:
        self._answer = answer
        self.seen: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.append(await read_request(reader))
        writer.write(self._answer)


def served(serve: Serve, use: Callable[[str], Coroutine[Any, Any, Any]], context: ssl.SSLContext | None = None) -> Any:
    """Return the result of ``use(address)`` while ``serve`` answers connections."""

    connections: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        connections.append(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
            writer.close()
            await writer.wait_closed()

    async def main() -> Any:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        async with server:
            found = await use(f"http{'s' if context else ''}://localhost:{port}/v1")
            await asyncio.gather(*connections)
            return found

    return asyncio.run(main())


async def replies(url: str, count: int = 1, **options: Any) -> list[Reply]:
    """Return the replies to sequential requests."""
    poster = Poster(url, KEY, **{"timeout": 5.0, **options})
    try:
        return [await post(poster) for _ in range(count)]
    finally:
        await poster.close()


async def refusal(url: str, **options: Any) -> NoReply:
    """Return the failure without a reply; it holds no reference to the request."""
    with pytest.raises(NoReply) as caught:
        await replies(url, **options)
    assert caught.value.__context__ is None
    assert "sk-marker" not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_post_sends_method_headers_and_body() -> None:
    server = Once()

    async def use(url: str) -> str:
        poster = Poster(f"{url}/?key=1%2B2", {**KEY, "User-Agent": "me"}, 5.0)
        assert (await poster.post("/completions", {"prompt": "naïve"})).body == b"hello"
        assert (await poster.get("/models")).body == b"hello"
        await poster.close()
        return url

    port = served(server, use).rpartition(":")[2].removesuffix("/v1")
    head, _, body = server.seen[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /v1/completions?key=1%2B2 HTTP/1.1"
    assert sorted(lines) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        "Authorization: Bearer sk-marker",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
        f"Host: localhost:{port}",
        "User-Agent: me",
    ]
    assert json.loads(body) == {"prompt": "naïve"}
    assert server.seen[1].startswith(b"GET /v1/models?key=1%2B2 HTTP/1.1\r\n")


def test_post_returns_status_headers_and_body() -> None:
    head = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    (reply,) = served(Once(head + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), replies)
    assert (reply.status, reply.headers["retry-after"], reply.body) == (429, "3", b"hello")


def test_connections_are_reused() -> None:
    async def main(url: str) -> None:
        poster = Poster(url, {}, 5.0)
        for _ in range(3):
            assert (await post(poster)).status == 200
        await asyncio.gather(*(post(poster) for _ in range(4)))
        await asyncio.gather(*(post(poster) for _ in range(4)))
        await poster.close()

    with Endpoint(str.upper, latency=0.01) as endpoint:
        asyncio.run(main(endpoint.base_url))
    assert endpoint.connections == 4


def test_all_concurrent_requests_are_in_flight_at_once() -> None:
    async def main(url: str) -> None:
        poster = Poster(url, {}, 5.0)
        await asyncio.gather(*(post(poster) for _ in range(150)))
        await poster.close()

    with Endpoint(str.upper, latency=0.5) as endpoint:
        asyncio.run(main(endpoint.base_url))
    assert endpoint.most_in_flight == 150


@pytest.mark.parametrize(
    "answer",
    [
        HELLO,
        HELLO.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n"),
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_connection_closed_by_the_server_is_replaced(answer: bytes) -> None:
    server = Once(answer)

    async def use(url: str) -> list[bytes]:
        poster = Poster(url, {}, 5.0)
        bodies = []
        for _ in range(3):
            bodies.append((await post(poster)).body)
            await asyncio.sleep(0.01)  # lets the end of the connection arrive
        await poster.close()
        return bodies

    assert served(server, use) == [b"hello"] * 3
    assert len(server.seen) == 3


def test_connection_closed_while_the_loop_was_blocked_is_not_reused() -> None:
    with Endpoint(str.upper) as endpoint, asyncio.Runner() as runner:
        poster = Poster(endpoint.base_url, {}, 5.0)
        assert runner.run(post(poster)).status == 200
        endpoint._loop.call_soon_threadsafe(lambda: [connection.reset() for connection in list(endpoint._open)])
        asyncio.run(no_more(endpoint))
        assert runner.run(post(poster)).status == 200
        runner.run(poster.close())
    assert endpoint.connections == 2


async def no_more(endpoint: Endpoint) -> None:
    while endpoint._open:
        await asyncio.sleep(0.001)


def test_connection_idle_for_long_is_not_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_KEPT_S", 0.01)

    async def main(url: str) -> None:
        poster = Poster(url, {}, 5.0)
        await post(poster)
        await asyncio.sleep(0.05)
        await post(poster)
        await poster.close()

    with Endpoint(str.upper) as endpoint:
        asyncio.run(main(endpoint.base_url))
    assert endpoint.connections == 2


@pytest.mark.parametrize(
    ("fault", "said"), [(Fault.RESET_UNREAD, "broke"), (Fault.RESET_MIDWAY, "broke"), (Fault.HANG, "within 0.2 s")]
)
def test_request_without_reply_is_sent_once(fault: Fault, said: str) -> None:
    with Endpoint(str.upper, faults=Faults({fault: 1.0})) as endpoint:
        error = asyncio.run(refusal(endpoint.base_url, timeout=0.2))
    assert error.sent
    assert said in str(error)
    assert endpoint.received.total() == endpoint.connections == 1


def test_broken_reused_connection_does_not_send_the_request_twice() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(HELLO)
        seen.append(await read_request(reader))

    error = served(serve, lambda url: refusal(url, count=2))
    assert error.sent
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:{port}/v1", "refused"),
        ("http://localhost:{port}/v1", "refused"),
        ("https://127.0.0.1:{port}/v1", "refused"),
        ("http://nowhere.invalid/v1", "no such host"),
        ("http://a..b/v1", "no such host"),
    ],
)
def test_unreachable_server_raises_no_reply_unsent(url: str, said: str) -> None:
    with Endpoint(str.upper) as endpoint:
        port = endpoint.root.rpartition(":")[2]
    error = asyncio.run(refusal(url.format(port=port)))
    assert not error.sent
    assert said in str(error)


def test_slow_connection_raises_no_reply_unsent() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # never answers the handshake

    error = served(serve, lambda url: refusal(url.replace("http:", "https:"), timeout=0.2))
    assert not error.sent
    assert str(error) == "no connection within 0.15 s"


@pytest.mark.parametrize("junk", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_reply_that_is_not_http_raises_no_reply(junk: bytes) -> None:
    error = served(Once(junk), refusal)
    assert error.sent
    assert str(error) == "the answer is not HTTP"


@pytest.mark.parametrize("head", [b"Content-Length: 9\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nf\r\n"])
def test_truncated_reply_raises_no_reply(head: bytes) -> None:
    error = served(Once(b"HTTP/1.1 200 OK\r\n" + head + b"hello"), refusal)
    assert error.sent
    assert "broke" in str(error)


def test_endless_reply_raises_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LONGEST_BODY", 4)
    error = served(Once(), refusal)
    assert error.sent
    assert str(error) == "the answer is too long"


def test_redirection_is_not_followed() -> None:
    server = Once(b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    (reply,) = served(server, replies)
    assert reply.status == 307
    assert len(server.seen) == 1


def test_cookies_are_not_stored() -> None:
    server = Once(HELLO.replace(b"200 OK\r\n", b"200 OK\r\nSet-Cookie: a=b\r\n"))
    served(server, lambda url: replies(url, count=2))
    assert b"cookie" not in server.seen[1].lower()


def test_answer_of_an_interrupted_request_does_not_reach_another() -> None:
    async def main(url: str) -> Reply:
        poster = Poster(url, {}, 5.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await post(poster, "first")
        reply = await post(poster, "second")
        await poster.close()
        return reply

    with Endpoint(str.upper, latency=0.05) as endpoint:
        assert b"SECOND" in asyncio.run(main(endpoint.base_url)).body


def test_https_request_is_answered(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Once()

    async def trusted(url: str) -> bytes:
        """Send from a process that trusts the certificate."""
        code = (
            f"import asyncio; from instructzero.models.http import Poster; poster = Poster({url!r}, {{}}, 5.0)\n"
            "async def main():\n    print((await poster.post('/x', {})).body); await poster.close()\n"
            "asyncio.run(main())"
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code),
            env={**os.environ, "SSL_CERT_FILE": str(certificate)},
            stdout=asyncio.subprocess.PIPE,
        )
        return (await process.communicate())[0].strip()

    error = served(server, refusal, context)
    assert not error.sent
    assert str(error) == "no secure connection: self-signed certificate"
    assert not server.seen
    assert served(server, trusted, context) == b"b'hello'"


def test_request_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Once()

    async def use(url: str) -> list[Reply]:
        monkeypatch.setenv("http_proxy", url.replace("localhost", "me:secret@localhost").removesuffix("/v1"))
        return await replies("http://nowhere.invalid/v1")

    assert served(proxy, use)[0].body == b"hello"
    assert proxy.seen[0].startswith(b"POST http://nowhere.invalid/v1/completions HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.seen[0]
    assert b"\r\nAuthorization: Bearer sk-marker\r\n" in proxy.seen[0]


def test_proxy_does_not_receive_the_key_of_an_https_service(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Once(b"HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\n\r\n")

    async def use(url: str) -> NoReply:
        monkeypatch.setenv("all_proxy", url.replace("http://", "me:secret@").removesuffix("/v1"))
        return await refusal("https://nowhere.invalid/v1")

    error = served(proxy, use)
    assert not error.sent
    assert str(error) == "the proxy refuses, status 407"
    assert proxy.seen[0].startswith(b"CONNECT nowhere.invalid:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.seen[0]
    assert b"sk-marker" not in proxy.seen[0]


def test_unreachable_proxy_raises_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    error = asyncio.run(refusal("http://nowhere.invalid/v1"))
    assert not error.sent
    assert "secret" not in str(error)


def test_hosts_in_no_proxy_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "localhost,10.0.0.1")
    assert served(Once(), replies)[0].body == b"hello"


def test_proxy_that_is_not_http_raises_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://me:secret@127.0.0.1:9")
    with pytest.raises(ModelError, match=r"an HTTP proxy.*got one for socks5") as caught:
        Poster("http://host/v1", {}, 1.0)
    assert "secret" not in str(caught.value)


def test_netrc_does_not_replace_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = Once()
    served(server, replies)
    assert b"\r\nAuthorization: Bearer sk-marker\r\n" in server.seen[0]
