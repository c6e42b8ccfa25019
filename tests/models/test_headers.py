"""Headers of a user: plain ones as they are, secret ones from the environment."""

from __future__ import annotations

import pytest

from instructzero.errors import ModelError
from instructzero.models.headers import Headers, authorization


def test_plain_value_is_sent_as_it_is() -> None:
    headers = Headers.of(["X-Team: search", "X-Note: a:b env"])
    assert (headers.values, headers.secrets) == ({"X-Team": "search", "X-Note": "a:b env"}, ())


@pytest.mark.parametrize(("line", "value"), [("api-key: env:THE_KEY", "abc"), ("A: Bearer env:THE_KEY", "Bearer abc")])
def test_secret_value_comes_from_environment(monkeypatch: pytest.MonkeyPatch, line: str, value: str) -> None:
    monkeypatch.setenv("THE_KEY", " abc\n")
    headers = Headers.of([line])
    assert (list(headers.values.values()), headers.secrets) == ([value], ("abc",))
    assert "abc" not in repr(headers)


@pytest.mark.parametrize(("value", "words"), [("", "nothing"), ("é", "a value that no header can hold")])
def test_variable_without_usable_value_is_named(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("THE_KEY", value)
    with pytest.raises(ModelError, match=f"header api-key in the environment variable THE_KEY, got {words}"):
        Headers.of(["api-key: env:THE_KEY"])


@pytest.mark.parametrize(
    "url",
    [
        "https://mine.openai.azure.com/openai/v1",
        "https://mine.cognitiveservices.azure.com/openai/deployments/d",
        "https://mine.services.ai.azure.com/models?api-version=2024-05-01-preview",
        "https://mine.azure-api.net/llm",
        "https://api.cognitive.microsoft.com/x",
        "http://127.0.0.1:8000/openai/deployments/d",
        "http://gateway/v1?API-Version=2024-10-21",
    ],
)
def test_azure_takes_the_key_in_a_header_of_its_own(url: str) -> None:
    assert authorization(url, "abc") == {"api-key": "abc"}
    assert authorization(url, "") == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://localhost:8000/v1?version=7",
        "https://azure.com.example.org/v1",
        "https://notazure.com/v1",
        "https://mine.westeurope.inference.ml.azure.com/v1",
        "https://models.inference.ai.azure.com?api-version=1",
    ],
)
def test_other_services_take_the_key_as_a_token(url: str) -> None:
    assert authorization(url, "abc") == {"Authorization": "Bearer abc"}


def test_user_of_the_address_authenticates_before_the_key() -> None:
    url = "http://me:se%40cret@host/openai/deployments/d"
    assert authorization(url, "abc") == {"Authorization": "Basic bWU6c2VAY3JldA=="}


def test_header_of_the_user_replaces_ours_in_any_case() -> None:
    ours = {"Authorization": "Bearer k", "User-Agent": "instructzero"}
    assert Headers.of(["user-agent: mine"]).over(ours) == {"Authorization": "Bearer k", "user-agent": "mine"}
    assert Headers.of(["API-KEY: mine"]).over(ours) == {"User-Agent": "instructzero", "API-KEY": "mine"}


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONTENT-TYPE", "accept"])
def test_header_of_the_client_itself_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"got {name}; leave it out"):
        Headers.of([f"{name}: 5"])
