"""Output to terminals, logs and other programs."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from instructzero.terminal import log_line, paragraph, unbroken, write

WORDS = "the quick brown fox jumps over the lazy dog " * 6
COMMAND = "instructzero report a/long-path/to-a-run --open"


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=40, force_terminal=terminal, color_system=None)


def lines_of(shown: Console) -> list[str]:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue().splitlines()


def test_paragraph_is_wrapped_between_words_and_indented() -> None:
    shown = console()
    paragraph(shown, WORDS, first="- ", indent="  ")
    first, *others = lines_of(shown)
    assert first.startswith("- the quick")
    assert all(line.startswith("  ") and len(line) <= 40 for line in others)
    assert " ".join(line[2:] for line in lines_of(shown)) == WORDS.strip()


def test_paragraph_does_not_break_command() -> None:
    shown = console()
    paragraph(shown, f"Report: {unbroken(COMMAND)}", indent="")
    assert lines_of(shown) == ["Report:", COMMAND]


def test_log_line_wraps_on_terminal_only() -> None:
    log, terminal = console(), console(terminal=True)
    for target in (log, terminal):
        log_line(target, WORDS.strip(), indent="    ")
    assert lines_of(log) == [WORDS.strip()]
    assert max(map(len, lines_of(terminal))) <= 40
    assert lines_of(terminal)[1].startswith("    ")


def test_write_removes_control_characters_on_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    write("a \x1b[2J\n")
    assert capfdbinary.readouterr().out == b"a \x1b[2J\n"
    monkeypatch.setattr(sys, "stdout", Terminal())
    write("a \x1b[2J\n")
    assert sys.stdout.getvalue() == "a \N{REPLACEMENT CHARACTER}[2J\n"  # type: ignore[attr-defined]
