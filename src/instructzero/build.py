"""Settings become objects here, and nowhere else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from instructzero.answers import Answers
from instructzero.budget import Budget, EndSavings, Limits
from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.evaluator import Evaluator
from instructzero.finale import Finale
from instructzero.journal import Journal
from instructzero.judge import JudgeMetric
from instructzero.loop import Search
from instructzero.models.asker import Asker
from instructzero.models.base import BlackBox, SoftPromptModel
from instructzero.models.registry import load_blackbox, load_writer, parse_model
from instructzero.models.throttle import Throttle
from instructzero.objective import Objective
from instructzero.observers import Observer, RunPlan
from instructzero.optimizers import PAPER, REPAIRED, InstructZero, Optimizer, Uniform
from instructzero.prices import LOCAL, Price, price_of
from instructzero.projection import Projection
from instructzero.racing import Race, quarters
from instructzero.result import Result
from instructzero.run_directory import RunDirectory
from instructzero.scoring import JudgeScorer, LikelihoodScorer, MetricScorer, Scorer
from instructzero.store import BLACK_BOX, JUDGE, CallStore
from instructzero.tasks import Task, TaskData, load_task_data, split_task
from instructzero.templates import few_shot, writer_prompt
from instructzero.validation import Validation
from instructzero.writer import Writer

ALPHA = 0.05
"""The probability with which an instruction that would have reached the best one drops out of the race."""


def build_task(settings: Settings) -> Task:
    """Load and split the task; raises `TaskError`."""
    data = load_task_data(
        settings.task,
        data_dir=settings.data_dir,
        test_source=settings.test_data,
        input_column=settings.input_column,
        output_column=settings.output_column,
        answer_separator=settings.answer_separator,
    )
    return split(data, settings)


def split(data: TaskData, settings: Settings) -> Task:
    """Divide the examples into exemplars, validation and test; raises `TaskError` when they are too few."""
    return split_task(
        data,
        metric=settings.metric,
        exemplars=settings.exemplars,
        validation=settings.validation,
        test=settings.test,
        # The paper picks its winner by the validation score alone.
        confirmation=0 if settings.confirmation is None and settings.method == "paper" else settings.confirmation,
        seed=settings.seed,
    )


def build_writer_model(settings: Settings) -> SoftPromptModel:
    return load_writer(settings.writer, device=settings.device, dtype=settings.dtype, batch_size=settings.batch_size)


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


def build_writer(settings: Settings, model: SoftPromptModel, task: Task) -> Writer:
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
    return Writer(model, prompt, projection, settings.instruction_tokens)


def build_optimizer(settings: Settings) -> Optimizer:
    """The method with the parts that are set; raises `ConfigurationError` for a part that the method does not have."""
    parts = settings.parts()
    if settings.method == "uniform":
        batch = parts.pop("batch", 25)
        for name in parts.keys() - {"initial"}:  # of every other method, and harmless here
            raise ConfigurationError(
                f"method 'uniform' has no {name}, got {parts[name]!r}; leave --{name.replace('_', '-')} out"
            )
        return Uniform(dimension=settings.dimension, seed=settings.seed, batch=batch)
    preset = PAPER if settings.method == "paper" else REPAIRED
    return InstructZero(dimension=settings.dimension, seed=settings.seed, options=preset.with_parts(parts))


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
        models = {BLACK_BOX: blackbox or build_blackbox(settings)}
        if judge := build_judge(settings):
            models[JUDGE] = judge
        _check_scoring(settings, task, models[BLACK_BOX])
        with CallStore(settings.store or run.calls) as store:
            budget = build_budget(settings, store, run.identity)
            with closing(build_evaluator(settings, task, models, store, budget, run.identity, observer)) as evaluator:
                writer_model = writer_model or build_writer_model(settings)
                journal = Journal(run.journal)
                journal.start(_header(task, writer_model, models))
                observer.run_started(_plan(settings, task))
                writer = build_writer(settings, writer_model, task)
                result = build_search(settings, task, writer, evaluator, journal, budget, observer).run()
                result = replace(result, spent=store.spent(run.identity))
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
    if not _is_free(blackbox):
        raise ConfigurationError(
            "expected a local black box (hf:FOLDER_OR_HUB_ID) for --scoring loglikelihood, got another, which does not "
            "say how likely an answer is; leave --scoring out"
        )
    if settings.metric == JUDGE or settings.similarity in ("exact_match", "f1"):
        raise ConfigurationError(
            "expected answers for a judge or a similarity of predictions, got --scoring loglikelihood, which has none; "
            "leave one of them out"
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
    return Search(
        optimizer=build_optimizer(settings),
        writer=writer,
        validation=Validation(evaluator, task.validation, objective, _race(settings, len(task.validation))),
        objective=objective,
        finale=Finale(task, evaluator, objective, journal, observer, settings.finalists, settings.baseline),
        savings=EndSavings(budget),
        journal=journal,
        evaluations=settings.evaluations,
        observer=observer,
    )


def _race(settings: Settings, examples: int) -> Race | None:
    """Instructions race by default where the method is free to; the paper scores all of them in full."""
    return Race(examples, quarters(examples), ALPHA) if races(settings) else None


def races(settings: Settings) -> bool:
    """Whether instructions race."""
    return settings.method == "instructzero" if settings.racing is None else settings.racing


def is_local(spec: str) -> bool:
    """Whether the model of a specification runs here and costs nothing."""
    return parse_model(spec, bare_kind=None).kind in LOCAL


def build_prices(settings: Settings) -> dict[str, Price | None]:
    """What the paid roles cost; None where it is not known."""
    prices = {
        BLACK_BOX: price_of(
            settings.blackbox,
            base_url=settings.base_url or _usual_address(settings.blackbox),
            input_price=settings.input_price,
            output_price=settings.output_price,
        )
    }
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
    return RunPlan(task.name, settings.method, settings.evaluations, len(task.validation), len(task.test))


def build_evaluator(
    settings: Settings,
    task: Task,
    models: Mapping[str, BlackBox],
    store: CallStore,
    budget: Budget,
    run: str,
    observer: Observer,
) -> Evaluator:
    """The evaluator of a run: the models by role, each with its own traffic, one store and one budget for all."""

    def answers(role: str, **limits: int | None) -> Answers:
        model = models[role]
        throttle = Throttle(model.concurrency, **limits)
        asker = Asker(
            model, retries=settings.retries, throttle=throttle, reserve=budget.reserve_for(role), seed=settings.seed
        )
        return Answers(asker, store, run=run, role=role, shared=settings.store is not None)

    scorer: Scorer = MetricScorer(task.metric)
    if JUDGE in models:
        scorer = JudgeScorer(JudgeMetric(settings.judge_criteria), answers(JUDGE), observer.judged)
    elif settings.scoring == "loglikelihood":
        scorer = LikelihoodScorer()
    return Evaluator(
        answers(
            BLACK_BOX,
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
        ),
        store,
        scorer,
        render=few_shot(task.exemplars[: settings.shots]),
        max_tokens=settings.answer_tokens,
        temperature=settings.temperature,
        likelihood=settings.scoring == "loglikelihood",
        on_answer=lambda request, completion, cached: observer.answered(completion, cached),
        grace_s=0.0 if _is_free(models[BLACK_BOX]) else 5.0,
    )


def _is_free(blackbox: BlackBox) -> bool:
    """Whether nothing is lost when an answer that is on its way is dropped."""
    return blackbox.identity.get("backend") == "huggingface"


def _header(task: Task, writer_model: SoftPromptModel, models: Mapping[str, BlackBox]) -> dict[str, Any]:
    """What a journal is bound to besides the settings: the data and the models."""
    parts = {"exemplars": task.exemplars, "validation": task.validation, "test": task.test}
    if task.confirmation:
        parts["confirmation"] = task.confirmation
    digests = {name: _digest([asdict(example) for example in examples]) for name, examples in parts.items()}
    return {
        "task": task.name,
        "metric": task.metric.name,
        **digests,
        "writer": dict(writer_model.identity),
        **{role: dict(model.identity) for role, model in models.items()},
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
