"""The picture of a run's report in the README: `python -m benchmarks.report_picture RUN_DIRECTORY`; needs Chromium."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.chromium import opened

PICTURE = Path("docs/images/report.png")


def main() -> None:
    """Take the picture."""
    with opened(Path(sys.argv[1]) / "report.html", width=1100) as page:
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
