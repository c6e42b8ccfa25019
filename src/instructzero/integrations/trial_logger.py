"""The values of a run that every experiment tracker logs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.records.observers import Observer, RunPlan
from instructzero.types import Evaluation, Trial, Writing

PLAIN_SCORE, SCORE, BEST_SCORE, CALLS = "plain_score", "score", "best_score", "calls"
BEST_INSTRUCTION = "best_instruction"


class TrialLogger(Observer):
    """Logs the score of every trial, the best score so far, and the black-box calls so far; the step is the trial.

    Scores are means over validation examples. The best score is that of an instruction that was scored on all of them,
    the plain one included. For a resumed run, only trials that the tracker does not have yet are logged. Subclasses
    open, write and close a tracker; they are context managers.

    Parameters
    ----------
    settings
        The settings of the run.
    directory
        The run directory.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self._first = 0
        self._examples = 0
        self._calls = 0
        self._best = -1.0

    @abstractmethod
    def open(self) -> int:
        """Open the log of the run, and return the number of the first trial that it does not have yet."""

    @abstractmethod
    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers by name at ``step``."""

    @abstractmethod
    def note(self, name: str, text: str, step: int) -> None:
        """Log a text, which replaces an earlier one of this name."""

    @abstractmethod
    def close(self, *, finished: bool) -> None:
        """Write what is left; ``finished`` is False after an error or an interruption.

        It is called once, also for a run that never started.
        """

    def __enter__(self) -> TrialLogger:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close(finished=kind is None)

    def run_started(self, plan: RunPlan) -> None:
        """Open the log."""
        self._examples = plan.validation
        self._first = self.open()

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        """Log the score of the plain instruction."""
        self._calls += evaluation.usage.calls
        if not self._first:
            self.log({PLAIN_SCORE: evaluation.score}, 0)
        self._consider(writing.instruction, evaluation, 0)

    def trial_finished(self, trial: Trial) -> None:
        """Log a trial that the tracker does not have yet."""
        self._calls += trial.evaluation.usage.calls
        self._consider(trial.instruction, trial.evaluation, trial.number)
        if trial.number >= self._first:
            self.log({SCORE: trial.score, BEST_SCORE: self._best, CALLS: self._calls}, trial.number)

    def _consider(self, instruction: str, evaluation: Evaluation, number: int) -> None:
        if evaluation.is_complete(self._examples) and evaluation.score > self._best:
            self._best = evaluation.score
            if number >= self._first:
                self.note(BEST_INSTRUCTION, instruction, number)


def missing(package: str) -> ConfigurationError:
    """Return the error for a tracker whose package is not installed."""
    return ConfigurationError(
        f"expected the package {package} for --log-to {package}, but it is not installed; "
        f"pip install 'instructzero[{package}]'"
    )
