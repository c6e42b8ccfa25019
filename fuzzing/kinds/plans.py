"""Plans of a bench: texts where numbers belong, numbers where names belong, and the values of ``--set``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.hostile import YAML, damaged, text, value, yaml_text
from fuzzing.steps import SMALL, Call, Command, command, task_file
from instructzero.bench.command import _merged, settings_of
from instructzero.bench.plan import cells_of, make_plan
from instructzero.config import Settings
from instructzero.config.yaml_file import load_yaml

_LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute")


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Write a plan, and read it up to its cells; running them is not what a plan can spoil."""
    small = {name: held for name, held in SMALL.items() if name != "method"}
    plan: dict[str, Any] = {
        "tasks": [str(task_file(folder))],
        "methods": ["uniform"],
        "budgets": [100],
        "seeds": 1,
        "workers": 2,
        "settings": small,
        "out": str(folder / "bench"),
    }
    for name in random.sample([*plan, "models", "engine", text(random)], random.choice((0, 1, 2))):
        plan[name] = value(random) if random.random() < 0.6 else text(random)
    if random.random() < 0.5:
        name = random.choice((*_LIMITS, *Settings.model_fields))
        plan["settings"] = {**small, name: value(random)}
    content = yaml_text(random, plan).encode("utf-8", "surrogatepass")
    if random.random() < 0.15:
        content = damaged(random, content)
    path = folder / "plan.yaml"
    path.write_bytes(content)
    assigned = [_assignment(random) for _ in range(random.choice((0, 0, 1, 2)))]
    if random.random() < 0.1:
        parts = [part for each in assigned for part in ("--set", each.replace("\0", ""))]
        yield command("bench", "--tasks", "nowhere.jsonl", "--methods", "uniform", *parts)
    yield Call(_read, (path, assigned))


def _read(path: Path, assigned: list[str]) -> None:
    given: dict[str, Any] = {"settings": settings_of(assigned)} if assigned else {}
    cells_of(make_plan(_merged(load_yaml(path), given)))


def _assignment(random: Random) -> str:
    name = random.choice((*Settings.model_fields, text(random)))
    return f"{name}={random.choice(YAML) if random.random() < 0.7 else text(random)}"
