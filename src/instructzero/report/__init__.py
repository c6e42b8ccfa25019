"""The report of a run: one HTML file that opens anywhere, offline, and says what was found and how sure that is.

`source` reads the run directory, `data` makes one plain dict of it, and `page` makes the file of the dict. The page's
script draws what can be looked into from the same dict, which the file holds as JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instructzero.tasks import Task


def write_report(directory: Path, *, task: Task | None = None) -> Path:
    """Write ``report.html`` into the directory of a run, ended or not, and return its path.

    ``task`` spares loading it once more. Raises `RunDirectoryError` where there is no run or no room.
    """
    from instructzero.records.directory import RunDirectory
    from instructzero.report.data import collect
    from instructzero.report.page import render
    from instructzero.report.source import read_source

    page = render(collect(read_source(directory, task)))
    RunDirectory(directory).write_report(page)
    return RunDirectory(directory).report
