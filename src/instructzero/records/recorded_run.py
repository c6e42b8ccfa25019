"""A run as its directory records it: the one reader of settings, journal and result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.config import Settings
from instructzero.errors import RunDirectoryError
from instructzero.records.directory import RunDirectory
from instructzero.records.history import History
from instructzero.records.journal import Journal
from instructzero.records.shapes import check_header


@dataclass(frozen=True)
class RecordedRun:
    """The settings, the history, and the content of ``result.json`` (None until the run has finished).

    >>> run = RecordedRun.read(Path("runs/antonyms"))  # doctest: +SKIP
    >>> len(run.history.trials)                        # doctest: +SKIP
    165
    """

    directory: RunDirectory
    settings: Settings
    history: History
    result: Mapping[str, Any] | None

    @classmethod
    def read(cls, path: Path) -> RecordedRun:
        """Read the run in ``path`` without changing anything there; another process may be writing it.

        Raises `RunDirectoryError` if there is no run, or a file is damaged.
        """
        directory = RunDirectory(path)
        settings = RunDirectory.read_settings(path)
        result = directory.read_result()  # read first, so that the journal is not older than the result
        history = Journal(directory.journal, repair=False).history
        check_described(directory.journal, history)
        return cls(directory, settings, history, result)

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of the journal: digests of the examples, prompts, identities of the models."""
        return self.history.header or {}


def check_described(journal: Path, history: History) -> None:
    """Raise `RunDirectoryError` if the journal has a header that does not describe a run."""
    try:
        if history != History():
            check_header(history.header or {})
    except ValueError as error:
        raise RunDirectoryError(
            f"expected a header that describes the run in {journal}, got another ({error}); restore the file from a "
            "copy"
        ) from None


def current_result(result: Mapping[str, Any] | None, history: History) -> Mapping[str, Any] | None:
    """Return ``result``, or None if the run has been continued since it was written."""
    if result is None or result["evaluations"] != len(history.trials):
        return None
    test = history.tests.get(result["instruction"])
    return None if test is None or result.get("test_examples", len(test.scores)) != len(test.scores) else result
