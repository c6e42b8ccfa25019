"""What every tracker of experiments is told of a run."""

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
    """Logs, by the trial's number, its score, the best score so far, and the black-box calls that scoring took so far.

    Scores are means over validation examples; the best one is of an instruction that was scored on all of them, the
    plain one included. ``directory`` is the run's. A run that is continued is logged on from where the tracker has
    got to. Subclasses are context managers, and say how a tracker opens, takes and closes a run.
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
        """Begin, or go on with, the run's log; returns the number of the first trial that is not in it yet."""

    @abstractmethod
    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers by name at ``step``."""

    @abstractmethod
    def note(self, name: str, text: str, step: int) -> None:
        """Log a text that may change."""

    @abstractmethod
    def close(self, *, finished: bool) -> None:
        """Write what is left; ``finished``: the run came to its end. Called once, also for a run that never began."""

    def __enter__(self) -> TrialLogger:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close(finished=kind is None)

    def run_started(self, plan: RunPlan) -> None:
        self._examples = plan.validation
        self._first = self.open()

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        self._calls += evaluation.usage.calls
        if not self._first:
            self.log({PLAIN_SCORE: evaluation.mean}, 0)
        self._consider(writing.instruction, evaluation, 0)

    def trial_finished(self, trial: Trial) -> None:
        self._calls += trial.evaluation.usage.calls
        self._consider(trial.instruction, trial.evaluation, trial.number)
        if trial.number >= self._first:
            self.log({SCORE: trial.score, BEST_SCORE: self._best, CALLS: self._calls}, trial.number)

    def _consider(self, instruction: str, evaluation: Evaluation, number: int) -> None:
        if len(evaluation.scores) == self._examples and evaluation.mean > self._best:
            self._best = evaluation.mean
            if number >= self._first:
                self.note(BEST_INSTRUCTION, instruction, number)


def missing(package: str) -> ConfigurationError:
    """The error where the package of a tracker is not installed."""
    return ConfigurationError(
        f"expected the package {package} for --log-to {package}, but it is not installed; "
        f"pip install 'instructzero[{package}]'"
    )
