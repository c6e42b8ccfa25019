"""One cell of a bench: run it, or go on with it, test what it had found at each budget, and keep that."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from instructzero.bench.incumbents import Scored, standing_at, steps_of
from instructzero.bench.plan import CellPlan
from instructzero.bench.results import CELL, TIMING, Cell, Mark, read_cell
from instructzero.build import (
    build_blackbox,
    build_budget,
    build_data,
    build_evaluator,
    build_judge,
    build_models,
    build_prices,
    build_writer_model,
    divide,
    execute,
    is_local,
)
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.calls.traffic import Traffic
from instructzero.config import Settings, differences
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.progress import cost_of
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.finale import best_confirmed
from instructzero.tasks import Task
from instructzero.types import Evaluation, Example, Usage

PATIENCE_S = 30.0
"""Seconds to wait for a process that holds the cell: one that was stopped takes a few to keep its last answers."""

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished cell, and what was paid for it in ``usd`` dollars (None where a price is not known).

    That is less than the cell's usage where another cell had asked the same before, and more by the tests.
    """

    cell: Cell
    paid: Usage
    usd: float | None


class LocalModels:
    """The local models of the last cell, so that the next cell finds them loaded.

    What a run loads is freed with the run, unless somebody else holds it.
    """

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._writer: SoftPromptModel | None = None
        self._others: list[BlackBox | None] = []

    def writer(self, settings: Settings) -> SoftPromptModel:
        """The writer of ``settings``; the local ones among its other models are held beside it."""
        names = ("writer", "writer_url", "blackbox", "judge", "device", "dtype", "batch_size")
        key = tuple(getattr(settings, name) for name in names)
        if self._writer is None or key != self._key:
            self._writer, self._others = None, []  # the old ones go before the new ones come
            self._writer, self._key = build_writer_model(settings), key
            if is_local(settings.blackbox):
                self._others.append(build_blackbox(settings))
            if settings.judge is not None and is_local(settings.judge):
                self._others.append(build_judge(settings))
        return self._writer


def run_cell(plan: CellPlan, models: LocalModels) -> Outcome:
    """The cell of ``plan``: read where it is finished, gone on with where it was begun.

    Stopped at any moment and run again it ends with the same ``cell.json`` and repeats no paid call. Raises what a run
    raises, and `ConfigurationError` where the directory holds a cell of other settings.
    """
    _make_folders(plan)
    with _alone(plan.folder):
        if kept := kept_outcome(plan):
            return kept
        with _timed(plan.folder):
            execute(plan.settings, plan.folder, Observer(), writer_model=models.writer(plan.settings))
            cell = _finish(plan)
        _write(plan.folder / CELL, cell.to_record())
        return _outcome(plan)


def kept_outcome(plan: CellPlan) -> Outcome | None:
    """What is kept of the cell, or None where it has to be run; raises `ConfigurationError` for other settings.

    A cell that was tested at other budgets is run again, which asks nothing but what is new.
    """
    if not (plan.folder / CELL).exists():
        return None
    if RunDirectory(plan.folder).settings.exists():
        differing = differences(RunDirectory.read_settings(plan.folder), plan.settings)
        if differing:
            raise ConfigurationError(
                f"{plan.folder} holds a cell of other settings ({'; '.join(differing)}); name those, or another --out"
            )
    outcome = _outcome(plan)
    return outcome if tuple(mark.budget for mark in outcome.cell.marks) == plan.budgets else None


def _outcome(plan: CellPlan) -> Outcome:
    """The finished cell, and what its run has paid, as the store says; nothing where the store is gone."""
    run, paid = RunDirectory(plan.folder), {}
    path = plan.settings.store or run.calls
    if path.exists():
        with CallStore(path) as store:
            paid = store.spent(run.identity)
    return Outcome(read_cell(plan.folder), sum(paid.values(), Usage()), cost_of(paid, build_prices(plan.settings)))


