"""The recording of a run in the README: `python -m benchmarks.terminal_recording docs/images/terminal.svg`.

The command runs in a terminal of 80 columns and 24 lines, emulated by pyte; the pictures are kept with their times.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte

from benchmarks.animated_terminal import Frame, Line, Span, thinned, to_svg
from benchmarks.machine import describe

COMMAND = "instructzero run --task antonyms"
LONGEST = 20.0  # maximum seconds of the recording; a longer run is played faster
GAP = 0.15  # seconds between two frames in the recording
_REST = 0.03  # seconds of silence after which a picture is complete
_SHOW_CURSOR = b"\x1b[?25h"  # a live display restores the cursor right before it ends
_PALETTE = {
    "black": "#484f58", "red": "#ff7b72", "green": "#3fb950", "brown": "#d29922", "blue": "#58a6ff",
    "magenta": "#bc8cff", "cyan": "#39c5cf", "white": "#b1bac4",
    "brightblack": "#8b949e", "brightred": "#ffa198", "brightgreen": "#56d364", "brightbrown": "#e3b341",
    "brightblue": "#79c0ff", "brightmagenta": "#d2a8ff", "brightcyan": "#56d4dd", "brightwhite": "#f0f6fc",
}  # fmt: skip
_FAINT, _BRIGHT_BLACK = 2, 90


class _Screen(pyte.Screen):
    """A screen that shows faint text in grey, because pyte does not support it."""

    def select_graphic_rendition(self, *attributes: int, **more: bool) -> None:
        extended = bool({38, 48} & set(attributes))  # the numbers after 38 and 48 are parts of a colour
        plain = attributes if extended else [_BRIGHT_BLACK if code == _FAINT else code for code in attributes]
        super().select_graphic_rendition(*plain, **more)


def record(
    command: Sequence[str], *, columns: int = 80, rows: int = 24, shown: str = "", folder: Path, **environment: str
) -> tuple[list[Frame], int]:
    """Run ``command`` in ``folder`` on a terminal; return its pictures and its exit code.

    Args:
        command: The program and its arguments.
        columns: The width of the terminal.
        rows: The height of the terminal.
        shown: Text on the terminal before the command starts.
        folder: The working directory.
        **environment: Variables added to the environment of this process.
    """
    screen = _Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    stream.feed(shown.encode())
    frames = [Frame(0.0, _lines(screen))]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(environment), stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    pending = False
    while True:
        ready = select.select([master], [], [], _REST)[0]
        if ready:
            try:
                data = os.read(master, 65536)
            except OSError:  # Linux raises it when the other side is closed
                data = b""
            last_picture, back, rest = data.partition(_SHOW_CURSOR)
            stream.feed(last_picture)
            if back:
                frames.append(Frame(time.monotonic() - started, _lines(screen)))
            stream.feed(back + rest)
            pending = True
        if pending and not (ready and data):
            frames.append(Frame(time.monotonic() - started, _lines(screen)))
            pending = False
        if ready and not data:
            break
    os.close(master)
    return frames, process.wait()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process, changed to that of an ordinary terminal, with ``more`` variables."""
    own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    return {**own, "TERM": "xterm-256color", **more}


def _lines(screen: pyte.Screen) -> tuple[Line, ...]:
    """Return the content of the screen without trailing blanks and empty lines at the bottom."""
    lines = [_spans(screen, row) for row in range(screen.lines)]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def _spans(screen: pyte.Screen, row: int) -> Line:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    spans = []
    for look, group in groupby(enumerate(cells), key=lambda cell: (_colour(cell[1].fg), cell[1].bold)):
        members = list(group)
        text = "".join(cell.data for _, cell in members)
        if text.strip():
            spans.append(Span(members[0][0] + len(text) - len(text.lstrip()), text.strip(), *look))
    return tuple(spans)


def _colour(name: str) -> str | None:
    return None if name == "default" else _PALETTE.get(name, f"#{name}")


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("svg", type=Path)
    path = parser.parse_args().svg
    program, *arguments = shlex.split(COMMAND)
    with TemporaryDirectory() as folder:
        frames, code = record(
            [str(Path(sys.executable).with_name(program)), *arguments],
            shown=f"\x1b[32m$\x1b[0m {COMMAND}\r\n",
            folder=Path(folder),
        )
    if code:
        raise SystemExit(f"the command failed with exit code {code}:\n{words(frames[-1])}")
    frames = [Frame(0.0, frames[0].lines), *(Frame(frame.time + 1, frame.lines) for frame in frames[1:])]
    speed = max(1.0, frames[-1].time / LONGEST)
    kept = thinned(frames, GAP * speed)
    pace = f", {speed:.2g} times as fast as it was" if speed > 1 else ""
    title = f"{COMMAND}{pace}: it ends with the best instruction, its scores and its cost"
    svg = to_svg(kept, columns=80, rows=24, title=title, speed=speed)
    path.write_text(svg, encoding="utf-8")
    print(f"{frames[-1].time - 1:.0f} s, {len(kept)} frames, {len(svg.encode()) / 1000:.0f} kB on {describe()}")
    print(words(kept[-1]))


def words(frame: Frame) -> str:
    """Return the text of a frame, without styles."""
    lines = []
    for line in frame.lines:
        text = ""
        for span in line:
            text = text.ljust(span.column) + span.text
        lines.append(text)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
