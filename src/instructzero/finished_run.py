"""A finished run, read from its directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.calls.prices import cost_of
from instructzero.calls.store import BLACK_BOX
from instructzero.config import Settings
from instructzero.errors import InstructZeroError, RunDirectoryError
from instructzero.records.begun import is_begun_here
from instructzero.records.directory import RunDirectory
from instructzero.records.history import History
from instructzero.records.identity import PARTS, holds_parts
from instructzero.records.recorded_run import RecordedRun
from instructzero.tasks import Task, builtin_names, is_task_file
from instructzero.tasks.custom import unloaded_function
from instructzero.tasks.loading import is_dataset
from instructzero.types import Evaluation, Usage


def recorded_task(
    run: RunDirectory, settings: Settings, header: Mapping[str, Any], parts: Sequence[str] = PARTS
) -> tuple[Task | None, str]:
    """Return the task of a run for reading: its examples, and a metric that is not imported if it is code.

    Returns None, and the reason as a sentence, if the examples cannot be loaded, or their ``parts`` are others than the
    run had. A data set of the library ``datasets``, which may be on the network, is loaded only for a run that was
    begun on this machine.
    """
    from instructzero.build import build_data, divide  # loads torch

    if _is_of_datasets(settings) and not is_begun_here(run, settings):
        return None, (
            "The examples are not in the run directory, and this run was not begun on this machine: a data set that "
            "may be on the network is not loaded for it."
        )
    confirmation = settings.confirmation if "confirmation" in header else 0
    try:
        task = divide(build_data(settings), settings, confirmation=confirmation, load=unloaded_function)
    except InstructZeroError as error:
        if given_in_python(settings):
            return None, "The examples are not in the run directory, because they were given in Python, not as a file."
        return None, f"The examples are not in the run directory, and could not be loaded: {error}."
    if not holds_parts(task, header, parts):
        return None, "The examples are not in the run directory, and the task's data have changed since."
    return task, ""


def given_in_python(settings: Settings) -> bool:
    """Return True if the task is the name of rows or of a `Task`: neither of the package nor a file or a data set."""
    named = is_task_file(settings.task) or is_dataset(settings.task) or settings.task in builtin_names()
    return settings.data_dir is None and not named


def _is_of_datasets(settings: Settings) -> bool:
    return any(source is not None and is_dataset(source) for source in (settings.task, settings.test_data))


@dataclass(frozen=True)
class FinishedRun:
    """The settings and the history of a run, and ``record``, the content of its ``result.json``.

    >>> run = FinishedRun.read(Path("runs/antonyms"))      # doctest: +SKIP
    >>> run.instruction, run.test.mean                      # doctest: +SKIP
    """

    path: Path
    settings: Settings
    history: History
    record: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> FinishedRun:
        """Read the run in ``path``; raises `RunDirectoryError` if there is none, or it has not finished."""
        run = RecordedRun.read(path)
        if run.result is None:
            raise RunDirectoryError(
                f"expected a finished run in {path}, got one without a result.json; finish it with "
                f"'instructzero resume {path}'"
            )
        tested = run.history.tests.keys() & run.history.known_evaluations().keys()
        if run.history.header is None or run.result["instruction"] not in tested:
            if run.history.past_headers:
                raise RunDirectoryError(
                    f"expected a finished run in {path}, got one that is being continued and is not tested on its new "
                    f"test examples yet; finish it with 'instructzero resume {path}'"
                )
            raise RunDirectoryError(
                f"expected the test results of the best instruction in {path / 'journal.jsonl'}, got none; restore "
                f"the file from a copy, or continue the run with 'instructzero resume {path}'"
            )
        return cls(path, run.settings, run.history, run.result)

    @property
    def instruction(self) -> str:
        """The best instruction."""
        return str(self.record["instruction"])

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of the journal: digests of the examples, prompts, the metric, identities of the models."""
        return self.history.header or {}

    @property
    def blackbox(self) -> Mapping[str, str]:
        """The identity of the black box."""
        identity: Mapping[str, str] = self.header[BLACK_BOX]
        return identity

    @property
    def validation(self) -> Evaluation:
        """The best instruction's results on the validation examples."""
        return self.history.known_evaluations()[self.instruction]

    @property
    def confirmation(self) -> Evaluation | None:
        """The best instruction's results on the confirmation examples, if there are any."""
        return self.history.confirmations.get(self.instruction)

    @property
    def test(self) -> Evaluation:
        """The best instruction's results on the test examples."""
        return self.history.tests[self.instruction]

    @property
    def usage(self) -> Usage:
        """The usage of the black box by the run."""
        return Usage(**self.record["usage"])

    def dollars(self) -> float | None:
        """Return the dollars that the run has paid; None if a price is not known."""
        from instructzero.optimizers.registry import recorded_method
        from instructzero.pricing import role_prices  # loads torch

        spent = {role: Usage(**usage) for role, usage in self.record["spent"].items()}
        return cost_of(spent, role_prices(self.settings, recorded_method))
