"""Settings become objects here, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.evaluator import Evaluator
from instructzero.journal import Journal
from instructzero.loop import Search
from instructzero.models.base import BlackBox, SoftPromptModel
from instructzero.models.registry import load_blackbox, load_writer
from instructzero.observers import Observer, RunPlan
from instructzero.optimizers import PAPER, REPAIRED, InstructZero, Optimizer, Uniform
from instructzero.projection import Projection
from instructzero.result import Result
from instructzero.run_directory import RunDirectory
from instructzero.store import CallStore
from instructzero.tasks import Task, TaskData, load_task_data, split_task
from instructzero.templates import writer_prompt, zero_shot
from instructzero.writer import Writer


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
        max_retries=settings.retries,
    )


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
        blackbox = blackbox or build_blackbox(settings)
        with _evaluator(settings, task, blackbox, run, observer) as evaluator:
            writer_model = writer_model or build_writer_model(settings)
            journal = Journal(run.journal)
            journal.start(_header(task, writer_model, blackbox))
            observer.run_started(_plan(settings, task))
            search = Search(
                task=task,
                optimizer=build_optimizer(settings),
                writer=build_writer(settings, writer_model, task),
                evaluator=evaluator,
                journal=journal,
                evaluations=settings.evaluations,
                observer=observer,
            )
            result = search.run()
            run.write_result(result)
            return result


def _plan(settings: Settings, task: Task) -> RunPlan:
    return RunPlan(task.name, settings.method, settings.evaluations, len(task.validation), len(task.test))


@contextmanager
def _evaluator(
    settings: Settings, task: Task, blackbox: BlackBox, run: RunDirectory, observer: Observer
) -> Iterator[Evaluator]:
    evaluator = Evaluator(
        blackbox,
        CallStore(run.calls),
        task.metric,
        render=zero_shot,
        max_tokens=settings.answer_tokens,
        temperature=settings.temperature,
        on_answer=lambda request, completion, cached: observer.answered(completion, cached),
        grace_s=0.0 if _is_free(blackbox) else 5.0,
    )
    try:
        yield evaluator
    finally:
        evaluator.close()


def _is_free(blackbox: BlackBox) -> bool:
    """Whether nothing is lost when an answer that is on its way is dropped."""
    return blackbox.identity.get("backend") == "huggingface"


def _header(task: Task, writer_model: SoftPromptModel, blackbox: BlackBox) -> dict[str, Any]:
    """What a journal is bound to besides the settings: the data and the models."""
    parts = {"exemplars": task.exemplars, "validation": task.validation, "test": task.test}
    digests = {name: _digest([asdict(example) for example in examples]) for name, examples in parts.items()}
    return {
        "task": task.name,
        "metric": task.metric.name,
        **digests,
        "writer": dict(writer_model.identity),
        "black box": dict(blackbox.identity),
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
