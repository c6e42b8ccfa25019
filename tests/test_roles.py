"""The endpoint of each role: its own, or that of a black box of the same kind, or the usual one."""

from __future__ import annotations

import pytest

from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.config import make_settings
from instructzero.roles import endpoint_of, writer_in_words

HERE, THERE = "http://here:1/v1", "http://there:2/v1"


@pytest.mark.parametrize(
    ("chosen", "address", "words"),
    [
        ({"writer_url": HERE, "base_url": THERE}, HERE, f"openai:w at {HERE}"),
        ({"base_url": THERE}, THERE, f"openai:w at {THERE}, the address of the black box"),
        ({"base_url": THERE, "blackbox": "python:m:f"}, None, "openai:w"),
        ({"base_url": THERE, "writer": "anthropic:w"}, None, "anthropic:w"),
        ({}, None, "openai:w"),
        ({"writer": "embedded:writer", "base_url": THERE}, None, ""),
    ],
)
def test_writer_address_is_its_own_or_that_of_black_box(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], address: str | None, words: str
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    settings = make_settings({"task": "sum", "writer": "openai:w", "blackbox": "openai:b", **chosen})
    assert (endpoint_of(settings, WRITER).url, writer_in_words(settings)) == (address, words)


def test_usual_address_of_environment_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:secret@proxy:3/v1?token=abc")
    settings = make_settings({"task": "sum", "writer": "openai:w"})
    assert writer_in_words(settings) == "openai:w at http://proxy:3/v1"


def test_judge_is_asked_at_address_of_black_box_with_its_key_and_headers() -> None:
    chosen = {"base_url": HERE, "key_env": "LOCAL_KEY", "header": ["X-Team: search"], "extra_body": '{"top_p": 0.5}'}
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "openai:j", **chosen})
    endpoint = endpoint_of(settings, JUDGE)
    assert (endpoint.url, endpoint.key_env, endpoint.headers) == (HERE, "LOCAL_KEY", ("X-Team: search",))
    assert (endpoint.setting, endpoint.extra_body) == ("base_url", {})


def test_judge_with_address_of_its_own_takes_nothing_from_black_box() -> None:
    chosen = {"base_url": HERE, "key_env": "LOCAL_KEY", "header": ["X-Team: search"], "input_price": 1.0}
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "openai:b", "judge_url": THERE, **chosen})
    endpoint = endpoint_of(settings, JUDGE)
    assert (endpoint.url, endpoint.key_env, endpoint.headers) == (THERE, None, ())
    assert (endpoint.setting, endpoint.input_price) == ("judge_url", None)


def test_judge_of_another_kind_is_asked_at_its_own_service() -> None:
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "anthropic:j", "base_url": HERE})
    assert endpoint_of(settings, JUDGE).url is None


@pytest.mark.parametrize(("own", "seconds"), [({}, 9.0), ({"judge_timeout": 90}, 90.0)])
def test_timeout_of_role_is_its_own_or_that_of_black_box(own: dict[str, int], seconds: float) -> None:
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "openai:j", "timeout": 9, **own})
    assert endpoint_of(settings, JUDGE).timeout == seconds
    assert endpoint_of(settings, BLACK_BOX).timeout == 9.0


def test_key_of_judge_replaces_that_in_headers_of_black_box() -> None:
    headers = ["api-key: env:BOX_KEY", "X-Team: search"]
    chosen = {"blackbox": "openai:b", "judge": "openai:j", "base_url": HERE, "header": headers}
    assert endpoint_of(make_settings({"task": "sum", **chosen}), JUDGE).headers == tuple(headers)
    own = endpoint_of(make_settings({"task": "sum", "judge_key_env": "JUDGE_KEY", **chosen}), JUDGE)
    assert (own.key_env, own.headers) == ("JUDGE_KEY", ("X-Team: search",))
