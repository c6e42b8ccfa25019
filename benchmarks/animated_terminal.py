"""A terminal's frames as one animated SVG: text, colours and CSS, no script, nothing from elsewhere.

All frames lie below each other like those of a film, which jumps behind a window from one to the next. Without
animation, or where the reader prefers little motion, the last frame is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from rich.cells import cell_len

COLUMN, ROW, ASCENT, MARGIN = 8.4, 18, 13, 14  # pixels, of a font of 14
INK, PAPER = "#e6edf3", "#0d1117"
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one look from a column on; ``colour`` as ``#rrggbb``, or None for the usual one."""

    column: int
    text: str
    colour: str | None = None
    bold: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the terminal shows from ``time`` (seconds) on, line by line from the top."""

    time: float
    lines: tuple[Line, ...]


def thinned(frames: Sequence[Frame], gap: float) -> list[Frame]:
    """The first frame, and of those in each ``gap`` seconds the last one, where it differs from the one before."""
    steps = groupby(frames[1:], key=lambda frame: frame.time // gap)
    chosen = [*frames[:1], *(list(step)[-1] for _, step in steps)]
    return [frame for place, frame in enumerate(chosen) if place == 0 or frame.lines != chosen[place - 1].lines]


def to_svg(
    frames: Sequence[Frame], *, columns: int, rows: int, title: str, speed: float = 1.0, hold: float = 6.0
) -> str:
    """The frames in a loop, ``speed`` times as fast as they came; the last one stays for ``hold`` seconds."""
    if not frames:
        raise ValueError("expected at least one frame, got none")
    height = rows * ROW
    length = (frames[-1].time - frames[0].time) / speed + hold
    shares = [(frame.time - frames[0].time) / speed / length for frame in frames]
    names = {line: f"l{number}" for number, line in enumerate(_different(frames))}
    width = round(columns * COLUMN)
    style = (
        f"text{{font:14px {FONT};white-space:pre;fill:{INK}}}"
        f".film{{transform:translateY({-height * (len(frames) - 1)}px)}}"
        f"@media (prefers-reduced-motion:no-preference){{.film{{animation:film {length:.2f}s step-end infinite}}}}"
        f"@keyframes film{{{''.join(_keyframes(shares, height))}}}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 2 * MARGIN}" height="{height + 2 * MARGIN}" '
        f'viewBox="0 0 {width + 2 * MARGIN} {height + 2 * MARGIN}" role="img" aria-label="{_escaped(title)}">',
        f"<title>{_escaped(title)}</title><style>{style}</style>",
        f'<defs xml:space="preserve">{"".join(_text(name, line) for line, name in names.items())}</defs>',
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
        f'<svg x="{MARGIN}" y="{MARGIN}" width="{width}" height="{height}"><g class="film">',
        *(_placed(frame, names, number * height) for number, frame in enumerate(frames)),
        "</g></svg></svg>\n",
    ]
    return "\n".join(parts)


def _different(frames: Sequence[Frame]) -> list[Line]:
    """Every line of text of any frame, once."""
    return list(dict.fromkeys(line for frame in frames for line in frame.lines if line))


def _keyframes(shares: Sequence[float], height: int) -> Iterator[str]:
    for number, share in enumerate(shares):
        yield f"{100 * share:.3f}%{{transform:translateY({-height * number}px)}}"
    yield f"to{{transform:translateY({-height * (len(shares) - 1)}px)}}"


def _text(name: str, line: Line) -> str:
    return f'<text id="{name}">{"".join(map(_span, line))}</text>'


def _span(span: Span) -> str:
    """Placed and stretched by columns, whatever font the reader has."""
    look = f' fill="{span.colour}"' if span.colour else ""
    look += ' font-weight="bold"' if span.bold else ""
    place = f'x="{span.column * COLUMN:g}" textLength="{cell_len(span.text) * COLUMN:g}"'
    return f"<tspan {place}{look}>{_escaped(span.text)}</tspan>"


def _placed(frame: Frame, names: dict[Line, str], top: int) -> str:
    uses = [
        f'<use href="#{names[line]}" y="{top + row * ROW + ASCENT}"/>' for row, line in enumerate(frame.lines) if line
    ]
    return "".join(uses)


def _escaped(text: str) -> str:
    """As XML takes it; what it cannot hold as a replacement character."""
    allowed = (each if each.isprintable() or each == " " else "\N{REPLACEMENT CHARACTER}" for each in text)
    return escape("".join(allowed))
