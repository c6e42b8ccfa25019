"""The pictures of a run's report: `python -m benchmarks.report_picture RUN_DIRECTORY`; needs Chromium.

``report.png`` is the top of the page, and ``map.png`` the map of the instructions by their wording.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.chromium import opened

PICTURE = Path("docs/images/report.png")
MAP = Path("docs/images/map.png")


def main() -> None:
    """Take the pictures."""
    with opened(Path(sys.argv[1]) / "report.html", width=1100) as page:
        page.screenshot(path=PICTURE)
        page.locator("#figure-texts").screenshot(path=MAP)


if __name__ == "__main__":
    main()
