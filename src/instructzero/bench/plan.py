"""The plan of a bench, which is validated when it is made, and the cells that it consists of."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo, field_validator

from instructzero.config import Count, Settings, make_settings
from instructzero.config.names import check_name
from instructzero.config.validation import Wording, fault_sentence
from instructzero.errors import ConfigurationError, UserError
from instructzero.registry import METHODS

OWN = ("task", "seed", "store", "search_calls")
"""Settings that the bench sets for every cell."""

SHARED_LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute")
"""Limits of the whole bench, divided equally among the workers."""


class Plan(BaseModel):
    """Methods × tasks × models × seeds, and how to run them.

    Parameters
    ----------
    tasks
        Built-in tasks or task files; ``all`` for all built-in ones.
    methods
        Settings by name. A bare name stands for the method of that name, which may be ``python:MODULE:CLASS``.
    models
        Settings of a pair of models by name.
    budgets
        Numbers of calls to the black box at which the incumbent is tested. The search stops at the largest.
    seeds
        The number of seeds.
    settings
        Settings of all cells. Those of a pair of models take precedence over them, and those of a method over both.
    engine
        Where cells run: in processes of this machine, on Ray or on Slurm.
    workers
        The number of cells that run at once. Limits of concurrency, requests and tokens per minute are divided among
        the workers.
    out
        The folder of all results.
    log_to
        Trackers to which every run logs its scores.

    >>> plan = Plan(tasks="antonyms,sum", methods=["uniform", "paper"], budgets=[1000], seeds=2)
    >>> plan.methods["paper"], len(plan.tasks) * len(plan.methods) * plan.seeds
    ({'method': 'paper'}, 8)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[str, ...] = Field(min_length=1)
    methods: dict[str, dict[str, Any]] = Field(min_length=1)
    models: dict[str, dict[str, Any]] = Field(default={"embedded": {}}, min_length=1)
    budgets: tuple[Count, ...] = Field(default=(1000, 3000), min_length=1)
    seeds: Count = 3
    settings: dict[str, Any] = {}
    engine: Literal["processes", "ray", "slurm"] = "processes"
    workers: Count = Field(default_factory=lambda: os.cpu_count() or 1)
    out: Path = Path("runs/bench")
    log_to: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()

    @property
    def is_shared(self) -> bool:
        """True if the common settings let others read the files; False also for a value that is refused later."""
        try:
            return TypeAdapter(bool).validate_python(self.settings.get("share", False))
        except ValidationError:
            return False

    @field_validator("tasks", "budgets", "log_to", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Return one value, or several separated by commas, as a list."""
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return [value] if isinstance(value, int) else value

    @field_validator("methods", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Return names as settings by name. The default of the setting ``method`` is the name."""
        value = cls._listed(value)
        if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
            value = dict.fromkeys(value)
        if not isinstance(value, dict):
            return value
        return {
            name: {"method": name, **(settings or {})} if isinstance(settings, dict | None) else settings
            for name, settings in value.items()
        }

    @field_validator("models", mode="before")
    @classmethod
    def _without_settings(cls, value: object) -> object:
        """Return the pairs with empty settings for those without any."""
        return {name: settings or {} for name, settings in value.items()} if isinstance(value, dict) else value

    @field_validator("budgets")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Return the budgets in ascending order, without repetitions."""
        return tuple(sorted(set(value)))

    @field_validator("tasks", "methods", "models", "out")
    @classmethod
    def _nameable(cls, value: Any) -> Any:
        """Refuse names that no file can have: every name is a part of a path."""
        for name in [value] if isinstance(value, Path) else value:
            try:
                check_name(name)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("tasks", "methods", "models")
    @classmethod
    def _apart(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse two names with the same folder."""
        folders: dict[str, str] = {}
        for name in value:
            other = folders.setdefault(slug(_label(name)), name)
            if other != name or list(value).count(name) > 1:
                raise ValueError(f"expected different names, got {other!r} and {name!r}")
        return value


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One cell to run: its names, the budgets, the settings of its run, its directory, and its trackers."""

    method: str
    task: str
    models: str
    seed: int
    budgets: tuple[int, ...]
    settings: Settings
    folder: Path
    log_to: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} on {self.task}, {self.models}, seed {self.seed}"


def make_plan(values: Mapping[str, Any]) -> Plan:
    """Return the plan of keys and values.

    Without a pair of models, the plan has the pair of the common settings, with the name of its black box.

    Raises
    ------
    ConfigurationError
        With one sentence about the first fault.
    """
    try:
        plan = Plan(**{"models": {_pair(values.get("settings")): {}}, **values})
    except ValidationError as error:
        raise ConfigurationError(fault_sentence(error, _wording(), Plan.model_fields)) from None
    _check_methods(plan.methods)
    for where, settings in _groups(plan):
        for name in OWN:
            if name in settings:
                raise ConfigurationError(f"{where}: expected no {name}, which the bench sets by itself; leave it out")
    return plan


def cells_of(plan: Plan) -> list[CellPlan]:
    """Return all cells; those of one pair of models follow one another, and among them those of one seed and task.

    Raises
    ------
    UserError
        If a setting, task or method does not exist, or a limit is too small to be divided.
    """
    tasks = task_names(plan)
    _check_limits(plan)
    cells = [_cell(plan, *names) for names in product(plan.models, range(plan.seeds), tasks, plan.methods)]
    _check_loads({cell.settings.method for cell in cells})
    for cell in {cell.task: cell for cell in cells}.values():
        _check_task(cell)
    return cells


def task_names(plan: Plan) -> tuple[str, ...]:
    """Return the tasks of the plan; ``all`` stands for the built-in ones, or for those in the benchmark's folder."""
    from instructzero.tasks import builtin_names
    from instructzero.tasks.instruction_induction import benchmark_names

    if plan.tasks != ("all",):
        return plan.tasks
    folder = plan.settings.get("data_dir")
    return builtin_names() if folder is None else benchmark_names(Path(folder))


def slug(name: str) -> str:
    """Return the name of a file or folder for a name."""
    return re.sub(r"[^\w.=×+-]+", "-", name)


def _cell(plan: Plan, models: str, seed: int, task: str, method: str) -> CellPlan:
    """Return one cell of the product."""
    from instructzero.api import resolve_paths
    from instructzero.checks import check_writer_is_named

    label, out = _label(task), plan.out.resolve()
    values = {
        "evaluations": plan.budgets[-1],  # an evaluation takes at least one call, so that the limit of calls decides
        **plan.settings,
        **plan.models[models],
        **plan.methods[method],
        "task": task,
        "search_calls": plan.budgets[-1],
        # Every task has its own seed: with one projection for all, they would be easy or hard together.
        "seed": zlib.crc32(f"{label}/{seed}".encode()),
    }
    values |= {name: values[name] // plan.workers for name in SHARED_LIMITS if type(values.get(name)) is int}
    try:
        given = make_settings(values)
        check_writer_is_named(given, lambda way: f"settings: {json.dumps(way)}")
        settings = resolve_paths(given.model_copy(update={"store": _store(given, out, models, label, seed)}))
    except UserError as error:
        raise ConfigurationError(f"method {method!r} with models {models!r}: {error}") from None
    folder = out / slug(models) / slug(method) / f"{slug(label)}-{seed}"
    return CellPlan(method, label, models, seed, plan.budgets, settings, folder, plan.log_to)


def _store(settings: Settings, out: Path, models: str, label: str, seed: int) -> Path:
    """Return the call store of a cell: that of its task, or of its task and seed.

    All seeds of a task share their answers, unless these are free: cells of one store never run on two machines at
    once, and seeds that only save time by sharing would wait for each other. Older versions had a store for every seed,
    and the cells that they began go on with it, because it holds their accounts.
    """
    of_seed = out / "answers" / f"{slug(models)}-{slug(label)}-{seed}.sqlite"
    if not shares_over_seeds(settings) or of_seed.exists():
        return of_seed
    return out / "answers" / slug(models) / f"{slug(label)}.sqlite"


def shares_over_seeds(settings: Settings) -> bool:
    """Return True if a model that a cell asks in words costs money, so that all seeds of a task share their answers."""
    from instructzero.models.registry import capabilities, is_asked

    asked = [settings.blackbox, settings.judge, settings.writer if is_asked(settings.writer) else None]
    return not all(capabilities(spec).free for spec in asked if spec is not None)


def _pair(settings: object) -> str:
    """Return the name of the pair of models in the settings."""
    named = settings if isinstance(settings, Mapping) else {}
    return str(named.get("blackbox") or named.get("writer") or "embedded").rpartition(":")[2]


def _label(task: str) -> str:
    """Return the label of a task: its name, or that of its file or data set without folder and suffix."""
    from instructzero.tasks import source_name

    return source_name(task)


def _groups(plan: Plan) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield the groups of settings with their places in the plan."""
    yield "settings", plan.settings
    for kind in ("models", "methods"):
        for name, settings in getattr(plan, kind).items():
            yield f"{kind}: {name}", settings


def _check_methods(methods: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a method that is not registered; one of the form ``python:MODULE:CLASS`` is loaded later."""
    for name, settings in methods.items():
        method = str(settings["method"])
        if not method.startswith("python:") and method not in METHODS:
            also = "" if method != name else ", or give it settings with a method"
            raise ConfigurationError(f"{METHODS.unknown(method)}{also}")


def _check_loads(methods: Iterable[str]) -> None:
    """Refuse a method that cannot be loaded, before any cell runs."""
    from instructzero.optimizers.registry import get_method  # imported here, because it loads torch

    for method in sorted(methods):
        get_method(method)


def _check_limits(plan: Plan) -> None:
    """Refuse a limit that is smaller than the number of workers."""
    for where, settings in _groups(plan):
        for name in SHARED_LIMITS:
            value = settings.get(name)
            if isinstance(value, int) and 0 < value < plan.workers:
                raise ConfigurationError(
                    f"{where}: expected {name} of at least {plan.workers}, one for each of the workers that share it, "
                    f"got {value}; raise it or lower --workers"
                )


def _check_task(cell: CellPlan) -> None:
    """Refuse a task with too few examples, and a budget that does not reach for one evaluation on them."""
    from instructzero.build import build_task  # imported here, because it loads torch

    least = len(build_task(cell.settings).validation) + 1  # writing a text may take one more
    if cell.budgets[-1] < least:
        raise ConfigurationError(
            f"expected a largest budget of at least {least} calls, the maximum that one evaluation on {cell.task} "
            f"takes, got {cell.budgets[-1]}; raise --budgets, or lower the setting validation"
        )


def _wording() -> Wording:
    """Return the sentences about the faults of a plan."""
    return Wording(
        unknown="unknown key {name!r} of a bench; {hint}",
        missing="no {name} are named; name them with --{flag} or in the file, {example}",
        invalid="{name} of the bench: {fault}; fix it in the file or with --{flag}",
        otherwise=f"expected one of {', '.join(Plan.model_fields)}",
        examples={"tasks": "such as antonyms,sum, or all", "methods": f"among {', '.join(METHODS.names())}"},
    )
