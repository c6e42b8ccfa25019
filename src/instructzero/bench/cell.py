"""One cell of a bench: run or continue it, test what it had found at every budget, and store the results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from instructzero.bench.cell_files import held, timed, write_record
from instructzero.bench.cell_progress import reporting
from instructzero.bench.incumbents import Scored, standing_at, steps_of
from instructzero.bench.local_models import LocalModels
from instructzero.bench.plan import CellPlan
from instructzero.bench.results import CELL, Cell, Mark, read_cell
from instructzero.bench.setup.record import record_setup
from instructzero.build import (
    build_budget,
    build_data,
    build_evaluator,
    build_models,
    build_paid_models,
    divide,
)
from instructzero.calls.database import ReadOnly
from instructzero.calls.prices import cost_of
from instructzero.calls.store import BLACK_BOX, WRITER, CallStore
from instructzero.calls.time_limit import limited_time
from instructzero.config import Settings, differences
from instructzero.errors import ConfigurationError, InstructZeroError
from instructzero.execute import execute
from instructzero.files import sharing
from instructzero.integrations.logging import logging_to
from instructzero.pricing import role_prices
from instructzero.records.dates import date_of, on_date
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.report import write_report
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.finale import best_confirmed, references_first
from instructzero.tasks import Task
from instructzero.types import Evaluation, Example, Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished cell, and the usage that was paid for it, in ``usd`` dollars (None if a price is not known).

    It is less than the cell's usage if another cell had asked the same questions before, and includes the tests.
    """

    cell: Cell
    paid: Usage
    usd: float | None


def run_cell(plan: CellPlan, models: LocalModels) -> Outcome:
    """Return the finished cell of ``plan``: read it, continue it, or run it.

    A cell that was stopped at any moment and is run again ends with the same ``cell.json``, and repeats no paid call.
    Raises the errors of a run, and `ConfigurationError` if the directory holds a cell of other settings.
    """
    with sharing(plan.settings.share), held(plan):
        if kept := kept_outcome(plan):
            return kept
        if RunDirectory(plan.folder).journal.exists():  # a run would accept more evaluations, a cell has its budgets
            _check_settings(plan)
        with timed(plan.folder), reporting(plan.folder) as progress:
            with logging_to(plan.log_to, progress, plan.settings, plan.folder) as observer:
                execute(plan.settings, plan.folder, observer, writer_model=models.writer(plan.settings))
            cell = _finish(plan)
        with suppress(InstructZeroError, OSError):  # the page is for readers; the cell is complete without it
            write_report(plan.folder)
        write_record(plan.folder / CELL, cell.to_record())
        return _outcome(plan)


def kept_outcome(plan: CellPlan) -> Outcome | None:
    """Return the stored outcome of the cell, or None if it must be run; raises `ConfigurationError` for other settings.

    A cell that was tested at other budgets is run again; only new questions are asked.
    """
    if not (plan.folder / CELL).exists():
        return None
    _check_settings(plan)
    outcome = _outcome(plan)
    return outcome if tuple(mark.budget for mark in outcome.cell.marks) == plan.budgets else None


def _check_settings(plan: CellPlan) -> None:
    """Raise `ConfigurationError` if the folder holds a cell of other settings."""
    if RunDirectory(plan.folder).settings.exists():
        differing = differences(RunDirectory.read_settings(plan.folder), plan.settings)
        if differing:
            raise ConfigurationError(
                f"{plan.folder} holds a cell of other settings ({'; '.join(differing)}); name those, or another --out"
            )


def _outcome(plan: CellPlan) -> Outcome:
    """Return the finished cell, and the payments of its run from the store; none if the store is missing."""
    run, paid = RunDirectory(plan.folder), {}
    path = plan.settings.store or run.calls
    if path.exists() and (name := run.read_name()):
        with CallStore(ReadOnly(path)) as store:
            paid = store.spent(name)
    return Outcome(read_cell(plan.folder), sum(paid.values(), Usage()), cost_of(paid, role_prices(plan.settings)))


