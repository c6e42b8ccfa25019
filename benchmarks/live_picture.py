"""The picture of a run in progress: `python -m benchmarks.live_picture docs/images/watch.png`; needs Chromium.

The page of ``instructzero watch`` is photographed once the run has made `EVALUATIONS` evaluations.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.chromium import opened_address

EVALUATIONS = 20
HEIGHT = 640
_SHOWS = f"""() => {{
    const found = /([0-9,]+) evaluations/.exec(document.getElementById("facts")?.textContent ?? "");
    return found !== null && Number(found[1]) >= {EVALUATIONS};
}}"""


def main() -> None:
    """Take the picture."""
    with TemporaryDirectory() as folder:
        run = str(Path(folder) / "antonyms")
        with (
            _program("watch", run) as watching,
            opened_address(str(watching.stdout.readline()).strip(), width=1100, height=HEIGHT) as page,  # type: ignore[union-attr]
            _program("run", "--task", "antonyms", "--out", run, "--quiet"),
        ):
            page.wait_for_function(_SHOWS, timeout=300_000)
            page.screenshot(path=sys.argv[1])


@contextmanager
def _program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command of the package, and end it after the block."""
    command = [sys.executable, "-m", "instructzero", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
