"""The report of a run: one HTML file that opens offline and shows the result with its statistical uncertainty.

`source` reads the run directory, `data` collects everything into one plain dict, and `page` renders the file from the
dict. The file embeds the same dict as JSON, and the script of the page draws the figures and tables from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instructzero.tasks import Task


def write_report(directory: Path, *, task: Task | None = None) -> Path:
    """Write ``report.html`` into a run directory and return its path. The run may still be in progress.

    Parameters
    ----------
    directory
        The run directory.
    task
        The task of the run; loaded as the settings say if it is not given.

    Raises
    ------
    RunDirectoryError
        If the directory holds no run, or the file cannot be written.
    """
    from instructzero.records.directory import RunDirectory
    from instructzero.report.data import collect
    from instructzero.report.page import render
    from instructzero.report.source import read_source

    page = render(collect(read_source(directory, task)))
    RunDirectory(directory).write_report(page)
    return RunDirectory(directory).report
