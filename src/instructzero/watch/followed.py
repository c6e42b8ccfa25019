"""Incremental reading of a run directory while the run is in progress."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from instructzero.config import Settings
from instructzero.errors import InstructZeroError
from instructzero.finished_run import recorded_task
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import JournalReader
from instructzero.records.recorded_run import check_described, current_result
from instructzero.records.wait_file import Wait, read_wait
from instructzero.report.belief import Beliefs
from instructzero.report.data import collect
from instructzero.report.html import Html
from instructzero.report.page import Live, render
from instructzero.report.source import Source, payments_of
from instructzero.tasks import Task
from instructzero.watch.progress import Progress, progress_of


@dataclass(frozen=True, slots=True)
class FileState:
    """The state by which a changed file is recognised: inode, size, and modification time in Unix nanoseconds."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> FileState | None:
        """Return the state of a file, or None if there is no such file."""
        try:
            status = path.stat()
        except OSError:
            return None
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)

    @property
    def age_s(self) -> float:
        """Seconds since the last modification."""
        return max(0.0, time.time() - self.changed_ns / 1e9)


class FollowedRun:
    """A run directory that is read again when its files have changed. Not thread-safe.

    Attributes
    ----------
    progress
        The progress of the run, None until a run has started.
    problem
        A sentence that says what is wrong with the files, empty if nothing is. The other attributes then keep
        their last valid values.
    revision
        The number of changes seen.

    >>> run = FollowedRun(Path("runs/antonyms"))  # doctest: +SKIP
    >>> run.refresh(), run.progress.done           # doctest: +SKIP
    (True, 35)
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.absolute().name
        self.progress: Progress | None = None
        self.problem = ""
        self.revision = 0
        self._run = RunDirectory(directory)
        self._result = directory / "result.json"
        self._reader = JournalReader(self._run.journal)
        self._files: tuple[FileState | None, ...] = ()
        self._settings: tuple[FileState, Settings] | None = None
        self._source: Source | None = None
        self._task: tuple[Task | None, str] | None = None
        self._beliefs: Beliefs = {}
        self._first: tuple[float, float] | None = None
        self._last_s = 0.0

    def refresh(self) -> bool:
        """Read the files if they have changed, and return True if they have."""
        run = self._run
        files = tuple(FileState.of(path) for path in (run.settings, run.journal, self._result))
        if files == self._files:
            return False
        self._files = files
        self.revision += 1
        try:
            self._source = self._read()
            self.progress = None if self._source is None else progress_of(self._source)
            self.problem = ""
        except InstructZeroError as error:
            self.problem = str(error)
        self._note_speed()
        return True

    def _read(self) -> Source | None:
        """Read the run as it is now, without its payments. Returns None if no run has started."""
        settings_file, journal_file, _ = self._files
        before = self._reader.history
        self._reader.read()
        history = self._reader.history
        check_described(self._run.journal, history)
        if history is not before:
            self._task, self._beliefs, self._first = None, {}, None
        if settings_file is None or journal_file is None or history.header is None:
            return None
        if self._settings is None or self._settings[0] != settings_file:
            self._settings = settings_file, RunDirectory.read_settings(self.directory)
            self._task = None  # a continued run may have a longer test
        settings = self._settings[1]
        self._task = self._task or recorded_task(self._run, settings, history.header)
        result = current_result(self._run.read_result(), history)
        return Source(self.name, settings, history, result, *self._task, ())

    def page(self, version: str, progress: Html) -> str:
        """Render the live page of a run that has started."""
        if self._source is None:
            raise RuntimeError("expected a run that has started; call refresh first, and check progress")
        accounts, unread = payments_of(self._run, self._source.settings)
        source = replace(self._source, accounts=accounts, unread=unread)
        return render(collect(source, self._beliefs), Live(version, progress))

    def _note_speed(self) -> None:
        """Record the time and the progress at the first reading, and the time of the latest one."""
        if self.progress is not None:
            self._last_s = time.monotonic()
            self._first = self._first or (self._last_s, self.progress.share)

    @property
    def wait(self) -> Wait | None:
        """The wait of the run for a service, None if it does not wait now."""
        return read_wait(self.directory)

    @property
    def age_s(self) -> float | None:
        """Seconds since the run was started, None if it has not been."""
        return self._files[0].age_s if self._files and self._files[0] else None

    @property
    def quiet_s(self) -> float:
        """Seconds since the last change of the journal."""
        return self._files[1].age_s if self._files and self._files[1] else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left for the search at the observed speed, None if no progress has been observed."""
        if self.progress is None or self._first is None:
            return None
        since_s, share_then = self._first
        gained, left = self.progress.share - share_then, 1 - self.progress.share
        return (self._last_s - since_s) * left / gained if gained > 0 and left > 0 else None
