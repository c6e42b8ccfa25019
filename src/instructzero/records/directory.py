"""The directory of a run: settings, name, journal and calls; after its end also result, instruction and report."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from instructzero.config import Settings, differences, dump_yaml, stored_settings
from instructzero.config.yaml_file import load_yaml
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.files import FileInUse, exclusive_lock, write_atomically
from instructzero.records.result import Result

_RESULT_KEYS = {"instruction", "evaluations", "usage", "spent"}


class RunDirectory:
    """The files of a run, which one process at a time may write.

    >>> with RunDirectory.claim(Path("runs/demo"), settings) as directory:  # doctest: +SKIP
    ...     journal = Journal(directory.journal)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

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

    @property
    def result(self) -> Path:
        """The result of a finished run."""
        return self.path / "result.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def identity(self) -> str:
        """The unique name of this run, under which a call store books its payments; created on first use."""
        path = self.path / "run-id"
        if not path.exists():
            with _explained(self.path):
                write_atomically(path, uuid.uuid4().hex + "\n")
        return path.read_text(encoding="utf-8").strip()

    @classmethod
    @contextmanager
    def claim(cls, path: Path, settings: Settings) -> Iterator[RunDirectory]:
        """Create or reopen ``path`` for a run with ``settings``, and hold it until the block ends.

        Raises
        ------
        RunDirectoryError
            If the directory cannot be written, or another process holds it.
        ConfigurationError
            If it holds a run with other settings; the message names the differences.
        """
        directory = cls(path)
        with ExitStack() as stack:
            try:
                with _explained(path):
                    path.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(exclusive_lock(path / "lock"))
            except FileInUse:
                raise RunDirectoryError(
                    f"{path} is in use by another process; wait for it or choose another directory"
                ) from None
            directory._check_settings(settings)
            yield directory

    @classmethod
    def read_settings(cls, path: Path) -> Settings:
        """Return the settings of the run in ``path``; raises `RunDirectoryError` if there is none."""
        directory = cls(path)
        if not directory.settings.exists():
            raise RunDirectoryError(
                f"expected a run directory with a settings.yaml, found none in {path}; check the path, "
                f"or start a run with 'instructzero run --out {path}'"
            )
        return stored_settings(load_yaml(directory.settings))

    def read_result(self) -> Mapping[str, Any] | None:
        """Return the content of ``result.json``, or None if there is none; raises `RunDirectoryError` for damage."""
        try:
            result = json.loads(self.result.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunDirectoryError(f"cannot read {self.result}: {error.strerror}; check its permissions") from None
        except ValueError:
            result = None
        if not isinstance(result, dict) or not result.keys() >= _RESULT_KEYS:
            raise RunDirectoryError(
                f"{self.result} is damaged; write it again with 'instructzero resume {self.path}', which pays nothing"
            )
        return result

    def write_result(self, result: Result) -> None:
        """Write ``result.json`` for programs and ``instruction.txt`` for people."""
        content = json.dumps(result.to_dict(), indent=2, ensure_ascii=False)
        with _explained(self.path):
            write_atomically(self.result, content + "\n")
            write_atomically(self.path / "instruction.txt", result.instruction + "\n")

    def write_report(self, page: str) -> None:
        """Write ``report.html``."""
        with _explained(self.path):
            write_atomically(self.report, page)

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
            with _explained(self.path):
                write_atomically(self.settings, dump_yaml(settings))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into one sentence about the directory ``path``."""
    try:
        yield
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write to {path}: {error.strerror}; make room, check the permissions or choose another directory"
        ) from None
