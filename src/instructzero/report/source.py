"""What a run directory says, read without changing anything there, also while the run goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from instructzero.build import build_prices, build_task, digests_of
from instructzero.calls.prices import Price
from instructzero.calls.store import Account, CallStore
from instructzero.config import Settings
from instructzero.errors import InstructZeroError, RunDirectoryError
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import History, Journal
from instructzero.records.objective import Objective
from instructzero.tasks import Task
from instructzero.types import Candidate, Evaluation, Trial, Usage

Record = dict[str, Any]
"""A part of the report's data: what JSON can hold."""


@dataclass(frozen=True)
class Source:
    """A run as its directory has it.

    ``result`` is the content of ``result.json``, or None while the run has not ended. ``task`` is None where its
    examples are not at hand; ``missing`` says why. ``accounts`` are what the run's roles have paid.
    """

    name: str
    settings: Settings
    history: History
    result: Mapping[str, Any] | None
    task: Task | None
    missing: str
    accounts: tuple[Account, ...]

    @property
    def header(self) -> Mapping[str, Any]:
        """What the run was bound to: digests of the task's parts, identities of the models."""
        return self.history.header or {}

    @cached_property
    def objective(self) -> Objective:
        return Objective(self.settings.length_penalty)

    @cached_property
    def prices(self) -> Mapping[str, Price | None]:
        return build_prices(self.settings)

    @cached_property
    def known(self) -> dict[str, Evaluation]:
        """The validation results of every instruction, the plain one first, then the user's, then as they came."""
        history = self.history
        references = [history.plain[0].instruction] if history.plain else []
        references += [history.baseline[0]] if history.baseline else []
        known = history.known_evaluations()
        order = dict.fromkeys([*references, *(trial.instruction for trial in history.trials), *known])
        return {text: known[text] for text in order}

    @cached_property
    def candidates(self) -> list[tuple[int, Candidate]]:
        """Everything that was written, paid for or not, with its round."""
        return [(each.number, candidate) for each in self.history.rounds for candidate in each.candidates]

    @cached_property
    def trials_by_round(self) -> dict[int, list[Trial]]:
        """The evaluations of each round that has any, in order."""
        rounds: dict[int, list[Trial]] = {}
        for trial in self.history.trials:
            rounds.setdefault(trial.round, []).append(trial)
        return rounds

    @cached_property
    def validation_examples(self) -> int:
        return max((len(each.scores) for each in self.known.values()), default=0)

    def value(self, text: str) -> float:
        """What the search takes an instruction to be worth: its mean score less the price of its length."""
        return self.objective.value(text, self.known[text])

    def is_complete(self, text: str) -> bool:
        """Whether it was scored on all validation examples."""
        return len(self.known[text].scores) == self.validation_examples

    @cached_property
    def ranked(self) -> list[str]:
        """All instructions: those with complete results first, the best first, the earliest first among equals."""
        order = {text: place for place, text in enumerate(self.known)}
        references = 2 if self.history.baseline else 1  # the last among equals, as when the winner is chosen
        return sorted(
            self.known,
            key=lambda text: (not self.is_complete(text), -self.value(text), order[text] < references, order[text]),
        )

    @property
    def best(self) -> str | None:
        """The winner; while the run goes on, the best so far."""
        if self.result is not None:
            return str(self.result["instruction"])
        return self.ranked[0] if self.ranked else None

    @property
    def references(self) -> dict[str, str]:
        """What the best instruction has to beat, by role."""
        plain, baseline = self.history.plain, self.history.baseline
        found = {"plain": plain[0].instruction} if plain else {}
        return found | ({"baseline": baseline[0]} if baseline else {})

    @property
    def spent(self) -> dict[str, Usage]:
        """What was paid, by role."""
        return {account.role: account.usage for account in self.accounts}


def read_source(directory: Path, task: Task | None = None) -> Source:
    """Read a run's directory; a ``task`` that is not given is loaded as the settings say.

    Raises `RunDirectoryError` where there is no run, or its journal is damaged.
    """
    run, settings = RunDirectory(directory), RunDirectory.read_settings(directory)
    if not run.journal.exists():
        raise RunDirectoryError(f"expected a run that has begun, found no journal in {directory}; run it first")
    history = Journal(run.journal, mend=False).history
    examples, missing = (task, "") if task is not None else load_task(settings, history.header or {})
    result = read_result(directory / "result.json", history)
    return Source(directory.name, settings, history, result, examples, missing, accounts_of(run, settings))


def read_result(path: Path, history: History) -> Mapping[str, Any] | None:
    """The content of ``result.json``, unless the run has gone on since."""
    try:
        result: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fits = result["evaluations"] == len(history.trials) and result["instruction"] in history.tests
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise RunDirectoryError(f"{path} is damaged; delete it and resume the run, which writes it again") from None
    return result if fits else None


def load_task(settings: Settings, header: Mapping[str, Any]) -> tuple[Task | None, str]:
    """The task, if it is still what the run worked on, else why its examples are not shown."""
    try:
        task = build_task(settings)
    except InstructZeroError as error:
        return None, f"The examples are not in the run directory, and could not be loaded: {error}."
    if any(header.get(part) != digest for part, digest in digests_of(task).items()):
        return None, "The examples are not in the run directory, and the task's data have changed since."
    return task, ""


def accounts_of(run: RunDirectory, settings: Settings) -> tuple[Account, ...]:
    """What the call store says of this run; nothing where store or name are gone."""
    path, name = settings.store or run.calls, run.path / "run-id"
    if not (path.exists() and name.exists()):
        return ()
    with CallStore(path) as store:
        return tuple(account for account in store.accounts() if account.run == run.identity)
