"""Hints from addresses of well-known services."""

from __future__ import annotations

import pytest

from instructzero.errors import ModelError
from instructzero.models.addresses import (
    SERVICES,
    connection_advice,
    service_name,
    specification_hint,
    usual_path,
    without_pasted_path,
)
from instructzero.models.service import checked_url


@pytest.mark.parametrize("kind", SERVICES)
def test_name_of_a_service_leads_to_its_address(kind: str) -> None:
    assert specification_hint(f"{kind}:m").startswith(f"openai:m at {SERVICES[kind].address} (--base-url")
    assert specification_hint(f"{kind.upper()}:m:8b").startswith("openai:m:8b at ")


@pytest.mark.parametrize("spec", ["", "magic:x", "magic:", ":"])
def test_other_names_have_no_hint(spec: str) -> None:
    assert specification_hint(spec) == ""


@pytest.mark.parametrize(
    ("url", "owners", "name"),
    [
        ("https://api.openai.com/v1", (), "OpenAI"),
        ("https://eu.api.openai.com/v1", (), "OpenAI"),
        ("https://notapi.openai.com.evil.invalid/v1", (), ""),
        ("http://10.0.0.1:8000/v1", ("vllm",), "vLLM"),
        ("http://10.0.0.1:8000/v1", (), ""),
        ("http://10.0.0.1:1234/v1", (), "LM Studio"),
        ("https://openrouter.ai/api/v1", ("library",), "OpenRouter"),
    ],
)
def test_service_is_told_from_host_owners_and_port(url: str, owners: tuple[str, ...], name: str) -> None:
    assert service_name(url, frozenset(owners)) == name


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("http://h/v1/chat/completions/", "http://h/v1"),
        ("http://h/v1/completions", "http://h/v1"),
        ("http://h/v1/messages", "http://h/v1"),
        ("https://x.services.ai.azure.com/models", "https://x.services.ai.azure.com/models"),
        ("http://h/v1", "http://h/v1"),
    ],
)
def test_path_of_a_request_is_taken_off(url: str, whole: str) -> None:
    assert without_pasted_path(url) == whole


def test_address_of_a_request_raises_model_error_without_its_query() -> None:
    with pytest.raises(ModelError, match=r"write http://h/v1$") as caught:
        checked_url("http://h/v1/chat/completions?token=abc")
    assert "abc" not in str(caught.value)


def test_usual_path_is_on_the_same_host() -> None:
    assert usual_path("https://api.groq.com/v1") == "https://api.groq.com/openai/v1"
    assert usual_path("https://api.groq.com/openai/v1/") == ""
    assert usual_path("https://host/v1") == usual_path("http://localhost:8000") == ""


def test_advice_names_the_proxy_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://me:secret@gate:3128")
    advice = connection_advice("https://model.invalid/v1", "the proxy refuses, status 403")
    assert "gate:3128" in advice
    assert "NO_PROXY" in advice
    assert "secret" not in advice


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Connection refused", "nothing listens there"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 9)", "nothing listens there"),
        ("WRONG_VERSION_NUMBER", "write http://127.0.0.1:9/v1"),
        ("no such host", "check the address and the network"),
    ],
)
def test_advice_follows_the_reason(reason: str, said: str) -> None:
    assert said in connection_advice("https://127.0.0.1:9/v1", reason)