def _finish(plan: CellPlan) -> Cell:
    """What a run that has come to its end would have returned at each budget, tested."""
    settings, history = plan.settings, Journal(RunDirectory(plan.folder).journal).history
    if history.plain is None:
        raise RuntimeError("a run that has come to its end has scored the plain instruction")
    plain = history.plain[0].instruction, history.plain[1]
    # Here the paper's method is confirmed like all others.
    task = divide(build_data(settings), settings, confirmation=settings.confirmation)
    steps = steps_of(history, plain, len(task.validation), Objective(settings.length_penalty), settings.finalists)
    first, *marks = _marks(plan, task, plain, {budget: standing_at(steps, budget) for budget in plan.budgets})
    return Cell(
        method=plan.method,
        task=plan.task,
        models=plan.models,
        seed=plan.seed,
        curve=tuple((calls, best[0][1].mean) for calls, best in steps[1:]),
        marks=tuple(marks),
        plain=first,
        usage=history.search_usage(),
        usd=cost_of({BLACK_BOX: history.search_usage()}, build_prices(settings)),
        seconds=0.0,
    )


def _marks(plan: CellPlan, task: Task, plain: Scored, finalists: Mapping[int, Sequence[Scored]]) -> Iterator[Mark]:
    """The plain instruction with budget 0, and by budget the winner among its ``finalists``, all tested."""
    settings, objective = plan.settings, Objective(plan.settings.length_penalty)
    with asking(plan.folder, settings, task) as evaluator:
        confirmed: dict[str, Evaluation] = {}
        if task.confirmation:
            finalists = {budget: (*best, plain) for budget, best in finalists.items()}
            confirmed = results_on(task.confirmation, evaluator, (text for text, _ in chain(*finalists.values())))
        winners = {0: plain, **{budget: _winner(best, objective, confirmed) for budget, best in finalists.items()}}
        tests = results_on(task.test, evaluator, (text for text, _ in winners.values()))
    for budget, (text, validation) in winners.items():
        yield Mark(
            budget,
            text,
            validation=validation.mean,
            confirmation=confirmed[text].mean if text in confirmed else None,
            test=tests[text].mean,
            test_scores=tests[text].scores,
        )


def _winner(finalists: Sequence[Scored], objective: Objective, confirmed: Mapping[str, Evaluation]) -> Scored:
    """The best of the ``finalists``, confirmed or not."""
    validation = dict(finalists)
    text = best_confirmed(list(validation), objective, validation, confirmed)
    return text, validation[text]


@contextmanager
def asking(folder: Path, settings: Settings, task: Task) -> Iterator[Evaluator]:
    """What scores instructions after a search: paid by the run in ``folder``, kept in its store like all else."""
    with RunDirectory.claim(folder, settings) as run, CallStore(settings.store or run.calls) as store:
        models = build_models(settings)
        traffic = Traffic(settings, models, store, build_budget(settings, store, run.identity), run.identity)
        with closing(build_evaluator(settings, task, traffic, Observer())) as evaluator:
            yield evaluator


def results_on(examples: Sequence[Example], evaluator: Evaluator, instructions: Iterable[str]) -> dict[str, Evaluation]:
    """The results of each of the instructions on the ``examples``."""
    texts = list(dict.fromkeys(instructions))
    return dict(zip(texts, evaluator.evaluate(texts, examples), strict=True))


def _make_folders(plan: CellPlan) -> None:
    folders = [plan.folder, *([plan.settings.store.parent] if plan.settings.store else [])]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {plan.folder}: {error.strerror}; choose another --out") from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the cell until the block ends; waits a while for another process that does."""
    deadline = time.monotonic() + PATIENCE_S
    with (folder / "cell.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise RunDirectoryError(
                        f"{folder} is in use by another process; wait for it or choose another --out"
                    ) from None
                time.sleep(_POLL_S)
        yield


@contextmanager
def _timed(folder: Path) -> Iterator[None]:
    """Add the seconds of the block to those in ``timing.json``, also where it is interrupted."""
    path = folder / TIMING
    before = json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.exists() else 0.0
    started = time.monotonic()
    try:
        yield
    finally:
        _write(path, {"seconds": round(before + time.monotonic() - started, 3)})


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """Write all of the file or nothing of it."""
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write {path}: {error.strerror}; make room or choose another --out, then run the bench again"
        ) from None
