"""The pictures of a run in the documentation: `python -m benchmarks.screenshots`; needs Chromium, pyte and matplotlib.

A run of the embedded models, as `make run`, and from it ``report.png``, ``run.png`` and ``terminal.svg`` in
``docs/images``. The other pictures there are drawn by the commands beside them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

IMAGES = Path("docs/images")
TASK = "antonyms"


def main() -> None:
    """Draw the pictures."""
    with TemporaryDirectory() as folder:
        run = str(Path(folder) / TASK)
        _call("instructzero", "run", "--task", TASK, "--out", run, "--quiet")
        _call("benchmarks.report_picture", run)
        _call("benchmarks.figure", run, str(IMAGES / "run.png"))
    _call("benchmarks.terminal_recording", str(IMAGES / "terminal.svg"))


def _call(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


if __name__ == "__main__":
    main()
