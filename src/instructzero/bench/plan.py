"""What a bench is to run: a plan that checks itself, and the cells that it consists of."""

from __future__ import annotations

import difflib
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from instructzero.config import Count, Settings, make_settings
from instructzero.errors import ConfigurationError, UserError

METHODS: tuple[str, ...] = get_args(Settings.model_fields["method"].annotation)
"""The methods that a run knows."""

OWN = ("task", "seed", "store", "search_calls")
"""Settings that the bench decides for each cell."""

SHARED_LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute")
"""Settings that hold for the whole bench: every worker gets an equal part of them."""

_HINTS = {"tasks": "such as antonyms,sum, or all", "methods": f"among {', '.join(METHODS)}"}


class Plan(BaseModel):
    """Methods × tasks × models × seeds, and how to run them.

    ``methods`` and ``models`` are settings by name; a bare name among the methods is the method itself. ``budgets`` are
    calls to the black box at which the incumbent is tested; the search stops at the largest. ``settings`` are common to
    all; those of a pair of models win over them, and those of a method over both. ``workers`` is how many cells run at
    once; limits of concurrency, requests and tokens a minute are divided among them. ``out`` keeps everything.

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

    @field_validator("tasks", "budgets", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """One value, or several between commas, as a list."""
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return [value] if isinstance(value, int) else value

    @field_validator("methods", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Names as settings by name; what has settings and no method is the method of its name."""
        value = cls._listed(value)
        if isinstance(value, list | tuple):
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
        """A pair of models without settings is the default one."""
        return {name: settings or {} for name, settings in value.items()} if isinstance(value, dict) else value

    @field_validator("budgets")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    @field_validator("tasks", "methods", "models")
    @classmethod
    def _apart(cls, value: Any, info: ValidationInfo) -> Any:
        """Every name has a folder of its own."""
        folders: dict[str, str] = {}
        for name in value:
            other = folders.setdefault(slug(_label(name)), name)
            if other != name or list(value).count(name) > 1:
                raise ValueError(f"expected different names, got {other!r} and {name!r}")
        return value


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One cell to run: its names, the budgets, the settings of its run, and the run's directory."""

    method: str
    task: str
    models: str
    seed: int
    budgets: tuple[int, ...]
    settings: Settings
    folder: Path

    def __str__(self) -> str:
        return f"{self.method} on {self.task}, {self.models}, seed {self.seed}"


def make_plan(values: Mapping[str, Any]) -> Plan:
    """A plan from keys and values; raises `ConfigurationError` with one sentence about the first fault.

    Where no pair of models is named, it is the common settings', called by its black box.
    """
    try:
        plan = Plan(**{"models": {_pair(values.get("settings")): {}}, **values})
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from None
    _check_methods(plan.methods)
    for where, settings in _groups(plan):
        for name in OWN:
            if name in settings:
                raise ConfigurationError(f"{where}: expected no {name}, which the bench sets by itself; leave it out")
    return plan


def cells_of(plan: Plan) -> list[CellPlan]:
    """All cells, those that share their answers one after the other.

    Raises `UserError` for unknown settings and tasks, and for limits too small to be divided.
    """
    tasks = task_names(plan)
    _check_limits(plan)
    cells = [_cell(plan, *each) for each in product(plan.models, range(plan.seeds), tasks, plan.methods)]
    for cell in {cell.task: cell for cell in cells}.values():
        _check_task(cell)
    return cells


def task_names(plan: Plan) -> tuple[str, ...]:
    """The tasks of the plan, where ``all`` stands for the built-in ones, or those of the benchmark's folder."""
    from instructzero.tasks import builtin_names
    from instructzero.tasks.instruction_induction import benchmark_names

    if plan.tasks != ("all",):
        return plan.tasks
    folder = plan.settings.get("data_dir")
    return builtin_names() if folder is None else benchmark_names(Path(folder))


