"""The recording proxy: it notes every host, relays those with a route, and refuses the others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from instructzero.errors import InstructZeroError
from instructzero.models.openai import OpenAIBlackBox
from instructzero.testing import Endpoint
from instructzero.testing.proxy import Asked, Proxy
from instructzero.types import Message, Request

QUESTION = Request((Message("user", "ping"),))


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch):
    """Return a function that sends the requests of this process through a proxy."""

    def use(proxy: Proxy) -> None:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)

    return use


async def asked(base_url: str, times: int = 1) -> list[str]:
    box = OpenAIBlackBox("m", base_url=base_url)
    try:
        return [(await box.complete(QUESTION)).text for _ in range(times)]
    finally:
        await box.close()


def test_host_with_a_route_is_answered_by_loopback(through) -> None:
    with Endpoint(str.upper) as endpoint, Proxy({"model.invalid": endpoint.root}) as proxy:
        through(proxy)
        assert asyncio.run(asked("http://model.invalid/v1", times=3)) == ["PING"] * 3
    assert proxy.asked == [Asked("POST", "model.invalid", 80)] * 3
    assert endpoint.billed.total() == 3


def test_route_may_name_the_port(through) -> None:
    with Endpoint(str.upper) as endpoint, Proxy({"model.invalid:8000": endpoint.root}) as proxy:
        through(proxy)
        assert asyncio.run(asked("http://model.invalid:8000/v1")) == ["PING"]
        with pytest.raises(InstructZeroError, match="403"):
            asyncio.run(asked("http://model.invalid:8001/v1"))
    assert proxy.asked == [Asked("POST", "model.invalid", 8000), Asked("POST", "model.invalid", 8001)]


def test_host_without_a_route_is_refused_and_recorded(through) -> None:
    with Proxy() as proxy:
        through(proxy)
        for url in ("http://a.invalid/v1", "https://b.invalid/v1", "http://127.0.0.1:9/v1"):
            with pytest.raises(InstructZeroError, match="403"):
                asyncio.run(asked(url))
    assert proxy.asked == [
        Asked("POST", "a.invalid", 80),
        Asked("CONNECT", "b.invalid", 443),
        Asked("POST", "127.0.0.1", 9),
    ]
    assert proxy.hosts == {"a.invalid", "b.invalid", "127.0.0.1"}


def test_connect_with_a_route_is_a_tunnel_to_loopback() -> None:
    with Endpoint(str.upper) as endpoint, Proxy({"model.invalid": endpoint.root}) as proxy:
        address = urlsplit(proxy.root)
        connection = HTTPConnection(address.hostname or "", address.port)
        connection.set_tunnel("model.invalid", 443)
        for _ in range(2):  # in one tunnel
            connection.request("POST", "/v1/completions", b'{"prompt": "ping"}')
            assert b"PING" in connection.getresponse().read()
        connection.close()
    assert proxy.asked == [Asked("CONNECT", "model.invalid", 443)]


def test_end_of_the_block_does_not_wait_for_open_connections() -> None:
    with Endpoint(str.upper) as endpoint, Proxy({"model.invalid": endpoint.root}) as proxy:
        address = urlsplit(proxy.root)
        connection = HTTPConnection(address.hostname or "", address.port)
        connection.set_tunnel("model.invalid", 443)
        connection.connect()
    connection.close()


def test_no_request_of_a_test_leaves_the_machine() -> None:
    """The suite's own guard: a process that a test starts cannot reach a host of the internet."""
    code = (
        "from urllib.request import urlopen\n"
        "try: urlopen('https://api.openai.com/v1/models', timeout=5)\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "refused" in done.stdout


def test_no_connection_of_the_test_process_leaves_the_machine() -> None:
    with pytest.raises(PermissionError, match="loopback"):
        HTTPConnection("192.0.2.1", 80, timeout=0.1).connect()  # an address for documentation, RFC 5737
