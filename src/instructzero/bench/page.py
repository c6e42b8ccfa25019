"""The report of a bench: a self-contained HTML page, the same as Markdown, tables as CSV and LaTeX, and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from instructzero.bench import figures, means, tables
from instructzero.bench.findings import sections
from instructzero.bench.instructions import instructions_section, instructions_table
from instructzero.bench.latex import file_name as latex_name
from instructzero.bench.latex import latex, standalone
from instructzero.bench.markdown import markdown
from instructzero.bench.parts import Captioned, Drawing, Part, Section
from instructzero.bench.results import Cell
from instructzero.bench.setup.section import Payment, setup_section
from instructzero.errors import ConfigurationError
from instructzero.exports.drawing import save
from instructzero.files import make_folder, write_atomically


def write_report(cells: Sequence[Cell], out: Path, paid: Payment | None = None) -> list[Path]:
    """Write ``report.html``, ``report.md``, ``scores.csv``, ``tables/`` and ``figures/`` under ``out``.

    Returns the paths of all files written.

    Parameters
    ----------
    cells
        The finished cells of the bench in ``out``.
    out
        The folder of the bench.
    paid
        What was paid for them; None if that is not known.

    Raises
    ------
    ConfigurationError
        If there is no finished cell, or matplotlib is not installed.
    """
    if not cells:
        raise ConfigurationError(f"expected finished cells in {out}, got none; run the bench there first")
    found = [setup_section(cells, out, paid), *sections(cells), instructions_section(cells, out)]
    parts = [part for section in found for part in section.parts]
    shown = [part for part in parts if isinstance(part, Captioned) and not part.folded]
    drawings = [part for part in parts if isinstance(part, Drawing)]
    texts = {
        out / "report.html": html(found, _summary(cells)),
        out / "report.md": markdown(found, _summary(cells), {part.name: file_name(part) for part in drawings}),
        out / "scores.csv": tables.to_csv([tables.ROW, *tables.rows(cells)]),
        **_tables([*shown, instructions_table(cells, out)], cells, out / "tables"),
    }
    make_folder(out / "tables")
    for path, text in texts.items():
        write_atomically(path, text)
    return [
        *texts,
        *(path for drawing in drawings for path in save(drawing.figure, _folder(out) / file_name(drawing))),
    ]


def _tables(parts: Iterable[Captioned], cells: Sequence[Cell], folder: Path) -> Mapping[Path, str]:
    """Return the contents of the files of the tables, and of the document that holds them all."""
    named: dict[str, Captioned] = {}
    for part in parts:
        named[_unused(latex_name(part.name), named)] = part
    return {
        **{folder / f"{name}.tex": latex(part, name) for name, part in named.items()},
        **{folder / f"{name}.csv": part.table.csv() for name, part in named.items()},
        folder / "means.csv": tables.to_csv([means.COLUMNS, *means.rows(cells)]),
        folder / "tables.tex": standalone(list(named)),
    }


def _unused(name: str, used: Iterable[str]) -> str:
    """Return the name, with a number if two names differ in characters only that a file for LaTeX cannot have."""
    taken = {*used, "tables", "means"}
    return next(found for found in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if found not in taken)


def _folder(out: Path) -> Path:
    return out / "figures"


def file_name(drawing: Drawing) -> str:
    """Return the name of a drawing's file, without its suffix."""
    from instructzero.bench.plan import slug

    return slug(drawing.name)


def html(found: Sequence[Section], summary: str) -> str:
    """Return the HTML page. All texts are escaped; the figures are inline SVG."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    views = [
        {"title": section.title, "parts": [_view(part) for part in section.parts], "searchable": section.searchable}
        for section in found
    ]
    source = resources.files("instructzero.bench").joinpath("page.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(sections=views, summary=summary)


def _view(part: Part) -> dict[str, object]:
    """Return the values of a part that the template uses."""
    if isinstance(part, str):
        return {"kind": "words", "text": part}
    if isinstance(part, Captioned):
        return {"kind": "folded" if part.folded else "table", "caption": part.caption, "table": part.table}
    return {
        "kind": "figure",
        "caption": part.caption,
        "svg": Markup(figures.to_svg(part.figure)),  # matplotlib escapes the texts in it
        "least_width": round(0.75 * 72 * part.figure.get_figwidth()),  # narrower windows scroll the figure
    }


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
