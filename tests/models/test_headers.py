"""Headers of a user: plain ones as they are, secret ones from the environment."""

from __future__ import annotations

import pytest

from instructzero.errors import ModelError
from instructzero.models.headers import Headers


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
