"""Instructions of a real chat model as the writer, with and without a description of the task.

    python -m benchmarks.writer_prompts          # after `make real`, which downloads the model

SmolLM2-135M-Instruct writes and answers. Each prompt of the writer leads to the plain instruction and to those of
random soft prompts, which are scored on the same examples. Scores are means over the tasks.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import describe
from benchmarks.real import FOLDER, model_file
from instructzero import optimize

DESCRIPTIONS = {
    "antonyms": "A word is given, and its opposite is wanted.",
    "sentiment": "Tell whether a sentence about a film is positive or negative.",
    "singular_to_plural": "Put a noun into the plural.",
    "larger_animal": "Two animals are given, and the name of the larger one is wanted.",
    "taxonomy_animal": "Of a list of words, only the animals are wanted.",
}
FRAME = "{description}\n\n{examples}\n\n{soft_prompt}\nWrite one clear instruction for this task, and nothing else."
COMMON: Mapping[str, Any] = {
    "method": "uniform",
    "metric": "contains",
    "answer_tokens": 20,
    "instruction_tokens": 48,
    "validation": 20,
    "confirmation": 0,
    "test": 20,
    "racing": False,
    "stop_early": False,
}


def variants(description: str) -> dict[str, dict[str, str]]:
    """Return the settings of each prompt of the writer."""
    return {
        "default": {},
        "with the description": {"task_description": description},
        "a prompt of one's own": {"task_description": description, "writer_prompt": FRAME},
    }


def measured(task: str, model: str, evaluations: int, folder: Path) -> dict[str, tuple[float, float, float]]:
    """Return the plain, mean and best validation score of each prompt of the writer."""
    scores = {}
    for name, settings in variants(DESCRIPTIONS[task]).items():
        result = optimize(
            task,
            writer=model,
            blackbox=model,
            evaluations=evaluations,
            out=folder / f"{task}-{name}",
            store=folder / "calls.sqlite",
            **COMMON,
            **settings,
        )
        found = [trial.score for trial in result.trials]
        scores[name] = (result.plain.validation.score, fmean(found), max(found))
        print(f"{task:<20}{name:<24}" + "".join(f"{score:>8.3f}" for score in scores[name]), flush=True)
    return scores


def main() -> None:
    """Measure every task, and print the means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--evaluations", type=int, default=8)
    arguments = parser.parse_args()
    print(describe())
    print(f"{'task':<20}{'prompt of the writer':<24}{'plain':>8}{'mean':>8}{'best':>8}")
    model = f"hf:{model_file(FOLDER).parent}"
    with TemporaryDirectory() as folder:
        results = [measured(task, model, arguments.evaluations, Path(folder)) for task in DESCRIPTIONS]
    for name in results[0]:
        columns = zip(*(result[name] for result in results), strict=True)
        print(f"{'all':<20}{name:<24}" + "".join(f"{fmean(column):>8.3f}" for column in columns))


if __name__ == "__main__":
    main()
