"""Files of settings: YAML of every kind where a value belongs, and hostile texts as values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.hostile import damaged, text, value, yaml_text
from fuzzing.steps import SMALL, Call, Command, command, task_file, without_long_work
from instructzero.config import Settings


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Write a file of settings, and run it."""
    settings: dict[str, Any] = {**SMALL, "task": str(task_file(folder))}
    for name in random.sample(list(Settings.model_fields), random.randrange(4)):
        settings[name] = value(random) if random.random() < 0.5 else text(random)
    content = yaml_text(random, without_long_work(settings)).encode("utf-8", "surrogatepass")
    if random.random() < 0.15:
        content = damaged(random, content)
    path = folder / "settings.yaml"
    path.write_bytes(content)
    further = ("--dry-run",) if random.random() < 0.3 else ()
    yield command("run", "--config", path, "--out", folder / "run", "--quiet", *further)
