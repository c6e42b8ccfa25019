"""The data of a run for its report, read without changing anything, also while the run is in progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from instructzero.calls.database import ReadOnly
from instructzero.calls.ledger import Account
from instructzero.calls.prices import Price
from instructzero.calls.store import CallStore
from instructzero.config import Settings
from instructzero.errors import RunDirectoryError
from instructzero.finished_run import recorded_task
from instructzero.optimizers.registry import recorded_method
from instructzero.pricing import role_prices
from instructzero.records.directory import RunDirectory
from instructzero.records.history import History
from instructzero.records.objective import Objective
from instructzero.records.recorded_run import RecordedRun, current_result
from instructzero.tasks import Task
from instructzero.types import Candidate, Evaluation, Trial, Usage

Record = dict[str, Any]
"""A part of the report's data, as JSON values."""


@dataclass(frozen=True)
class Source:
    """A run as its directory records it.

    Parameters
    ----------
    name
        The name of the directory.
    settings, history
        The settings, and the events so far.
    result
        The content of ``result.json``; None while the run has not finished.
    task
        The task; None if its examples cannot be loaded.
    missing
        The reason why the task is None, as a sentence.
    accounts
        The payments of the run's roles.
    unread
        The reason why the payments are not known, as a sentence; "" if they are.
    """

    name: str
    settings: Settings
    history: History
    result: Mapping[str, Any] | None
    task: Task | None
    missing: str
    accounts: tuple[Account, ...]
    unread: str = ""

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of the journal: digests of the task's parts, prompts, identities of the models."""
        return self.history.header or {}

    @cached_property
    def objective(self) -> Objective:
        """The objective of the search."""
        plain = self.history.plain
        labels = plain[1].outcomes.labels if plain and plain[1].outcomes else ()
        return Objective(self.settings.length_penalty, labels)

    @cached_property
    def prices(self) -> Mapping[str, Price | None]:
        """The price of every paid role; None for a price that is not known."""
        return role_prices(self.settings, recorded_method)

    @cached_property
    def known(self) -> dict[str, Evaluation]:
        """The validation results by instruction: first the plain one, then the user's, then those of the trials."""
        history = self.history
        references = [history.plain[0].instruction] if history.plain else []
        references += [history.baseline[0]] if history.baseline else []
        known = history.known_evaluations()
        order = dict.fromkeys([*references, *(trial.instruction for trial in history.trials), *known])
        return {text: known[text] for text in order}

    @cached_property
    def candidates(self) -> list[tuple[int, Candidate]]:
        """All candidates with the numbers of their rounds, evaluated or not."""
        return [(round_.number, candidate) for round_ in self.history.rounds for candidate in round_.candidates]

    @cached_property
    def trials_by_round(self) -> dict[int, list[Trial]]:
        """The trials by round, in order, for the rounds that have trials."""
        rounds: dict[int, list[Trial]] = {}
        for trial in self.history.trials:
            rounds.setdefault(trial.round, []).append(trial)
        return rounds

    @cached_property
    def validation_examples(self) -> int:
        """The number of validation examples."""
        return self.history.validation_examples

    def value(self, text: str) -> float:
        """Return the value of the objective for an instruction: its mean score minus the penalty for its length."""
        return self.objective.value(text, self.known[text])

    def is_complete(self, text: str) -> bool:
        """Return True if the instruction was scored on all validation examples."""
        return self.known[text].is_complete(self.validation_examples)

    @cached_property
    def ranked(self) -> list[str]:
        """All instructions: those with complete results first, then by value; among equals the earlier one first."""
        order = {text: place for place, text in enumerate(self.known)}
        references = 2 if self.history.baseline else 1  # last among equals, as in the final selection
        return sorted(
            self.known,
            key=lambda text: (not self.is_complete(text), -self.value(text), order[text] < references, order[text]),
        )

    @property
    def best(self) -> str | None:
        """The winner; while the run is in progress, the best instruction so far."""
        if self.result is not None:
            return str(self.result["instruction"])
        return self.ranked[0] if self.ranked else None

    @property
    def references(self) -> dict[str, str]:
        """The instructions that the best one is compared with, by the names of `records.result.REFERENCES`."""
        plain, baseline = self.history.plain, self.history.baseline
        found = {"plain": plain[0].instruction} if plain else {}
        found |= {"baseline": baseline[0]} if baseline else {}
        return found | {role: text for role, text in self._rivals.items() if text not in found.values()}

    @property
    def _rivals(self) -> dict[str, str]:
        """The best of the user's instructions from which the search started, and the best of all others."""
        if self.result is None:
            starts = [text for text in self.ranked if text in self.settings.start]
            return {"start": starts[0]} if starts else {}
        found = {"start": self.result["starts"][0]} if self.result.get("starts") else {}
        found |= {"challenger": self.result["challenger"]} if self.result.get("challenger") else {}
        return {role: str(scored["instruction"]) for role, scored in found.items()}

    @property
    def spent(self) -> dict[str, Usage]:
        """The usage that was paid, by role."""
        return {account.role: account.usage for account in self.accounts}


def read_source(directory: Path, task: Task | None = None) -> Source:
    """Read the directory of a run; a ``task`` that is not given is loaded from the settings.

    Raises `RunDirectoryError` if there is no run, or a file is damaged.
    """
    run = RecordedRun.read(directory)
    if not run.directory.journal.exists():
        raise RunDirectoryError(f"expected a run that has begun, found no journal in {directory}; run it first")
    examples, missing = (task, "") if task is not None else recorded_task(run.directory, run.settings, run.header)
    result = current_result(run.result, run.history)
    payments = payments_of(run.directory, run.settings)
    return Source(directory.name, run.settings, run.history, result, examples, missing, *payments)


def payments_of(run: RunDirectory, settings: Settings) -> tuple[tuple[Account, ...], str]:
    """Return the payments of this run from its call store, and the reason if a shared store cannot be read.

    A report needs nothing else from a shared store, which may be gone or on another machine. There are no payments if
    the store or the run's name is missing. A damaged store in the run's own directory raises `RunDirectoryError`.
    """
    try:
        return _accounts(run, settings), ""
    except (RunDirectoryError, OSError) as error:
        if settings.store is None:
            raise
        return (), f"The payments are not shown, because the call store that the run shares cannot be read: {error}."


def _accounts(run: RunDirectory, settings: Settings) -> tuple[Account, ...]:
    name = run.read_name()
    path = settings.store or run.own_calls()
    if not (name and path.exists()):
        return ()
    with CallStore(ReadOnly(path)) as store:
        return tuple(account for account in store.accounts() if account.run == name)
