"""The report of a run: one HTML file that opens offline and shows the result with its statistical uncertainty.

`source` reads the run directory, `data` collects everything into one plain dict, and `page` renders the file from the
dict. The file embeds the same dict as JSON, and the script of the page draws the figures and tables from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instructzero.tasks import Task


def write_report(directory: Path, *, task: Task | None = None, out: Path | None = None) -> Path:
    """Write the report of a run and return its path. The run may still be in progress.

    The directory may be somebody else's: nothing that its settings name is run, and no other file there is written.

    Parameters
    ----------
    directory
        The run directory.
    task
        The task of the run; loaded as the settings say if it is not given.
    out
        The file to write; by default ``report.html`` in the directory.

    Raises
    ------
    RunDirectoryError
        If the directory holds no run, or the file cannot be written.
    ConfigurationError
        If ``out`` belongs to a run or to a call store, or the page in the directory shows the examples of the run and
        the new one could not, because they are not found.
    """
    from instructzero.exports.targets import target_file
    from instructzero.files import sharing
    from instructzero.records.directory import RunDirectory
    from instructzero.report.data import collect
    from instructzero.report.earlier import check_replaceable
    from instructzero.report.page import render
    from instructzero.report.source import read_source

    source = read_source(directory, task)
    if out is None and source.task is None:
        check_replaceable(RunDirectory(directory).report, source.missing)
    page = render(collect(source))
    with sharing(source.settings.share):
        if out is None:
            RunDirectory(directory).write_report(page)
        else:
            with target_file(out) as file:
                file.write(page.encode("utf-8", errors="replace"))
    return out or RunDirectory(directory).report
