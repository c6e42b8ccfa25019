"""Several onlookers of one run: the display, and trackers of experiments."""

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
"""The trackers by name, which is that of their module here and of their package, and the classes there."""


def make_logger(name: str, settings: Settings, directory: Path) -> TrialLogger:
    """The tracker of this name; raises `ConfigurationError` for an unknown one, or one that is not installed."""
    if name not in TRACKERS:
        raise ConfigurationError(f"expected --log-to {', '.join(TRACKERS)}, got {name!r}; choose one of them")
    logger: type[TrialLogger] = getattr(import_module(f"instructzero.integrations.{name}"), TRACKERS[name])
    return logger(settings, directory)


@contextmanager
def logging_to(names: Sequence[str], display: Observer, settings: Settings, directory: Path) -> Iterator[Observer]:
    """An onlooker that tells ``display`` and the trackers of these names; the display alone where there are none."""
    if not names:
        yield display
        return
    trackers = {name: make_logger(name, settings, directory) for name in dict.fromkeys(names)}
    with FanOut(display, trackers) as observer:
        yield observer


class FanOut(Observer):
    """Tells the display and every tracker; a context manager that closes the trackers.

    A tracker that cannot begin stops the run before anything is paid. One that fails later is dropped with a note, and
    the run goes on: onlookers never change a run. A tracker's own words are kept back, because they may hold a key.
    """

    def __init__(self, display: Observer, trackers: Mapping[str, TrialLogger]) -> None:
        self._display = display
        self._trackers = dict(trackers)

    def __enter__(self) -> FanOut:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._tell_trackers(lambda tracker: tracker.close(finished=kind is None))

    def run_started(self, plan: RunPlan) -> None:
        self._display.run_started(plan)
        for name, tracker in self._trackers.items():
            try:
                tracker.run_started(plan)
            except Exception as error:
                raise ConfigurationError(
                    f"expected {name} to begin a log of this run, but it fails with {type(error).__name__}; check its "
                    f"address and its login, or leave --log-to {name} out"
                ) from None

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        self._display.plain_finished(writing, evaluation)
        self._tell_trackers(lambda tracker: tracker.plain_finished(writing, evaluation))

    def writing_started(self, number: int, proposals: int) -> None:
        self._display.writing_started(number, proposals)

    def writing_finished(self, number: int, writings: list[Writing]) -> None:
        self._display.writing_finished(number, writings)

    def answered(self, completion: Completion, cached: bool) -> None:
        self._display.answered(completion, cached)

    def judged(self, completion: Completion, cached: bool) -> None:
        self._display.judged(completion, cached)

    def trial_finished(self, trial: Trial) -> None:
        self._display.trial_finished(trial)
        self._tell_trackers(lambda tracker: tracker.trial_finished(trial))

    def search_stopped(self, reason: str) -> None:
        self._display.search_stopped(reason)

    def testing_started(self, answers: int) -> None:
        self._display.testing_started(answers)

    def run_finished(self) -> None:
        self._display.run_finished()

    def _tell_trackers(self, tell: Callable[[TrialLogger], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                tell(tracker)
            except Exception as error:
                del self._trackers[name]
                print(
                    f"note: {name} fails with {type(error).__name__}; the run goes on without it, and everything is in "
                    "its journal",
                    file=sys.stderr,
                )
