"""The directory of a run: settings, name, journal and calls; after its end also result, instruction and report."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from instructzero.config import Settings, dump_yaml, stored_settings
from instructzero.config.yaml_file import check_storable, load_yaml
from instructzero.errors import InstructZeroError, OtherRun, RunDirectoryError
from instructzero.files import (
    FileInUse,
    check_regular,
    exclusive_lock,
    make_folder,
    open_regular,
    read_text,
    sharing,
    write_atomically,
)
from instructzero.records.continuation import obstacles, resizes
from instructzero.records.journal import Journal, begins_run, holds_results
from instructzero.records.result import Result
from instructzero.records.running_time import NAME as RUNNING_TIME
from instructzero.records.shapes import check_result

_NAME = re.compile("[0-9a-f]{32}")
_WRITTEN = (
    "settings.yaml", "journal.jsonl", "result.json", "instruction.txt", "report.html", "run-id", "waiting.json",
    RUNNING_TIME,
)  # fmt: skip
"""The files that a run replaces or removes."""

_OWN = {
    *_WRITTEN, "calls.sqlite", "lock", "cell.json", "cell.lock", "timing.json", "manual.json", "setup.json",
    "progress.json",
}  # fmt: skip


Answered = Callable[["RunDirectory"], bool]
"""A function that returns True if the call store of the run in a directory has an answer that the run paid for."""


class RunDirectory:
    """The files of a run, which one process at a time may write.

    Attributes
    ----------
    resized
        True if the claimed run is continued with another size of a part of the data.

    >>> with RunDirectory.claim(Path("runs/demo"), settings) as directory:  # doctest: +SKIP
    ...     journal = Journal(directory.journal)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.resized = False

    @property
    def settings(self) -> Path:
        """The settings of the run."""
        return self.path / "settings.yaml"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal.jsonl"

    @property
    def calls(self) -> Path:
        """The call store, unless the run uses a shared one."""
        return self.path / "calls.sqlite"

    def own_calls(self) -> Path:
        """Return the call store; raises `RunDirectoryError` if a link is in the place of one of its files.

        SQLite follows links, and a directory may come from somebody else.
        """
        for file in (self.calls, *self.path.glob(f"{self.calls.name}-*")):
            try:
                check_regular(file)
            except OSError as error:
                raise _unreadable(file, error) from None
        return self.calls

    @property
    def result(self) -> Path:
        """The result of a finished run."""
        return self.path / "result.json"

    @property
    def instruction(self) -> Path:
        """The best instruction of a finished run."""
        return self.path / "instruction.txt"

    @property
    def name(self) -> Path:
        """The unique name of the run."""
        return self.path / "run-id"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def identity(self) -> str:
        """The unique name of this run, under which a call store books its payments; created on first use."""
        if not self.name.exists():
            with _explained(self.path):
                write_atomically(self.name, uuid.uuid4().hex + "\n")
        return self.read_name()

    @classmethod
    @contextmanager
    def claim(
        cls, path: Path, settings: Settings, *, overwrite: bool = False, answered: Answered = lambda run: True
    ) -> Iterator[RunDirectory]:
        """Create or reopen ``path`` for a run with ``settings``, and hold it until the block ends.

        A run to which no model has answered yet takes any settings, and so does one to ``overwrite``. The settings of
        another run, if it can be continued with these, stay in the directory until `keep`.

        Parameters
        ----------
        path
            The directory.
        settings
            The settings that are asked for.
        overwrite
            Begin anew: remove the journal and the results of a run, and keep its call store. The new run has a new
            name, so that its account begins at zero.
        answered
            Tells whether a run was answered whose journal holds no result; by default it was.

        Raises
        ------
        ConfigurationError
            If a setting is too large for the file of the settings.
        RunDirectoryError
            If the directory cannot be written, another process holds it, or it holds other files of these names.
        OtherRun
            If it holds a run that cannot be continued with these settings; the message names the differences.
        """
        directory = cls(path)
        with ExitStack() as stack:
            stack.enter_context(sharing(settings.share))
            check_storable(settings)
            directory._holds_run()  # refuses other files before it creates one
            try:
                with _explained(path):
                    make_folder(path)
                    stack.enter_context(exclusive_lock(path / "lock"))
            except FileInUse:
                raise RunDirectoryError(
                    f"{path} is in use by another process; wait for it or choose another directory"
                ) from None
            directory.own_calls()
            directory._admit(settings, overwrite, answered)
            yield directory

    @classmethod
    def read_settings(cls, path: Path) -> Settings:
        """Return the settings of the run in ``path``; raises `RunDirectoryError` if there is none."""
        directory = cls(path)
        if not os.path.lexists(directory.settings):
            raise RunDirectoryError(
                f"expected a run directory with a settings.yaml, found none in {path}; check the path, "
                f"or start a run with 'instructzero run --out {path}'"
            )
        return stored_settings(load_yaml(directory.settings, open_regular))

    def owns(self, name: str) -> bool:
        """Return True if a file of this name would be one of the run's, in a directory that holds a run.

        Case does not matter, because it does not on some file systems.
        """
        return self.reserves(name) and self._is_ours()

    @staticmethod
    def reserves(name: str) -> bool:
        """Return True if a run writes a file of this name, or could."""
        return name.casefold() in _OWN

    def read_name(self) -> str:
        """Return the unique name of the run, "" if it has none yet; raises `RunDirectoryError` if it is unreadable."""
        try:
            return read_text(self.name).strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self.name, error) from None

    def read_result(self) -> Mapping[str, Any] | None:
        """Return the content of ``result.json``, or None if there is none; raises `RunDirectoryError` for damage."""
        try:
            result: Mapping[str, Any] = json.loads(read_text(self.result))
            check_result(result)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.result, error) from None
        except (ValueError, RecursionError):
            raise RunDirectoryError(
                f"{self.result} is damaged; write it again with 'instructzero resume {self.path}', which pays nothing"
            ) from None
        return result

    def write_result(self, result: Result) -> None:
        """Write ``result.json`` for programs and ``instruction.txt`` for people."""
        content = json.dumps(result.to_dict(), indent=2, ensure_ascii=False)
        with _explained(self.path):
            write_atomically(self.result, content + "\n")
            write_atomically(self.instruction, result.instruction + "\n")

    def write_report(self, page: str) -> None:
        """Write ``report.html``."""
        try:
            write_atomically(self.report, page)
        except OSError as error:
            raise RunDirectoryError(
                f"cannot write {self.report}: {error.strerror}; check the permissions, or name another file with --out"
            ) from None

    def keep(self, settings: Settings) -> None:
        """Make ``settings`` those of the run that is continued."""
        if self.read_settings(self.path) != settings:
            self._write_settings(settings)

    def _admit(self, settings: Settings, overwrite: bool, answered: Answered) -> None:
        """Check or replace the run in the directory; a new run gets its settings here."""
        begun = self._holds_run()
        if begun and not overwrite:
            before = self._stored_settings()
            if holds_results(self.journal) or answered(self):
                self._check_settings(before, settings)
                return
            self._remove(self.journal)  # the name stays, because lost calls may be booked under it
        elif begun:
            self._remove(self.result, self.instruction, self.report, self.journal, self.name, self.path / RUNNING_TIME)
        self._write_settings(settings)

    def _check_settings(self, before: Settings, settings: Settings) -> None:
        found = obstacles(before, settings, self._evaluations)
        if found:
            raise OtherRun(self.path, "; ".join(found))
        self.resized = resizes(before, settings)

    def _evaluations(self) -> int:
        """Return the number of evaluations that were begun."""
        history = Journal(self.journal, repair=False).history
        return len(history.trials) + len(history.pending)

    def _holds_run(self) -> bool:
        """Return True if there is a run, False if there is none; raise `RunDirectoryError` for other files."""
        found = [name for name in _WRITTEN if (self.path / name).exists()]
        if found and not self._is_ours():
            raise RunDirectoryError(
                f"expected a run or no run in {self.path}, got files of other origin that a run would replace "
                f"({', '.join(found)}); choose another directory"
            )
        return self.settings.exists() or self.journal.exists()

    def _stored_settings(self) -> Settings:
        if not self.settings.exists():
            raise RunDirectoryError(
                f"{self.path} holds a journal but no settings.yaml; restore it, choose another directory, or begin "
                "anew in this one with --overwrite"
            )
        return self.read_settings(self.path)

    def _is_ours(self) -> bool:
        """Return True if a run wrote one of the files that only runs write."""
        return begins_run(self.journal) or self._holds_our_name() or self._holds_our_settings()

    def _holds_our_name(self) -> bool:
        try:
            return bool(_NAME.fullmatch(self.read_name()))
        except RunDirectoryError:
            return False

    def _holds_our_settings(self) -> bool:
        """Return True if the settings are written as a run writes them, with every setting."""
        try:
            return read_text(self.settings) == dump_yaml(self.read_settings(self.path))
        except (OSError, ValueError, InstructZeroError):
            return False

    def _write_settings(self, settings: Settings) -> None:
        with _explained(self.path):
            write_atomically(self.settings, dump_yaml(settings))

    def _remove(self, *files: Path) -> None:
        with _explained(self.path):
            for file in files:
                file.unlink(missing_ok=True)


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> RunDirectoryError:
    reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
    return RunDirectoryError(f"cannot read {path}: {reason}; check its permissions, or restore it from a copy")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into one sentence about the directory ``path``."""
    try:
        yield
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write to {path}: {error.strerror}; make room, check the permissions or choose another directory"
        ) from None
