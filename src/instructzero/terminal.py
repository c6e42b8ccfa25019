"""How commands write: paragraphs for people, as wide as their terminal, and content for other programs as it is."""

from __future__ import annotations

import sys
import textwrap

from rich.console import Console
from rich.text import Text


def paragraph(console: Console, text: str, *, first: str = "", indent: str = "  ", style: str = "") -> None:
    """The text in lines of the console's width, broken between words; a path or a command is never broken."""
    lines = textwrap.wrap(
        text,
        console.width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        _print_line(console, line.replace("\N{NO-BREAK SPACE}", " "), style)


def log_line(console: Console, text: str, *, indent: str = "  ") -> None:
    """A paragraph on a terminal, and one line elsewhere, so that a log can be searched."""
    if console.is_terminal:
        paragraph(console, text, indent=indent)
    else:
        _print_line(console, text)


def _print_line(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)


def unbroken(text: str) -> str:
    """The text as one word, which `paragraph` does not break."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def short(text: str, most: int = 24) -> str:
    """The text in at most so many characters; a name without a limit of its own leaves a figure room."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def write(content: str) -> None:
    """To standard output, as it is into a file or a pipe; for a person, without what could steer the terminal."""
    if sys.stdout.isatty():
        sys.stdout.write(
            "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in content)
        )
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(content))
        sys.stdout.buffer.flush()


def encode(content: str) -> bytes:
    """UTF-8; half of a surrogate pair, which it cannot hold, as its escape."""
    return content.encode("utf-8", "backslashreplace")
