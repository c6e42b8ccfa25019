"""A recording as an SVG: the timing of the frames, and the escaping of texts."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.animated_terminal import COLUMN, ROW, Frame, Line, Span, thinned, to_svg

NAMESPACE = "{http://www.w3.org/2000/svg}"
README_PICTURE = Path(__file__).parents[2] / "docs/images/terminal.svg"


def line(text: str, **look: Any) -> Line:
    return (Span(0, text, **look),)


def drawn(frames: list[Frame], **how: Any) -> tuple[ElementTree.Element, str]:
    """Return the SVG of the frames as a tree, and its style sheet."""
    svg = ElementTree.fromstring(to_svg(frames, columns=40, rows=10, title="it", **how))
    style = svg.find(f"{NAMESPACE}style")
    assert style is not None
    return svg, style.text or ""


def shown(svg: ElementTree.Element) -> list[list[str]]:
    """Return the texts of every frame, from the top."""
    texts = {text.get("id"): "".join(text.itertext()) for text in svg.iter(f"{NAMESPACE}text")}
    film = svg.find(f".//{NAMESPACE}g")
    assert film is not None
    found: dict[int, list[str]] = {}
    for use in film:
        found.setdefault(int(use.get("y", "")) // (10 * ROW), []).append(texts[use.get("href", "")[1:]])
    return [found[number] for number in sorted(found)]


def keyframes(style: str) -> dict[float, int]:
    """Return the number of the frame that is shown from a share of the loop on, by that share."""
    film = style[style.index("@keyframes") :]
    steps = re.findall(r"([\d.]+)%\{transform:translateY\((-?\d+)px\)\}", film)
    return {float(share): -int(place) // (10 * ROW) for share, place in steps}


def test_frames_are_shown_at_their_times_and_last_frame_is_held() -> None:
    frames = [Frame(2.0, (line("a"),)), Frame(3.0, (line("a"), line("b"))), Frame(6.0, (line("c"),))]
    svg, style = drawn(frames, speed=2.0, hold=6.0)
    assert "animation:film 8.00s step-end infinite" in style
    assert keyframes(style) == {0.0: 0, 6.25: 1, 25.0: 2}
    assert shown(svg) == [["a"], ["a", "b"], ["c"]]
    assert len(list(svg.iter(f"{NAMESPACE}text"))) == 3  # a line that does not change is stored once


def test_reduced_motion_shows_last_frame() -> None:
    _, style = drawn([Frame(0.0, (line("a"),)), Frame(1.0, (line("b"),))])
    assert f".film{{transform:translateY(-{10 * ROW}px)}}" in style
    before, _, after = style.partition("@media (prefers-reduced-motion:no-preference){")
    assert "animation" not in before
    assert after.startswith(".film{animation:")


def test_single_frame_gives_static_picture() -> None:
    svg, style = drawn([Frame(0.0, (line("a"),))])
    assert (shown(svg), keyframes(style)) == ([["a"]], {0.0: 0})
    with pytest.raises(ValueError, match="at least one frame"):
        to_svg([], columns=1, rows=1, title="")


def test_texts_are_escaped() -> None:
    texts = ['<script>alert(1)</script> & "quoted" \'s', "]]> <!-- -->", "NUL \x00 escape \x1b[31m half \ud800"]
    svg, _ = drawn([Frame(0.0, tuple(map(line, texts)))])
    kept = [re.sub(r"[^ -~]", "\N{REPLACEMENT CHARACTER}", text) for text in texts]
    assert shown(svg) == [kept]
    assert not list(svg.iter(f"{NAMESPACE}script"))


def test_spans_keep_column_width_and_style() -> None:
    spans = (Span(0, "now", "#8b949e"), Span(14, "反义词", bold=True))
    svg, _ = drawn([Frame(0.0, (spans,))])
    first, second = svg.iter(f"{NAMESPACE}tspan")
    assert (first.get("x"), first.get("fill"), first.get("font-weight")) == ("0", "#8b949e", None)
    assert (second.get("x"), second.get("fill"), second.get("font-weight")) == (f"{14 * COLUMN:g}", None, "bold")
    assert [span.get("textLength") for span in (first, second)] == [f"{3 * COLUMN:g}", f"{6 * COLUMN:g}"]


def test_thinned_keeps_first_and_last_of_many_frames() -> None:
    frames = [Frame(number / 10, (line(str(number // 2)),)) for number in range(101)]
    kept = thinned(frames, 0.5)
    assert (kept[0], kept[-1].lines) == (frames[0], frames[-1].lines)
    assert 20 <= len(kept) <= 22
    assert all(one.lines != other.lines and one.time < other.time for one, other in pairwise(kept))
    assert set(kept) <= set(frames)


def test_readme_recording_is_small_and_needs_no_network() -> None:
    content = README_PICTURE.read_text(encoding="utf-8")
    svg = ElementTree.fromstring(content)
    assert len(content.encode()) < 300_000
    assert "http" not in content.replace("http://www.w3.org/2000/svg", "")
    assert not list(svg.iter(f"{NAMESPACE}script"))
    assert all(use.get("href", "").startswith("#") for use in svg.iter(f"{NAMESPACE}use"))
    assert "Report: instructzero report" in "".join(svg.itertext())
