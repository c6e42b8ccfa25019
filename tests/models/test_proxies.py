"""The proxy that the environment names for an address."""

from __future__ import annotations

import pytest

from instructzero.models.proxies import proxy_for

pytestmark = pytest.mark.usefixtures("no_proxy")


def test_proxy_is_that_of_the_scheme_or_of_all_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@gate:3128")
    monkeypatch.setenv("all_proxy", "wall:8080")
    assert proxy_for("https://model.invalid/v1") == "gate:3128"
    assert proxy_for("http://model.invalid/v1") == "wall:8080"


def test_host_in_no_proxy_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://gate:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert proxy_for("http://127.0.0.1:8000/v1") == ""
    assert proxy_for("http://127.0.0.2:8000/v1") == "gate:3128"
