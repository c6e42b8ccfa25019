"""The parts of a bench's report: paragraphs, tables with captions, and figures, in sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from instructzero.bench.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Captioned:
    """A table, its caption, and the name of its files. A ``folded`` one is opened by a click on its caption.

    The texts of a ``quoted`` one are shown line by line, also where a table cannot do so.
    """

    name: str
    caption: str
    table: Table
    folded: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, its caption, and the name of its file."""

    name: str
    caption: str
    figure: Figure


Part = str | Captioned | Drawing
"""A paragraph, a table or a figure."""


@dataclass(frozen=True, slots=True)
class Section:
    """A title and the parts below it; the tables of a ``searchable`` section can be filtered by a text."""

    title: str
    parts: tuple[Part, ...]
    searchable: bool = False
