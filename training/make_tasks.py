"""Writes the built-in task files: `python -m training.make_tasks`.

Procedural tasks get inputs the black box never saw with that task; closed tables are shuffled and halved. A task
that the shipped black box cannot do is left out by name (`LEFT_OUT`).
"""

import json
from pathlib import Path
from random import Random

from training.corpus.registry import SHIPPED, TASKS, is_held_out_input
from training.corpus.types import TaskSpec

BUILTIN = Path(__file__).parents[1] / "src" / "instructzero" / "tasks" / "builtin"
SIZE = 150  # examples a part, where there are enough
PATIENCE = 20_000  # draws without anything new before a task's inputs count as used up
LEFT_OUT: frozenset[str] = frozenset({"taxonomy_animal"})


def task_inputs(task: TaskSpec, seed: int = 17) -> list[str]:
    """Different inputs for a task file, in random order."""
    rng = Random(f"{seed}/{task.name}")
    if task.is_closed:
        return rng.sample(task.table, min(len(task.table), 2 * SIZE))
    draw = task.natural or task.draw
    found: dict[str, None] = {}
    idle = 0
    while len(found) < 2 * SIZE and idle < PATIENCE:
        text = draw(rng)
        fits = is_held_out_input(task, text) and task.answer(text) is not None and text not in found
        idle = 0 if fits else idle + 1
        if fits:
            found[text] = None
    return list(found)


def task_record(task: TaskSpec) -> dict[str, object]:
    """The content of a task file."""
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
    """Writes every shipped task that is not left out, and returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in SHIPPED:
        if name not in LEFT_OUT:
            path = folder / f"{name}.json"
            path.write_text(json.dumps(task_record(TASKS[name]), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            written.append(path)
    return written


if __name__ == "__main__":
    for file in write_tasks(BUILTIN):
        print(file.name)
