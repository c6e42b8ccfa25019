"""Settings become objects here, and nowhere else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from instructzero.calls.budget import Budget, EndSavings, Limits
from instructzero.calls.prices import LOCAL, Price, price_of
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, CallStore
from instructzero.calls.traffic import Traffic, is_free
from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.models.registry import load_blackbox, load_writer, parse_model
from instructzero.optimizers.registry import (
    Materials,
    build_optimizer,
    check_writer,
    pays_for_texts,
    races,
    stops_early,
)
from instructzero.prompts import demonstrations, few_shot, writer_prompt
from instructzero.protocols import BlackBox, SoftPromptModel
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer, RunPlan
from instructzero.records.result import Result
from instructzero.scoring.evaluator import Evaluator
from instructzero.scoring.judge import JudgeMetric
from instructzero.scoring.scorers import JudgeScorer, LikelihoodScorer, MetricScorer, Scorer
from instructzero.search.finale import Finale
from instructzero.search.loop import Search
from instructzero.search.racing import Race, sixths
from instructzero.search.validation import Validation
from instructzero.tasks import Task, TaskData, load_task_data, split_task
from instructzero.writing.projection import Projection
from instructzero.writing.rewriter import AskingRewriter
from instructzero.writing.writer import Writer

ALPHA = 0.1
"""The probability with which an instruction that would have had a place among the finalists drops out of the race."""


def build_task(settings: Settings) -> Task:
    """Load and split the task as a run does; raises `TaskError`."""
    return split(build_data(settings), settings)


def build_data(settings: Settings) -> TaskData:
    """All examples of the task; raises `TaskError`."""
    return load_task_data(
        settings.task,
        data_dir=settings.data_dir,
        test_source=settings.test_data,
        input_column=settings.input_column,
        output_column=settings.output_column,
        answer_separator=settings.answer_separator,
    )


def split(data: TaskData, settings: Settings) -> Task:
    """Divide the examples into the parts of a run; raises `TaskError` when they are too few."""
    # The paper picks its winner by the validation score alone.
    by_validation = settings.confirmation is None and settings.method == "paper"
    return divide(data, settings, confirmation=0 if by_validation else settings.confirmation)


def divide(data: TaskData, settings: Settings, *, confirmation: int | None) -> Task:
    """Divide the examples; raises `TaskError` when they are too few.

    How many are for confirmation, None for as many as by default, changes nothing in the others.
    """
    return split_task(
        data,
        metric=settings.metric,
        exemplars=settings.exemplars,
        validation=settings.validation,
        test=settings.test,
        confirmation=confirmation,
        seed=settings.seed,
    )


def build_writer_model(settings: Settings) -> SoftPromptModel:
    return load_writer(
        settings.writer,
        device=settings.device,
        dtype=settings.dtype,
        batch_size=settings.batch_size,
        writer_url=settings.writer_url,
    )


def build_blackbox(settings: Settings) -> BlackBox:
    return load_blackbox(
        settings.blackbox,
        base_url=settings.base_url,
        template=settings.blackbox_template,
        device=settings.device,
        dtype=settings.dtype,
        batch_size=settings.batch_size,
        concurrency=settings.concurrency,
        timeout=settings.timeout,
    )


def build_judge(settings: Settings) -> BlackBox | None:
    """The model that grades answers, where the metric is one; raises `ConfigurationError` for half of a judge."""
    if (settings.metric == JUDGE) != (settings.judge is not None):
        raise ConfigurationError(
            "expected --metric judge and --judge MODEL together, got one of them; give both, or neither"
        )
    if settings.judge is None:
        return None
    return load_blackbox(
        settings.judge, device=settings.device, dtype=settings.dtype, concurrency=settings.concurrency,
        timeout=settings.timeout,
    )  # fmt: skip


def build_judging(settings: Settings) -> JudgeMetric:
    """What the judge is asked."""
    return JudgeMetric(settings.judge_criteria, settings.judge_tokens)


def build_models(settings: Settings, blackbox: BlackBox | None = None) -> dict[str, BlackBox]:
    """The models that answer and grade, by role; a black box that is not given is made from the settings."""
    models = {BLACK_BOX: blackbox or build_blackbox(settings)}
    if judge := build_judge(settings):
        models[JUDGE] = judge
    return models


def build_writer(
    settings: Settings, model: SoftPromptModel, task: Task, rewriter: AskingRewriter | None = None
) -> Writer:
    """The writer of a run. Without a ``rewriter``, it makes texts from other texts itself."""
    projection = Projection.draw(
        settings.projection,
        dimension=settings.dimension,
        soft_tokens=settings.soft_tokens,
        hidden_size=model.hidden_size,
        seed=settings.seed,
        embedding_statistics=model.embedding_statistics(),
        scale=settings.soft_scale,
    )
    prompt = writer_prompt(model, task.exemplars, template=settings.writer_template, placement=settings.placement)
    return Writer(model, prompt, projection, settings.instruction_tokens, rewriter)


def execute(
    settings: Settings,
    directory: Path,
    observer: Observer,
    *,
    task: Task | None = None,
    writer_model: SoftPromptModel | None = None,
    blackbox: BlackBox | None = None,
) -> Result:
    """Run, or continue, the search of ``settings`` in ``directory`` and write what it found there.

    What is not given as an object is made from the settings, the quickest to refuse first: data, directory, black box,
    and only then the writer, which may take minutes to load.
    """
    task = task or build_task(settings)
    with RunDirectory.claim(directory, settings) as run:
        models = build_models(settings, blackbox)
        _check_scoring(settings, task, models[BLACK_BOX])
        check_writer(settings)
        _check_search_calls(settings, len(task.validation))
        with CallStore(settings.store or run.calls) as store, ExitStack() as stack:
            budget = build_budget(settings, store, run.identity)
            traffic = Traffic(settings, models, store, budget, run.identity)
            evaluator = stack.enter_context(closing(build_evaluator(settings, task, traffic, observer)))
            rewriter = build_rewriter(settings, traffic, observer)
            if rewriter is not None:
                stack.callback(rewriter.close)
            writer_model = writer_model or build_writer_model(settings)
            journal = Journal(run.journal)
            journal.start(_header(task, writer_model, models))
            observer.run_started(_plan(settings, task))
            writer = build_writer(settings, writer_model, task, rewriter)
            result = build_search(settings, task, writer, evaluator, journal, budget, observer).run()
            sampled = settings.temperature == 0 and getattr(models[BLACK_BOX], "ignores_temperature", False)
            result = replace(result, spent=store.spent(run.identity), sampled=sampled)
            run.write_result(result)
            return result


def _check_scoring(settings: Settings, task: Task, blackbox: BlackBox) -> None:
    """Refuse combinations that would score something else than was asked for."""
    if settings.shots > len(task.exemplars):
        raise ConfigurationError(
            f"expected at most {len(task.exemplars)} shots, because there are no more exemplars, got {settings.shots}; "
            "lower --shots or raise --exemplars"
        )
    if settings.scoring == "generate":
        return
    if not is_free(blackbox):
        raise ConfigurationError(
            "expected a local black box (hf:FOLDER_OR_HUB_ID) for --scoring loglikelihood, got another, which does not "
            "say how likely an answer is; leave --scoring out"
        )
    if settings.metric == JUDGE or settings.similarity in ("exact_match", "f1"):
        raise ConfigurationError(
            "expected answers for a judge or a similarity of predictions, got --scoring loglikelihood, which has none; "
            "leave one of them out"
        )


def _check_search_calls(settings: Settings, examples: int) -> None:
    """Refuse a limit under which nothing would be searched."""
    least = examples + pays_for_texts(settings)
    if settings.search_calls is not None and settings.search_calls < least:
        raise ConfigurationError(
            f"expected at least {least} --search-calls, the most that one evaluation takes, got "
            f"{settings.search_calls}; raise it, or lower --validation"
        )


def build_search(
    settings: Settings,
    task: Task,
    writer: Writer,
    evaluator: Evaluator,
    journal: Journal,
    budget: Budget,
    observer: Observer,
) -> Search:
    objective = Objective(settings.length_penalty)
    finale = Finale(task, evaluator, objective, journal, observer, settings.finalists, settings.baseline)
    race = _race(settings, len(task.validation))
    return Search(
        optimizer=build_optimizer(settings, Materials(writer.represent, demonstrations(task.exemplars))),
        writer=writer,
        validation=Validation(evaluator, task.validation, objective, race, places=finale.contenders),
        objective=objective,
        finale=finale,
        savings=EndSavings(budget, idle=(REWRITER,)),
        journal=journal,
        evaluations=settings.evaluations,
        stop_early=stops_early(settings),
        observer=observer,
        search_calls=settings.search_calls,
    )


def _race(settings: Settings, examples: int) -> Race | None:
    """When instructions drop out, where they race."""
    return Race(examples, sixths(examples), ALPHA) if races(settings) else None


def is_local(spec: str) -> bool:
    """Whether the model of a specification runs here and costs nothing."""
    return parse_model(spec, bare_kind=None).kind in LOCAL


def build_prices(settings: Settings) -> dict[str, Price | None]:
    """What the paid roles cost; None where it is not known."""
    prices: dict[str, Price | None] = {
        BLACK_BOX: price_of(
            settings.blackbox,
            base_url=settings.base_url or _usual_address(settings.blackbox),
            input_price=settings.input_price,
            output_price=settings.output_price,
        )
    }
    if pays_for_texts(settings):
        prices[REWRITER] = prices[BLACK_BOX]
    if settings.judge is not None:
        prices[JUDGE] = price_of(settings.judge, base_url=None, input_price=None, output_price=None)
    return prices


def _usual_address(spec: str) -> str | None:
    """Where the environment sends requests of OpenAI's client, whose list prices may not hold there."""
    return os.environ.get("OPENAI_BASE_URL") if spec.startswith("openai:") else None


