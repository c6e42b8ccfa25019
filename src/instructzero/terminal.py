"""Output of the commands: paragraphs in the width of the terminal, and unchanged content for other programs."""

from __future__ import annotations

import sys
import textwrap

from rich.console import Console
from rich.text import Text


def paragraph(console: Console, text: str, *, first: str = "", indent: str = "  ", style: str = "") -> None:
    """Print a text wrapped between words to the width of the console.

    Parameters
    ----------
    console
        The terminal, or a file.
    text
        The text; what `unbroken` returns is never wrapped.
    first, indent
        Prefixes of the first line and of the other lines.
    style
        A style of rich, such as ``"dim"``.
    """
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
    """Print a paragraph on a terminal, and one line elsewhere, so that a log can be searched."""
    if console.is_terminal:
        paragraph(console, text, indent=indent)
    else:
        _print_line(console, text)


def _print_line(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)


def unbroken(text: str) -> str:
    """Return the text as one word, which `paragraph` does not wrap."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def short(text: str, limit: int = 24) -> str:
    """Return the text in at most ``limit`` characters; the default suits a label of a figure.

    >>> short("antonyms", 5)
    'anto…'
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def excerpt(text: str, limit: int) -> str:
    r"""Return the text on one line, without control characters, in at most ``limit`` characters.

    >>> excerpt("two\n lines", 5)
    'two …'
    """
    return short(printable(" ".join(text.split())), limit)


def write(content: str) -> None:
    """Write to standard output: unchanged into a file or a pipe, without control characters on a terminal."""
    if sys.stdout.isatty():
        sys.stdout.write("\n".join(map(printable, content.split("\n"))))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(content))
        sys.stdout.buffer.flush()


def encode(content: str) -> bytes:
    """Return the text in UTF-8; a lone surrogate, which UTF-8 cannot represent, becomes its escape."""
    return content.encode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """Return the text without control characters, because a model may write anything."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def format_cost(dollars: float | None) -> str:
    """Return dollars in words; None stands for an unknown price.

    >>> format_cost(0.025), format_cost(None)
    ('$0.0250', 'no price set')
    """
    return "no price set" if dollars is None else f"${dollars:.4f}"


def format_lost(calls: int) -> str:
    """Return in words how lost calls are counted.

    >>> format_lost(1), format_lost(3)
    ('1 call lost, counted at its maximum', '3 calls lost, counted at their maximum')
    """
    return f"{calls:,} call{'' if calls == 1 else 's'} lost, counted at {'its' if calls == 1 else 'their'} maximum"


def format_seconds(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds.

    >>> format_seconds(3725)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
