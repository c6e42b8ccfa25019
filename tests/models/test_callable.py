from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from instructzero.errors import EndpointError, ModelError
from instructzero.models.callable import CallableBlackBox
from instructzero.models.registry import load_blackbox
from instructzero.types import Message, Request

SOURCE = """
from instructzero.errors import EndpointError

def plain(prompt): return prompt[::-1]
async def later(prompt): return prompt + "!"
def broken(prompt): raise KeyError("a\\nb")
def silent(prompt): return None
def down(prompt): raise EndpointError("gone")
number = 3
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_functions.py").write_text(SOURCE)
    (tmp_path / "my_broken_module.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])


def ask(name: str) -> str:
    async def run() -> str:
        box = load_blackbox(f"python:my_functions:{name}")
        try:
            return (await box.complete(Request((Message("system", "ab"), Message("user", "c"))))).text
        finally:
            await box.close()

    return asyncio.run(run())


def test_load_finds_functions_in_the_current_directory() -> None:
    assert ask("plain") == "c\n\nba"
    assert ask("later") == "ab\n\nc!"


def test_exception_of_the_function_becomes_a_one_line_model_error() -> None:
    with pytest.raises(ModelError, match=r"my_functions:broken raised KeyError") as caught:
        ask("broken")
    assert "\n" not in str(caught.value)


def test_endpoint_error_of_the_function_passes_through() -> None:
    with pytest.raises(EndpointError, match="gone"):
        ask("down")


def test_function_that_returns_none_raises_model_error() -> None:
    with pytest.raises(ModelError, match="expected a str from the function my_functions:silent, got NoneType"):
        ask("silent")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_functions", "expected python:module:function"),
        ("my_functions:", "expected python:module:function"),
        ("my_functions:number", "expected a function number"),
        ("my_functions:absent", "expected a function absent"),
        ("no_such_module:f", "cannot be imported"),
        ("my_broken_module:f", "ZeroDivisionError"),
    ],
)
def test_load_of_missing_function_raises_model_error(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        CallableBlackBox.load(name)
