"""Logging of a run to experiment trackers, beside the display."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.integrations.trial_logger import TrialLogger
from instructzero.records.observers import Observer, RunPlan
from instructzero.types import Completion, Evaluation, Trial, Writing

TRACKERS = {"tensorboard": "TensorBoardLogger", "mlflow": "MlflowLogger", "wandb": "WandbLogger"}
"""The class of each tracker by name; the name is also that of its module here and of its package."""


def make_logger(name: str, settings: Settings, directory: Path) -> TrialLogger:
    """Return the tracker of a name; raise `ConfigurationError` if it is unknown or not installed."""
    if name not in TRACKERS:
        raise ConfigurationError(f"expected --log-to {', '.join(TRACKERS)}, got {name!r}; choose one of them")
    logger: type[TrialLogger] = getattr(import_module(f"instructzero.integrations.{name}"), TRACKERS[name])
    return logger(settings, directory)


@contextmanager
def logging_to(names: Sequence[str], display: Observer, settings: Settings, directory: Path) -> Iterator[Observer]:
    """Yield an observer that passes events to ``display`` and to the trackers; without names, the display itself."""
    if not names:
        yield display
        return
    trackers = {name: make_logger(name, settings, directory) for name in dict.fromkeys(names)}
    with FanOut(display, trackers) as observer:
        yield observer


class FanOut(Observer):
    """Passes events to the display and every tracker; a context manager that closes the trackers.

    A tracker that cannot start stops the run before any paid call. One that fails later is dropped with a warning, and
    the run continues: observers never change a run. The message of a tracker's error is not shown, because it may
    contain a key.
    """

    def __init__(self, display: Observer, trackers: Mapping[str, TrialLogger]) -> None:
        self._display = display
        self._trackers = dict(trackers)

    def __enter__(self) -> FanOut:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._tell_trackers(lambda tracker: tracker.close(finished=kind is None))

    def run_started(self, plan: RunPlan) -> None:
        """Start the display and every tracker; raise `ConfigurationError` if a tracker cannot start."""
        self._display.run_started(plan)
        for name, tracker in self._trackers.items():
            try:
                tracker.run_started(plan)
            except Exception as error:
                raise ConfigurationError(
                    f"expected {name} to start a log of this run, but it failed with {type(error).__name__}; check its "
                    f"address and its login, or leave --log-to {name} out"
                ) from None

    def warned(self, message: str) -> None:
        """Pass a warning on to the display."""
        self._display.warned(message)

    def waiting(self, role: str, seconds: float, reason: str) -> None:
        """Pass a wait for a service on to the display."""
        self._display.waiting(role, seconds, reason)

    def batch_waited(self, role: str, questions: int, done: int, seconds: float) -> None:
        """Pass the progress of a batch on to the display."""
        self._display.batch_waited(role, questions, done, seconds)

    def was_complete(self) -> None:
        """Pass on to the display that the run was finished before."""
        self._display.was_complete()

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        """Pass the score of the plain instruction on."""
        self._display.plain_finished(writing, evaluation)
        self._tell_trackers(lambda tracker: tracker.plain_finished(writing, evaluation))

    def writing_started(self, number: int, proposals: int) -> None:
        """Pass the start of a round on to the display."""
        self._display.writing_started(number, proposals)

    def writing_finished(self, number: int, writings: list[Writing]) -> None:
        """Pass written instructions on to the display."""
        self._display.writing_finished(number, writings)

    def answered(self, completion: Completion, cached: bool) -> None:
        """Pass an answer of the black box on to the display."""
        self._display.answered(completion, cached)

    def judged(self, completion: Completion, cached: bool) -> None:
        """Pass a grade of the judge on to the display."""
        self._display.judged(completion, cached)

    def written(self, completion: Completion, cached: bool) -> None:
        """Pass an answer of a writer behind an API on to the display."""
        self._display.written(completion, cached)

    def trial_finished(self, trial: Trial) -> None:
        """Pass a scored trial on."""
        self._display.trial_finished(trial)
        self._tell_trackers(lambda tracker: tracker.trial_finished(trial))

    def search_stopped(self, reason: str) -> None:
        """Pass the reason of an early stop on to the display."""
        self._display.search_stopped(reason)

    def testing_started(self, answers: int) -> None:
        """Pass the start of the final test on to the display."""
        self._display.testing_started(answers)

    def run_finished(self) -> None:
        """Pass the end of the run on to the display."""
        self._display.run_finished()

    def _tell_trackers(self, tell: Callable[[TrialLogger], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                tell(tracker)
            except Exception as error:
                del self._trackers[name]
                print(
                    f"warning: {name} failed with {type(error).__name__}; the run continues without it; its journal "
                    "is complete",
                    file=sys.stderr,
                )
