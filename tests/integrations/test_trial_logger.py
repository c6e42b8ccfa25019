"""The values that trackers log: numbers by trial, and only new ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from instructzero.config import make_settings
from instructzero.integrations.trial_logger import TrialLogger
from tests.integrations.runs import EXPECTED, tell


class Notebook(TrialLogger):
    """A tracker in memory that already has the first ``known`` trials."""

    def __init__(self, known: int = 0) -> None:
        super().__init__(make_settings({"task": "words"}), Path("run"))
        self.known = known
        self.numbers: dict[str, list[tuple[int, float]]] = {}
        self.notes: list[tuple[str, str, int]] = []
        self.ends: list[bool] = []

    def open(self) -> int:
        return self.known

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self.numbers.setdefault(name, []).append((step, value))

    def note(self, name: str, text: str, step: int) -> None:
        self.notes.append((name, text, step))

    def close(self, *, finished: bool) -> None:
        self.ends.append(finished)


def test_trials_are_logged_with_best_complete_score() -> None:
    with Notebook() as notebook:
        tell(notebook)
    assert notebook.numbers == EXPECTED
    assert notebook.notes == [("best_instruction", "plain", 0), ("best_instruction", "instruction 1", 1)]
    assert notebook.ends == [True]


def test_resumed_run_logs_only_new_trials() -> None:
    notebook = Notebook(known=2)
    tell(notebook)
    assert notebook.numbers == {name: found[2:] for name, found in EXPECTED.items() if found[2:]}
    assert notebook.notes == []


def test_interrupted_run_closes_tracker_as_unfinished() -> None:
    notebook = Notebook()
    try:
        with notebook:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert notebook.ends == [False]
