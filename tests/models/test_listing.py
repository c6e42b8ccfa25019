"""The list of models at an endpoint, in the forms of several servers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from instructzero.models import listing
from instructzero.models.listing import ListedModel, listing_at
from instructzero.models.service import Reply, Service
from instructzero.testing import Endpoint


@pytest.mark.parametrize(
    ("body", "models"),
    [
        (b'{"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 4096}]}', (ListedModel("m", "vllm", 4096),)),
        (b'{"data": [{"id": "m", "context_length": "many", "owned_by": 7}]}', (ListedModel("m"),)),
        (b'{"data": []}', ()),
        (b"<html>", None),
        (b'{"data": [1]}', None),
        (b"[]", None),
    ],
)
def test_list_is_read_or_none(body: bytes, models: Any) -> None:
    assert listing._read(Reply(200, {}, body), Service("http://h/v1", "m", "KEY", "")).models == models


def test_listing_of_a_refusal_has_status_and_reason() -> None:
    with Endpoint(str.upper) as endpoint:
        found = asyncio.run(listing_at(endpoint.base_url))
    assert (found.status, found.models, found.reason) == (404, None, "expected a request for text")


def test_listing_without_a_reply_has_status_0() -> None:
    found = asyncio.run(listing_at("http://127.0.0.1:9/v1"))
    assert (found.status, found.models, found.reason) == (0, None, "Connection refused")


def test_keyless_listing_sends_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567890")
    monkeypatch.setenv("TEAM_KEY", "sk-team")
    with Endpoint(str.upper, models=["m"]) as endpoint:
        found = asyncio.run(listing_at(endpoint.base_url, headers=["Authorization: Bearer env:TEAM_KEY"], keyless=True))
        assert found.names == ["m"]
        assert endpoint.keys == {"none"}
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1234567890")
        assert asyncio.run(listing_at(endpoint.root, anthropic=True)).names == ["m"]
    assert endpoint.keys == {"none", "sk-ant-1234567890"}


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ((), {"x-api-key": "secret", "authorization": "Bearer secret"}),
        (("X-Api-Key: env:GATE_KEY",), {"x-api-key": "gate"}),
        (("Authorization: Bearer env:GATE_KEY",), {"authorization": "Bearer gate"}),
    ],
)
def test_listing_of_anthropic_sends_the_key_in_both_headers_or_that_of_the_user(
    monkeypatch: pytest.MonkeyPatch, headers: tuple[str, ...], sent: dict[str, str]
) -> None:
    seen: list[dict[str, str]] = []

    class Kept:
        def __init__(self, url: str, headers: dict[str, str], timeout: float) -> None:
            seen.append({name.lower(): value for name, value in headers.items()})

        async def get(self, path: str) -> Reply:
            return Reply(200, {}, b'{"data": []}')

        async def close(self) -> None:
            pass

    monkeypatch.setattr(listing, "Poster", Kept)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("GATE_KEY", "gate")
    asyncio.run(listing_at("http://127.0.0.1:9", anthropic=True, headers=headers))
    keys = {name: value for name, value in seen[0].items() if name in ("authorization", "x-api-key")}
    assert keys == sent
