"""Running a search in a run directory, from the beginning or from where it was stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from instructzero.bo.threads import use_all_threads
from instructzero.build import (
    BuildEvaluator,
    build_asking_writer,
    build_budget,
    build_evaluator,
    build_models,
    build_paid_models,
    build_prompts,
    build_rewriter,
    build_search,
    build_task,
    build_template,
    build_writer,
    build_writer_model,
)
from instructzero.calls.database import ReadOnly
from instructzero.calls.open_batches import in_batches, unread_answers
from instructzero.calls.store import BLACK_BOX, WRITER, CallStore
from instructzero.calls.time_limit import limited_time
from instructzero.checks import check_run, prompt_remarks
from instructzero.config import Settings
from instructzero.config.names import check_name
from instructzero.errors import ConfigurationError
from instructzero.optimizers.registry import races
from instructzero.protocols import BlackBox, SoftPromptModel, capabilities_of, listen
from instructzero.records.begun import mark_begun
from instructzero.records.continuation import check_races, check_test
from instructzero.records.dates import date_of, on_date
from instructzero.records.directory import RunDirectory
from instructzero.records.endings import endings_of
from instructzero.records.identity import header_of
from instructzero.records.journal import Journal
from instructzero.records.label_results import LabelResults
from instructzero.records.observers import Observer, RunPlan
from instructzero.records.result import Result
from instructzero.records.wait_file import noting_waits
from instructzero.roles import writer_in_words
from instructzero.tasks import Task
from instructzero.use import Use


def execute(
    settings: Settings,
    directory: Path,
    observer: Observer,
    *,
    task: Task | None = None,
    writer_model: SoftPromptModel | None = None,
    blackbox: BlackBox | None = None,
    asked_writer: BlackBox | None = None,
    overwrite: bool = False,
    begun: float | None = None,
    evaluates: BuildEvaluator = build_evaluator,
) -> Result:
    """Run, or continue, the search of ``settings`` in ``directory``, and write its result there.

    The objects that are not given are made from the settings in the order in which they can be refused quickly: data,
    directory, black box, and only then the writer, which may take minutes to load. With ``overwrite``, a run in the
    directory is begun anew with its stored answers. ``begun`` is the time, by `time.monotonic`, at which the limit of
    time begins to run; by default, it is now. ``evaluates`` builds what scores instructions: by default, one question
    to the black box for every example.

    Raises
    ------
    UserError
        If the settings, the task, a model or the directory cannot be used.
    EndpointError
        If the black box fails.
    BudgetExhausted
        If a limit leaves no room for the final selection or the final test.
    """
    begun = time.monotonic() if begun is None else begun
    check_name(directory)
    use_all_threads()
    task = task or build_task(settings)
    template = build_template(settings, task)
    _check_store(settings.store, RunDirectory(directory))
    with (
        RunDirectory.claim(directory, settings, overwrite=overwrite, answered=_was_answered) as run,
        limited_time(directory, settings.max_time, begun, is_finished=run.read_result() is not None) as limit,
    ):
        mark_begun(run, settings)
        with limit.watched():
            models = build_models(settings, blackbox, asked_writer)
        check_run(settings, task, models[BLACK_BOX])
        journal, finished = Journal(run.journal), run.read_result() is not None
        if run.resized:
            check_test(run.path, task, journal.history)
        check_races(run.path, races(RunDirectory.read_settings(run.path)), races(settings))
        recorded = journal.records
        date = date_of(journal.history.header)
        models = {role: on_date(model, date) for role, model in models.items()}
        path = settings.store or run.calls
        with CallStore(path) as store, noting_waits(run.path, observer) as on_wait:
            budget = build_budget(settings, store, run.identity, observer, limit.seconds())
            if settings.batch_api:
                models = in_batches(
                    models,
                    path,
                    observer.batch_waited,
                    observer.warned,
                    max_wait=settings.max_wait,
                    on_wait=on_wait,
                    time_left=budget.time_left,
                )
            elif unread := unread_answers(path, store):
                observer.warned(
                    f"{unread:,} questions are in batches that were sent; without --batch-api their answers are not "
                    "read, and they are paid again"
                )
            with (
                build_paid_models(settings, models, store, budget, run.identity, on_wait, observer.warned) as paid,
                limit.watched(),
            ):
                rewriter = build_rewriter(settings, paid, observer)
                if WRITER not in models:
                    writer_model = _on_date(settings, writer_model or build_writer_model(settings, on_wait), date)
                prompts = build_prompts(settings, template, writer_model)
                journal.start(header_of(task, writer_model, models, prompts, template.columns), resized=run.resized)
                run.keep(settings)
                evaluator = evaluates(settings, task, paid, observer, journal.history)
                observer.run_started(_plan(settings, task))
                _tell_what_is_learned(models, observer)
                for remark in (*task.remarks, *prompt_remarks(settings, template, task, models[BLACK_BOX])):
                    observer.warned(remark)
                writer = (
                    build_asking_writer(settings, task, paid, rewriter, observer)
                    if writer_model is None
                    else build_writer(settings, writer_model, task, rewriter)
                )
                result = build_search(settings, task, writer, evaluator, journal, budget, observer).run()
                sampled = settings.temperature == 0 and not capabilities_of(models[BLACK_BOX]).temperature
                endings = endings_of(journal.history, task, settings.answer_tokens)
                result = replace(
                    result,
                    spent=store.spent(run.identity),
                    lost=store.lost(run.identity),
                    sampled=sampled,
                    endings=endings,
                    labels=LabelResults()
                    if settings.scoring == "loglikelihood"
                    else LabelResults.of(task, result.best.test),
                    remarks=task.remarks,
                    use=Use(run, settings, template, task.exemplars[: settings.shots], date, blackbox),
                )
                run.write_result(result)
                if finished and journal.records == recorded:
                    observer.was_complete()
                    limit.seconds.forget()
                return result


def _on_date(settings: Settings, writer: SoftPromptModel, date: str) -> SoftPromptModel:
    """Return the writer with a date in its chat template, if it uses the template."""
    return writer if settings.writer_template == "completion" else on_date(writer, date)


def _tell_what_is_learned(models: Mapping[str, BlackBox], observer: Observer) -> None:
    """Pass what a model learns about its service on as a warning that names the role."""
    for role, model in models.items():
        listen(model, partial(_tell, role, observer))


def _tell(role: str, observer: Observer, learned: str) -> None:
    observer.warned(f"the service of the {role} {learned}")


def _check_store(named: Path | None, run: RunDirectory) -> None:
    """Refuse a call store that is another file of a run, or another program's, before anything is written."""
    store = Path(os.path.realpath(named or run.calls))
    folder = RunDirectory(store.parent)
    here = store.parent == Path(os.path.realpath(run.path))
    if store.name != run.calls.name and (folder.owns(store.name) or (here and run.reserves(store.name))):
        raise ConfigurationError(
            f"expected a file of its own for --store, got {named}, which belongs to the run in {store.parent}; "
            "choose another file"
        )
    CallStore(ReadOnly(store)).close()


def _was_answered(run: RunDirectory) -> bool:
    """Return True if a model has answered a question that the run in a directory paid for."""
    path = RunDirectory.read_settings(run.path).store or run.calls
    if not (path.exists() and run.name.exists()):
        return False
    with CallStore(ReadOnly(path)) as store:
        return any(store.has_answers(run.identity, role) for role in store.spent(run.identity))


def _plan(settings: Settings, task: Task) -> RunPlan:
    return RunPlan(
        task.name,
        settings.method,
        settings.evaluations,
        len(task.validation),
        len(task.test),
        settings.search_calls,
        settings.answer_tokens,
        writer_in_words(settings),
    )