def build_budget(settings: Settings, store: CallStore, run: str) -> Budget:
    """What the run may still spend: its limits, and what the store says that it has spent."""
    return Budget(
        Limits(settings.max_calls, settings.max_usd, settings.max_tokens, settings.max_time),
        prices=build_prices(settings),
        spent=store.spent(run),
        on_lost=lambda role, usage: store.record_lost(run, role, usage),
    )


def _plan(settings: Settings, task: Task) -> RunPlan:
    return RunPlan(
        task.name,
        settings.method,
        settings.evaluations,
        len(task.validation),
        len(task.test),
        settings.search_calls,
    )


def build_evaluator(settings: Settings, task: Task, traffic: Traffic, observer: Observer) -> Evaluator:
    """The evaluator of a run; closing it closes all of the traffic."""
    scorer: Scorer = MetricScorer(task.metric)
    if JUDGE in traffic.models:
        scorer = JudgeScorer(build_judging(settings), traffic.answers(JUDGE), observer.judged)
    elif settings.scoring == "loglikelihood":
        scorer = LikelihoodScorer()
    return Evaluator(
        traffic.answers(BLACK_BOX),
        traffic.store,
        scorer,
        render=few_shot(task.exemplars[: settings.shots]),
        max_tokens=settings.answer_tokens,
        temperature=settings.temperature,
        likelihood=settings.scoring == "loglikelihood",
        on_answer=lambda request, completion, cached: observer.answered(completion, cached),
        grace_s=traffic.grace_s,
        loop=traffic.loop,
    )


def build_rewriter(settings: Settings, traffic: Traffic, observer: Observer) -> AskingRewriter | None:
    """The black box as a rewriter, where it is one; to be closed before the evaluator."""
    if not pays_for_texts(settings):
        return None
    return AskingRewriter(
        traffic.answers(REWRITER),
        traffic.loop,
        max_tokens=settings.instruction_tokens,
        on_answer=observer.answered,
        grace_s=traffic.grace_s,
    )


def _header(task: Task, writer_model: SoftPromptModel, models: Mapping[str, BlackBox]) -> dict[str, Any]:
    """What a journal is bound to besides the settings: the data and the models."""
    return {
        "task": task.name,
        "metric": task.metric.name,
        **digests_of(task),
        "writer": dict(writer_model.identity),
        **{role: dict(model.identity) for role, model in models.items()},
    }


def digests_of(task: Task) -> dict[str, str]:
    """What tells the parts of a task from those of another, by part."""
    parts = {"exemplars": task.exemplars, "validation": task.validation, "test": task.test}
    if task.confirmation:
        parts["confirmation"] = task.confirmation
    return {name: _digest([asdict(example) for example in examples]) for name, examples in parts.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
