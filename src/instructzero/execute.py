"""Running a search in a run directory, from the beginning or from where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from instructzero.build import (
    build_budget,
    build_evaluator,
    build_models,
    build_paid_models,
    build_prompts,
    build_rewriter,
    build_search,
    build_task,
    build_writer,
    build_writer_model,
)
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.checks import check_run
from instructzero.config import Settings
from instructzero.protocols import BlackBox, SoftPromptModel, capabilities_of
from instructzero.records.dates import date_of, on_date
from instructzero.records.directory import RunDirectory
from instructzero.records.endings import endings_of
from instructzero.records.identity import header_of
from instructzero.records.journal import Journal
from instructzero.records.label_results import LabelResults
from instructzero.records.observers import Observer, RunPlan
from instructzero.records.result import Result
from instructzero.tasks import Task


def execute(
    settings: Settings,
    directory: Path,
    observer: Observer,
    *,
    task: Task | None = None,
    writer_model: SoftPromptModel | None = None,
    blackbox: BlackBox | None = None,
) -> Result:
    """Run, or continue, the search of ``settings`` in ``directory``, and write its result there.

    The objects that are not given are made from the settings in the order in which they can be refused quickly: data,
    directory, black box, and only then the writer, which may take minutes to load.

    Raises
    ------
    UserError
        If the settings, the task, a model or the directory cannot be used.
    EndpointError
        If the black box fails.
    BudgetExhausted
        If a limit leaves no room for the final selection or the final test.
    """
    task = task or build_task(settings)
    with RunDirectory.claim(directory, settings) as run:
        models = build_models(settings, blackbox)
        check_run(settings, task, models[BLACK_BOX])
        journal, finished = Journal(run.journal), run.read_result() is not None
        recorded = journal.records
        date = date_of(journal.history.header)
        models = {role: on_date(model, date) for role, model in models.items()}
        with CallStore(settings.store or run.calls) as store:
            budget = build_budget(settings, store, run.identity)
            with build_paid_models(settings, models, store, budget, run.identity) as paid:
                evaluator = build_evaluator(settings, task, paid, observer, journal.history)
                rewriter = build_rewriter(settings, paid, observer)
                writer_model = writer_model or build_writer_model(settings)
                if settings.writer_template != "completion":
                    writer_model = on_date(writer_model, date)
                journal.start(header_of(task, writer_model, models, build_prompts(settings, writer_model)))
                observer.run_started(_plan(settings, task))
                for remark in task.remarks:
                    observer.warned(remark)
                writer = build_writer(settings, writer_model, task, rewriter)
                result = build_search(settings, task, writer, evaluator, journal, budget, observer).run()
                sampled = settings.temperature == 0 and not capabilities_of(models[BLACK_BOX]).temperature
                endings = endings_of(journal.history, task, settings.answer_tokens)
                result = replace(
                    result,
                    spent=store.spent(run.identity),
                    sampled=sampled,
                    endings=endings,
                    labels=LabelResults()
                    if settings.scoring == "loglikelihood"
                    else LabelResults.of(task, result.best.test),
                    remarks=task.remarks,
                )
                run.write_result(result)
                if finished and journal.records == recorded:
                    observer.was_complete()
                return result


def _plan(settings: Settings, task: Task) -> RunPlan:
    return RunPlan(
        task.name,
        settings.method,
        settings.evaluations,
        len(task.validation),
        len(task.test),
        settings.search_calls,
        settings.answer_tokens,
    )
