"""The report of a bench as Markdown; nothing in its texts is markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from instructzero.bench.parts import Captioned, Part, Section
from instructzero.bench.tables import Table, as_markdown


def markdown(found: Sequence[Section], summary: str, files: Mapping[str, str]) -> str:
    """Return the report; ``files`` holds the names of the figures' files, without suffix, by those of the figures."""
    parts = ["# Benchmark", summary]
    for section in found:
        parts.append(f"## {as_markdown(section.title)}")
        for part in section.parts:
            parts += _of_part(part, files)
    return "\n\n".join(parts) + "\n"


def _of_part(part: Part, files: Mapping[str, str]) -> Iterator[str]:
    if isinstance(part, str):
        yield as_markdown(part)
    elif isinstance(part, Captioned):
        yield as_markdown(part.caption)
        yield from _quoted(part.table) if part.quoted else [part.table.markdown().rstrip()]
    else:
        yield f"![{as_markdown(part.caption)}](figures/{files[part.name]}.png)"


def _quoted(table: Table) -> Iterator[str]:
    """Yield the rows without a text of several lines as a table, and each of the others with its texts as blocks."""
    short = tuple(row for row in table.rows if not any(map(_has_lines, row)))
    if short:
        yield Table(table.header, short).markdown().rstrip()
    for row in table.rows:
        if row not in short:
            values = dict(zip(table.header, row, strict=True))
            yield as_markdown("; ".join(f"{name}: {text}" for name, text in values.items() if not _has_lines(text)))
            yield from (block(text) for text in row if _has_lines(text))


def _has_lines(text: str) -> bool:
    return len(text.splitlines()) > 1


def block(text: str) -> str:
    r"""Return a text as a block of code, whose fence is longer than every fence in the text.

    >>> print(block("Sort:\n```"))
    ````text
    Sort:
    ```
    ````
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
