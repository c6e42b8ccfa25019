"""The command line, called in the process of a test."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from instructzero.cli import app as cli

Call = Callable[..., tuple[int, str, str]]


def call(
    monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    """Return the exit code, output and errors of ``instructzero`` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["instructzero", *map(str, arguments)])
    code = 0
    try:
        cli.main()
    except SystemExit as exit:
        code = int(exit.code or 0)
    return code, *captured.readouterr()
