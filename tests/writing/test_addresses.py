"""The address of a writer behind an API: its own, or that of a black box of the same kind, or the usual one."""

from __future__ import annotations

import pytest

from instructzero.config import make_settings
from instructzero.writing.addresses import writer_address, writer_in_words

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
    assert (writer_address(settings), writer_in_words(settings)) == (address, words)


def test_usual_address_of_environment_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:secret@proxy:3/v1?token=abc")
    settings = make_settings({"task": "sum", "writer": "openai:w"})
    assert writer_in_words(settings) == "openai:w at http://proxy:3/v1"
