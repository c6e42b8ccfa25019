"""The frames of a terminal as one animated SVG: text, colours and CSS, without scripts or external resources.

All frames are stacked vertically like those of a film strip, which moves behind a window from one frame to the next.
Without animation, or if the reader prefers reduced motion, the last frame is shown.
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
    """Characters of one style, starting at a column; ``colour`` is ``#rrggbb``, or None for the default colour."""

    column: int
    text: str
    colour: str | None = None
    bold: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The content of the terminal from ``time`` (seconds) on, line by line from the top."""

    time: float
    lines: tuple[Line, ...]


def thinned(frames: Sequence[Frame], gap: float) -> list[Frame]:
    """Return the first frame, and the last frame of every ``gap`` seconds if it differs from the frame before."""
    steps = groupby(frames[1:], key=lambda frame: frame.time // gap)
    chosen = [*frames[:1], *(list(step)[-1] for _, step in steps)]
    return [frame for place, frame in enumerate(chosen) if place == 0 or frame.lines != chosen[place - 1].lines]


def to_svg(
    frames: Sequence[Frame], *, columns: int, rows: int, title: str, speed: float = 1.0, hold: float = 6.0
) -> str:
    """Return an SVG that plays the frames in a loop.

    Args:
        frames: At least one frame, in the order of time.
        columns: The width of the terminal.
        rows: The height of the terminal.
        title: The accessible title.
        speed: The playback speed, relative to the times of the frames.
        hold: Seconds that the last frame is shown before the loop restarts.

    Raises:
        ValueError: Without a frame.
    """
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
    """Return the lines of all frames without repeats."""
    return list(dict.fromkeys(line for frame in frames for line in frame.lines if line))


def _keyframes(shares: Sequence[float], height: int) -> Iterator[str]:
    for number, share in enumerate(shares):
        yield f"{100 * share:.3f}%{{transform:translateY({-height * number}px)}}"
    yield f"to{{transform:translateY({-height * (len(shares) - 1)}px)}}"


def _text(name: str, line: Line) -> str:
    return f'<text id="{name}">{"".join(map(_span, line))}</text>'


def _span(span: Span) -> str:
    """Return a span positioned and stretched by columns, so that the layout does not depend on the reader's font."""
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
    """Escape text for XML, with a replacement character for characters that XML cannot contain."""
    allowed = (letter if letter.isprintable() or letter == " " else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return escape("".join(allowed))
