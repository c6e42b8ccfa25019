"""A run that has come to its end, as its directory tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.calls.store import BLACK_BOX
from instructzero.config import Settings
from instructzero.errors import RunDirectoryError
from instructzero.progress import cost_of
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import History, Journal, Record
from instructzero.types import Evaluation, Usage


@dataclass(frozen=True)
class FinishedRun:
    """What was asked for, what happened, and ``record``, the content of ``result.json``.

    >>> run = FinishedRun.read(Path("runs/antonyms"))      # doctest: +SKIP
    >>> run.instruction, run.test.mean                      # doctest: +SKIP
    """

    path: Path
    settings: Settings
    history: History
    record: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> FinishedRun:
        """The run in ``path``; raises `RunDirectoryError` where there is none, or one that is not finished."""
        settings = RunDirectory.read_settings(path)
        record = _read_record(path)
        history = Journal(RunDirectory(path).journal).history
        instruction = record.get("instruction")
        if history.header is None or not {instruction} <= history.tests.keys() & history.known_evaluations().keys():
            raise RunDirectoryError(
                f"expected the test results of the best instruction in {path / 'journal.jsonl'}, got none; restore "
                f"the file from a copy, or continue the run with 'instructzero resume {path}'"
            )
        return cls(path, settings, history, record)

    @property
    def instruction(self) -> str:
        """The best one."""
        return str(self.record["instruction"])

    @property
    def header(self) -> Record:
        """What the journal is bound to: digests of the examples, the metric, identities of the models."""
        return self.history.header or {}

    @property
    def blackbox(self) -> Mapping[str, str]:
        """The identity of the black box."""
        identity: Mapping[str, str] = self.header[BLACK_BOX]
        return identity

    @property
    def validation(self) -> Evaluation:
        """The best instruction on the validation examples."""
        return self.history.known_evaluations()[self.instruction]

    @property
    def confirmation(self) -> Evaluation | None:
        """The best instruction on the confirmation examples, where there are some."""
        return self.history.confirmations.get(self.instruction)

    @property
    def test(self) -> Evaluation:
        """The best instruction on the test examples."""
        return self.history.tests[self.instruction]

    @property
    def usage(self) -> Usage:
        """What the run asked of the black box."""
        return Usage(**self.record["usage"])

    def dollars(self) -> float | None:
        """What the run paid; None where a price is not known."""
        from instructzero.build import build_prices  # loads torch

        spent = {role: Usage(**usage) for role, usage in self.record["spent"].items()}
        return cost_of(spent, build_prices(self.settings))


def _read_record(path: Path) -> dict[str, Any]:
    file = path / "result.json"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(record, dict) and {"instruction", "usage", "spent"} <= record.keys():
            return record
    except FileNotFoundError:
        raise RunDirectoryError(
            f"expected a finished run in {path}, got one without a result.json; finish it with "
            f"'instructzero resume {path}'"
        ) from None
    except OSError as error:
        raise RunDirectoryError(f"cannot read {file}: {error.strerror}; check its permissions") from None
    except ValueError:
        pass
    raise RunDirectoryError(f"{file} is damaged; write it again with 'instructzero resume {path}', which pays nothing")
