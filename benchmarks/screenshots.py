"""The pictures of runs in the documentation: `python -m benchmarks.screenshots`; needs Chromium, pyte and matplotlib.

From a run of the embedded models, as `make run`: ``report.png``, ``map.png``, ``run.png``, ``watch.png`` and
``terminal.svg`` in ``docs/images``; and ``bench.png`` from a small bench. The other pictures there are drawn by the
commands beside them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.chromium import opened

IMAGES = Path("docs/images")
TASK = "antonyms"
BENCH = (
    *("--tasks", "antonyms,sum", "--methods", "instructzero,uniform", "--budgets", "60", "--seeds", "2"),
    *("--set", "validation=8", "--set", "confirmation=8", "--set", "test=20", "--workers", "2"),
)
"""The bench of the page on comparing methods."""


def main() -> None:
    """Draw the pictures."""
    with TemporaryDirectory() as folder:
        run, bench = str(Path(folder) / TASK), Path(folder) / "bench"
        _call("instructzero", "run", "--task", TASK, "--out", run, "--quiet")
        _call("benchmarks.report_picture", run)
        _call("benchmarks.figure", run, str(IMAGES / "run.png"))
        _call("instructzero", "bench", *BENCH, "--out", str(bench), "--quiet")
        with opened(bench / "report.html", width=1100, height=1300) as page:
            page.screenshot(path=IMAGES / "bench.png")
    _call("benchmarks.live_picture", str(IMAGES / "watch.png"))
    _call("benchmarks.terminal_recording", str(IMAGES / "terminal.svg"))


def _call(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


if __name__ == "__main__":
    main()
