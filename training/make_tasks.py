"""The built-in task files: `python -m training.make_tasks`.

Procedural tasks get inputs that the black box was not trained on with that task; closed tables are shuffled and halved.
"""

import json
from pathlib import Path
from random import Random

from instructzero.models.packed import embedded_folder
from training.corpus.registry import SHIPPED, TASKS, is_held_out_input
from training.corpus.types import TaskSpec

BUILTIN = embedded_folder().parents[1] / "tasks" / "builtin"
SIZE = 150  # examples per part, if there are enough
PATIENCE = 20_000  # draws without a new input after which a task's inputs count as exhausted


def task_inputs(task: TaskSpec, seed: int = 17) -> list[str]:
    """Return different inputs for a task file, in random order."""
    rng = Random(f"{seed}/{task.name}")
    if task.is_closed:
        return rng.sample(task.table, min(len(task.table), 2 * SIZE))
    draw = task.natural or task.draw
    found: dict[str, str] = {}  # by key
    idle = 0
    while len(found) < 2 * SIZE and idle < PATIENCE:
        text = draw(rng)
        fits = is_held_out_input(task, text) and task.answer(text) is not None and task.key(text) not in found
        idle = 0 if fits else idle + 1
        if fits:
            found[task.key(text)] = text
    return list(found.values())


def task_record(task: TaskSpec) -> dict[str, object]:
    """Return the content of a task file."""
    examples = [{"input": text, "outputs": list(task.answer(text) or ())} for text in task_inputs(task)]
    half = len(examples) // 2
    return {
        "name": task.name,
        "description": task.description,
        "metric": task.metric,
        "search": examples[:half],
        "test": examples[half:],
    }


def write_tasks(folder: Path) -> list[Path]:
    """Write a file for every shipped task, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in SHIPPED:
        path = folder / f"{name}.json"
        path.write_text(json.dumps(task_record(TASKS[name]), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for file in write_tasks(BUILTIN):
        print(file.name)
