"""A result as HTML, for notebooks. Every text is escaped, because data and models are not trusted."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from instructzero.records.uncertainty import score_interval
from instructzero.types import Evaluation

if TYPE_CHECKING:
    from instructzero.records.result import Result

_PARTS = ("validation", "confirmation", "test")
_NAMES = {"plain": "plain", "baseline": "yours", "start": "your start", "challenger": "challenger"}


def result_html(result: Result, report: Path | None) -> str:
    """Return the best instruction, the verdict, the scores with 95 % intervals, the warnings, and a link.

    Parameters
    ----------
    result
        The result.
    report
        The report of the run; None for no link.
    """
    link = [] if report is None else [f'<p><a href="{_escaped(_address(report))}">{_escaped(str(report))}</a></p>']
    return "\n".join(
        [
            "<p>Best instruction</p>",
            f'<blockquote style="white-space: pre-wrap">{_escaped(result.instruction)}</blockquote>',
            *([f"<p>{_escaped(result.verdict)}</p>"] if result.verdict else []),
            f"<table>{''.join(_rows(result))}</table>",
            *(f"<p>Warning: {_escaped(warning)}</p>" for warning in result.warnings()),
            *link,
        ]
    )


def _rows(result: Result) -> Iterator[str]:
    """Yield the rows of a table: one for each instruction, with a column for each part of the data."""
    rows = {"best": result.best, **{_NAMES[name]: scored for name, scored in result.references().items()}}
    parts = [part for part in _PARTS if getattr(result.best, part) is not None]
    heads = [f"<th>{part} ({len(getattr(result.best, part).scores)})</th>" for part in parts]
    yield f"<tr><th></th>{''.join(heads)}</tr>"
    for name, scored in rows.items():
        cells = "".join(f"<td>{_score(getattr(scored, part))}</td>" for part in parts)
        yield f"<tr><th>{name}</th>{cells}</tr>"


def _score(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "—"
    interval = score_interval(evaluation)
    return f"{evaluation.score:.3f} [{interval.low:.2f}, {interval.high:.2f}]"


def _address(report: Path) -> str:
    """Return a relative address, which a notebook's server follows, if the report lies below the working directory."""
    relative = Path(os.path.relpath(report))
    return relative.as_posix() if ".." not in relative.parts else report.resolve().as_uri()


def _escaped(text: str) -> str:
    """Return the text as HTML, with a replacement for control characters other than line breaks and tabs."""
    shown = "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
    return html.escape(shown)
