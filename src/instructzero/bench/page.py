"""The report of a bench: a self-contained HTML page, the same as Markdown, the figures, and the scores as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from instructzero.bench import figures, tables
from instructzero.bench.findings import Captioned, Drawing, Section, sections
from instructzero.bench.results import Cell
from instructzero.errors import ConfigurationError
from instructzero.exports.drawing import save
from instructzero.files import make_folder, write_atomically


def write_report(cells: Sequence[Cell], out: Path) -> list[Path]:
    """Write ``report.html``, ``report.md``, ``scores.csv`` and ``figures/`` under ``out``.

    Returns the paths of all files written.

    Raises
    ------
    ConfigurationError
        If there is no finished cell, or matplotlib is not installed.
    """
    if not cells:
        raise ConfigurationError(f"expected finished cells in {out}, got none; run the bench there first")
    found = sections(cells)
    texts = {
        out / "report.html": html(found, _summary(cells)),
        out / "report.md": markdown(found, _summary(cells)),
        out / "scores.csv": tables.to_csv([tables.ROW, *tables.rows(cells)]),
    }
    make_folder(out)
    for path, text in texts.items():
        write_atomically(path, text)
    drawings = [part for section in found for part in section.parts if isinstance(part, Drawing)]
    return [
        *texts,
        *(path for drawing in drawings for path in save(drawing.figure, _folder(out) / file_name(drawing))),
    ]


def _folder(out: Path) -> Path:
    return out / "figures"


def file_name(drawing: Drawing) -> str:
    """Return the name of a drawing's file, without its suffix."""
    from instructzero.bench.plan import slug

    return slug(drawing.name)


def html(found: Sequence[Section], summary: str) -> str:
    """Return the HTML page. All texts are escaped; the figures are inline SVG."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("instructzero.bench").joinpath("page.html").read_text(encoding="utf-8")
    views = [{"title": section.title, "parts": [_view(part) for part in section.parts]} for section in found]
    return environment.from_string(source).render(sections=views, summary=summary)


def _view(part: str | Captioned | Drawing) -> dict[str, object]:
    """Return the values of a part that the template uses."""
    if isinstance(part, str):
        return {"kind": "words", "text": part}
    if isinstance(part, Captioned):
        return {"kind": "table", "caption": part.caption, "table": part.table}
    return {
        "kind": "figure",
        "caption": part.caption,
        "svg": Markup(figures.to_svg(part.figure)),  # matplotlib escapes the texts in it
        "least_width": round(0.75 * 72 * part.figure.get_figwidth()),  # narrower windows scroll the figure
    }


def markdown(found: Sequence[Section], summary: str) -> str:
    """Return the report as Markdown; the figures are links to their files."""
    parts = ["# Benchmark", summary]
    for section in found:
        parts.append(f"## {section.title}")
        for part in section.parts:
            if isinstance(part, str):
                parts.append(part)
            elif isinstance(part, Captioned):
                parts += [part.caption, part.table.markdown().rstrip()]
            else:
                parts.append(f"![{part.caption}](figures/{file_name(part)}.png)")
    return "\n\n".join(parts) + "\n"


def _summary(cells: Sequence[Cell]) -> str:
    """Return a sentence on the number of runs."""
    kinds: dict[str, set[object]] = {
        "method": {cell.method for cell in cells},
        "task": {cell.task for cell in cells},
        "seed": {cell.seed for cell in cells},
        "pair": {cell.models for cell in cells},
    }
    counts = [f"{len(found)} {name}{'' if len(found) == 1 else 's'}" for name, found in kinds.items()]
    return f"{len(cells):,} runs: {', '.join(counts)} of models."