def _finish(plan: CellPlan) -> Cell:
    """Return the tested instructions that the finished run would have returned at every budget."""
    settings, history = plan.settings, Journal(RunDirectory(plan.folder).journal, repair=False).history
    if history.plain is None:
        raise RuntimeError("expected a finished run, which has scored the plain instruction")
    plain = history.plain[0].instruction, history.plain[1]
    # In a bench, the paper's method uses confirmation examples like all other methods.
    task = divide(build_data(settings), settings, confirmation=settings.confirmation)
    record_setup(plan.folder, task)
    steps = steps_of(history, plain, len(task.validation), Objective(settings.length_penalty), settings.finalists)
    first, *marks = _marks(plan, task, plain, {budget: standing_at(steps, budget) for budget in plan.budgets})
    return Cell(
        method=plan.method,
        task=plan.task,
        models=plan.models,
        seed=plan.seed,
        curve=tuple((calls, best[0][1].score) for calls, best in steps[1:]),
        marks=tuple(marks),
        plain=first,
        usage=history.search_usage(),
        usd=cost_of({BLACK_BOX: history.scoring_usage(), WRITER: history.writer_usage()}, role_prices(settings)),
        seconds=0.0,
    )


def _marks(plan: CellPlan, task: Task, plain: Scored, finalists: Mapping[int, Sequence[Scored]]) -> Iterator[Mark]:
    """Yield the tested plain instruction as budget 0, and the tested winner among the ``finalists`` of every budget."""
    settings, objective = plan.settings, Objective(plan.settings.length_penalty)
    with asking(plan.folder, settings, task) as evaluator:
        confirmed: dict[str, Evaluation] = {}
        if task.confirmation:
            finalists = {budget: (*best, plain) for budget, best in finalists.items()}
            confirmed = results_on(task.confirmation, evaluator, (text for text, _ in chain(*finalists.values())))
        winners = {0: plain}
        winners |= {budget: _winner(best, plain[0], objective, confirmed) for budget, best in finalists.items()}
        tests = results_on(task.test, evaluator, (text for text, _ in winners.values()))
    for budget, (text, validation) in winners.items():
        yield Mark(
            budget,
            text,
            validation=validation.score,
            confirmation=confirmed[text].score if text in confirmed else None,
            test=tests[text].score,
            test_scores=tests[text].scores,
        )


def _winner(
    finalists: Sequence[Scored], plain: str, objective: Objective, confirmed: Mapping[str, Evaluation]
) -> Scored:
    """Return the best of the ``finalists``, confirmed or not; of equals, the ``plain`` instruction."""
    validation = dict(finalists)
    text = best_confirmed(references_first(list(validation), plain), objective, validation, confirmed)
    return text, validation[text]


@contextmanager
def asking(folder: Path, settings: Settings, task: Task) -> Iterator[Evaluator]:
    """Give an evaluator for use after a search; its calls are booked to the run in ``folder``, in the run's store."""
    begun = time.monotonic()
    with (
        RunDirectory.claim(folder, settings) as run,
        CallStore(settings.store or run.calls) as store,
        limited_time(folder, settings.max_time, begun, is_finished=True) as limit,
    ):
        date = date_of(Journal(run.journal, repair=False).history.header)
        models = {role: on_date(model, date) for role, model in build_models(settings).items()}
        silent = Observer()
        budget = build_budget(settings, store, run.identity, silent, limit.seconds())
        with (
            build_paid_models(settings, models, store, budget, run.identity, silent.waiting, silent.warned) as paid,
            limit.watched(),
        ):
            yield build_evaluator(settings, task, paid, Observer())


def results_on(examples: Sequence[Example], evaluator: Evaluator, instructions: Iterable[str]) -> dict[str, Evaluation]:
    """Return the results of the instructions on the ``examples``, by instruction."""
    texts = list(dict.fromkeys(instructions))
    return dict(zip(texts, evaluator.evaluate(texts, examples), strict=True))