def slug(name: str) -> str:
    """The name as that of a file or folder."""
    return re.sub(r"[^\w.=×+-]+", "-", name)


def _cell(plan: Plan, models: str, seed: int, task: str, method: str) -> CellPlan:
    from instructzero.api import resolve_paths

    label, out = _label(task), plan.out.resolve()
    values = {
        "evaluations": plan.budgets[-1],  # at least a call each, so that the calls decide
        **plan.settings,
        **plan.models[models],
        **plan.methods[method],
        "task": task,
        "search_calls": plan.budgets[-1],
        # A seed of its own for every task: with one projection for all they would be easy or hard together.
        "seed": zlib.crc32(f"{label}/{seed}".encode()),
        "store": out / "answers" / f"{slug(models)}-{slug(label)}-{seed}.sqlite",
    }
    values |= {name: values[name] // plan.workers for name in SHARED_LIMITS if values.get(name) is not None}
    try:
        settings = resolve_paths(make_settings(values))
    except UserError as error:
        raise ConfigurationError(f"method {method!r} with models {models!r}: {error}") from None
    folder = out / slug(models) / slug(method) / f"{slug(label)}-{seed}"
    return CellPlan(method, label, models, seed, plan.budgets, settings, folder)


def _pair(settings: object) -> str:
    """What to call the models of the settings."""
    named = settings if isinstance(settings, Mapping) else {}
    return str(named.get("blackbox") or named.get("writer") or "embedded").rpartition(":")[2]


def _label(task: str) -> str:
    """What a task is called: its name, or its file's without folder and suffix."""
    return Path(task).stem if "/" in task or "\\" in task or Path(task).is_file() else task


def _groups(plan: Plan) -> Iterable[tuple[str, Mapping[str, Any]]]:
    yield "settings", plan.settings
    for kind in ("models", "methods"):
        for name, settings in getattr(plan, kind).items():
            yield f"{kind}: {name}", settings


def _check_methods(methods: Mapping[str, Mapping[str, Any]]) -> None:
    for name, settings in methods.items():
        if settings["method"] not in METHODS:
            near = difflib.get_close_matches(str(settings["method"]), METHODS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(METHODS)}"
            also = "" if settings["method"] != name else ", or give it settings with a method"
            raise ConfigurationError(f"unknown method {settings['method']!r}; {hint}{also}")


def _check_limits(plan: Plan) -> None:
    """Every worker needs a part of each limit."""
    for where, settings in _groups(plan):
        for name in SHARED_LIMITS:
            value = settings.get(name)
            if isinstance(value, int) and 0 < value < plan.workers:
                raise ConfigurationError(
                    f"{where}: expected {name} of at least {plan.workers}, one for each of the workers that share it, "
                    f"got {value}; raise it or lower --workers"
                )


def _check_task(cell: CellPlan) -> None:
    """There are enough examples, and calls for at least one evaluation on them."""
    from instructzero.build import build_task  # here, because it loads torch

    least = len(build_task(cell.settings).validation) + 1  # to have a text written may take one more
    if cell.budgets[-1] < least:
        raise ConfigurationError(
            f"expected a largest budget of at least {least} calls, the most that one evaluation on {cell.task} takes, "
            f"got {cell.budgets[-1]}; raise --budgets, or lower the setting validation"
        )


def _sentence(error: ValidationError) -> str:
    """What was expected, what came and the mend, for the first of the faults."""
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Plan.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(Plan.model_fields)}"
        return f"unknown key {name!r} of a bench; {hint}"
    if fault["type"] in ("missing", "too_short"):
        return f"no {name} are named; name them with --{name} or in the file, {_HINTS.get(name, 'at least one')}"
    expected = fault["msg"].removeprefix("Value error, ")
    expected = expected[0].lower() + expected[1:]
    came = "" if fault["type"] == "value_error" else f", got {fault['input']!r}"
    return f"{name} of the bench: {expected}{came}; mend it in the file or with --{name}"
