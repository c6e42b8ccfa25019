"""The directory of a run: settings, name, journal and calls; at its end result, instruction and report."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from instructzero.config import Settings, differences, dump_yaml, load_yaml, make_settings
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.records.result import Result

_BEFORE = {"confirmation": 0, "racing": False, "stop_early": False}
"""What settings that older directories do not name were then."""


class RunDirectory:
    """Where a run keeps what it finds; one process at a time.

    >>> with RunDirectory.claim(Path("runs/demo"), settings) as directory:  # doctest: +SKIP
    ...     journal = Journal(directory.journal)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def settings(self) -> Path:
        return self.path / "settings.yaml"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def calls(self) -> Path:
        return self.path / "calls.sqlite"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def identity(self) -> str:
        """A name for this run that no other has, under which a call store books what it paid."""
        path = self.path / "run-id"
        if not path.exists():
            with _reporting_to(self.path):
                _replace(path, uuid.uuid4().hex + "\n")
        return path.read_text(encoding="utf-8").strip()

    @classmethod
    @contextmanager
    def claim(cls, path: Path, settings: Settings) -> Iterator[RunDirectory]:
        """Make or reopen ``path`` for a run with ``settings`` and hold it until the block ends.

        Raises `RunDirectoryError` when it cannot be written or another process holds it, and
        `ConfigurationError`, naming the differences, when it holds a run with other settings.
        """
        directory = cls(path)
        with _reporting_to(path):
            path.mkdir(parents=True, exist_ok=True)
            lock = (path / "lock").open("a")
        with lock:
            directory._lock(lock.fileno())
            directory._check_settings(settings)
            yield directory

    @classmethod
    def read_settings(cls, path: Path) -> Settings:
        """The settings of the run in ``path``."""
        directory = cls(path)
        if not directory.settings.exists():
            raise RunDirectoryError(
                f"expected a run directory with a settings.yaml, found none in {path}; check the path, "
                f"or start a run with 'instructzero run --out {path}'"
            )
        return make_settings({**_BEFORE, **load_yaml(directory.settings)})

    def write_result(self, result: Result) -> None:
        """``result.json`` for programs and ``instruction.txt`` for people."""
        content = json.dumps(result.to_dict(), indent=2, ensure_ascii=False)
        with _reporting_to(self.path):
            _replace(self.path / "result.json", content + "\n")
            _replace(self.path / "instruction.txt", result.instruction + "\n")

    def write_report(self, page: str) -> None:
        """``report.html``."""
        with _reporting_to(self.path):
            _replace(self.report, page)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunDirectoryError(
                f"{self.path} is in use by another process; wait for it or choose another directory"
            ) from None

    def _check_settings(self, settings: Settings) -> None:
        if self.settings.exists():
            differing = differences(self.read_settings(self.path), settings)
            if differing:
                raise ConfigurationError(
                    f"{self.path} holds a run with other settings ({'; '.join(differing)}); "
                    f"choose another directory with --out, or the same settings to resume"
                )
        elif self.journal.exists():
            raise RunDirectoryError(
                f"{self.path} holds a journal but no settings.yaml; restore it or choose another directory"
            )
        else:
            with _reporting_to(self.path):
                _replace(self.settings, dump_yaml(settings))


def _replace(path: Path, content: str) -> None:
    """Write all of the file or nothing of it."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", errors="replace") as file:  # half a surrogate pair is no character
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def _reporting_to(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write to {path}: {error.strerror}; make room, check the permissions or choose another directory"
        ) from None
