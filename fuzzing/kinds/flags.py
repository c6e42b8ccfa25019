"""Flags: extreme numbers and foreign texts for every setting and every option of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.hostile import NUMBERS, TEXTS, text
from fuzzing.steps import LASTING, SMALL, Call, Command, command, flags, task_file, without_long_work
from instructzero.config import Settings
from instructzero.testing import Endpoint

_EXTREME = (
    "inf",
    "-inf",
    "nan",
    "1e308",
    "1e-308",
    "10" + "0" * 19,
    "9" * 300,
    "0",
    "-1",
    "21202",
    "1000000000",
    "1e20",
    "0.1",
    "2",
    "99999h",
    "inf h",
)
_METHODS = (
    "uniform",
    "instructzero",
    "paper",
    "ape",
    "opro",
    "instinct",
    "zopo",
    "capo",
    "reflect",
    "evoprompt_ga",
    "dro",
    "presto",
)


_NUMBERED = [
    name
    for name in Settings.model_fields
    if any(kind in str(Settings.model_fields[name].annotation) for kind in ("int", "float"))
]


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Give a run extreme flags."""
    settings: dict[str, Any] = {**SMALL, "task": task_file(folder), "method": random.choice(_METHODS)}
    chance = random.random()
    if chance < 0.25:
        settings |= {"writer": "embedded:writer", "instruction_tokens": 8}
    if chance < 0.05:
        settings |= {"blackbox": "embedded:blackbox", "answer_tokens": 4}
    elif chance > 0.5:
        settings |= {"blackbox": "openai:m", "base_url": _endpoint().base_url, "retries": 1, "timeout": 2}
    for name in random.sample(list(Settings.model_fields), random.choice((1, 1, 2, 3))):
        settings[name] = _given(random)
    if random.random() < 0.5:
        settings[random.choice(_NUMBERED)] = random.choice(_EXTREME)
    settings = without_long_work(settings)
    arguments = ["run", "--out", folder / "run", "--quiet", *flags(settings)]
    if random.random() < 0.3:
        arguments.append("--dry-run")
    if random.random() < 0.1:
        arguments += random.choice(
            (["--log-to", text(random)], ["--out", text(random)], ["--config", text(random)], [text(random)])
        )
    yield command(*(str(argument).replace("\0", "") for argument in arguments))


@cache
def _endpoint() -> Endpoint:
    """Return an endpoint that answers until this process ends."""
    return LASTING.enter_context(Endpoint(lambda prompt: "x"))


def _given(random: Random) -> str:
    return random.choice((random.choice(_EXTREME), str(random.choice(NUMBERS)), random.choice(TEXTS))).replace("\0", "")
