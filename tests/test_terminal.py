"""How commands write to terminals, logs and other programs."""

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


def test_a_paragraph_is_broken_between_words_and_indented() -> None:
    shown = console()
    paragraph(shown, WORDS, first="- ", indent="  ")
    first, *others = lines_of(shown)
    assert first.startswith("- the quick")
    assert all(line.startswith("  ") and len(line) <= 40 for line in others)
    assert " ".join(line[2:] for line in lines_of(shown)) == WORDS.strip()


def test_a_command_stays_whole_so_that_it_can_be_copied() -> None:
    shown = console()
    paragraph(shown, f"Look at it: {unbroken(COMMAND)}", indent="")
    assert lines_of(shown) == ["Look at it:", COMMAND]


def test_a_log_has_a_line_an_event_and_a_terminal_a_paragraph() -> None:
    log, terminal = console(), console(terminal=True)
    for each in (log, terminal):
        log_line(each, WORDS.strip(), indent="    ")
    assert lines_of(log) == [WORDS.strip()]
    assert max(map(len, lines_of(terminal))) <= 40
    assert lines_of(terminal)[1].startswith("    ")


def test_a_program_gets_what_was_found_and_a_terminal_is_not_steered(
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
