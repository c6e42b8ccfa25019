"""Training rows: (prompt, completion) pairs of the black box, and the exemplars of writer rows."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from instructzero.prompts import CUE, demonstrations, zero_shot
from instructzero.types import Example
from training.corpus import grammar
from training.corpus.registry import FAMILIES_OF, SHIPPED, TASKS, is_held_out_input, training_input
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES

CLEAR_SHARE, HEDGED_SHARE = 0.62, 0.18  # shares of the rows; the rest is vague
FOREIGN_SHARE = 0.05  # the share of instructions that do not apply to their inputs
UNKNOWN = "unknown"
LONG = 200  # the number of characters from which exemplars count as long


@dataclass(frozen=True)
class Row:
    """The input of a model and the expected output."""

    prompt: str
    completion: str


def black_box_prompt(instruction: str, text: str) -> str:
    """Return the rendered zero-shot prompt."""
    (message,) = zero_shot(instruction, text)
    return message.content


def writer_prompt(exemplars: list[tuple[str, str]]) -> str:
    """Return the rendered exemplars, followed by the cue."""
    shown = demonstrations([Example(text, (answer,)) for text, answer in exemplars])
    return f"{shown}\n\n{CUE}"


@dataclass(frozen=True)
class Instruction:
    """An instruction, and the tasks it may mean for an input, in order of preference."""

    text: str
    meanings: Callable[[str], list[str]]

    def answer(self, text: str) -> str | None:
        """Return the answer of the first task that applies to this input and does not reserve it."""
        for name in self.meanings(text):
            task = TASKS[name]
            answers = task.answer(text)
            if answers is not None and not is_held_out_input(task, text):
                return answers[0]
        return None


def _clear(task: TaskSpec, rng: Random) -> Instruction:
    return Instruction(rng.choice(grammar.clear_texts(task.good, held_out=False)), lambda _: [task.name])


def _hedged(task: TaskSpec, rng: Random) -> Instruction:
    tail = rng.choice(tuple(grammar.HEDGES))
    instruction = grammar.hedge(_clear(task, rng).text, tail)
    return Instruction(instruction, lambda text: grammar.meant_by_hedged(task.name, task.siblings, tail, text))


def _vague(task: TaskSpec, rng: Random) -> Instruction:
    name = rng.choice(FAMILIES_OF[task.name])
    family = FAMILIES[name]
    instruction = rng.choice(grammar.expand(rng.choice(family.patterns)))
    return Instruction(instruction, lambda text: grammar.resolve(name, family.meanings, text))


def _instruction(task: TaskSpec, rng: Random) -> Instruction:
    kind = rng.random()
    if kind < CLEAR_SHARE:
        return _clear(task, rng)
    is_hedged = kind < CLEAR_SHARE + HEDGED_SHARE or not FAMILIES_OF[task.name]
    return _hedged(task, rng) if is_hedged else _vague(task, rng)


def black_box_rows(rng: Random, count: int) -> list[Row]:
    """Draw one instruction with `count` inputs and their answers."""
    task = _any_task(rng)
    if rng.random() < FOREIGN_SHARE:
        return _foreign_rows(task, rng, count)
    instruction = _instruction(task, rng)
    rows: list[Row] = []
    while len(rows) < count:
        text = training_input(task, rng)
        answer = instruction.answer(text)
        if answer is not None:
            rows.append(Row(black_box_prompt(instruction.text, text), f" {answer}"))
    return rows


def _any_task(rng: Random) -> TaskSpec:
    tasks = tuple(TASKS.values())
    return rng.choices(tasks, [task.weight for task in tasks])[0]


def _foreign_rows(task: TaskSpec, rng: Random, count: int) -> list[Row]:
    """Draw a clear instruction with inputs of other tasks, to which it does not apply."""
    instruction = _clear(task, rng).text
    rows: list[Row] = []
    while len(rows) < count:
        text = training_input(_any_task(rng), rng)
        if task.answer(text) is None:
            rows.append(Row(black_box_prompt(instruction, text), f" {UNKNOWN}"))
    return rows


def exemplars(task: TaskSpec, count: int, rng: Random) -> list[tuple[str, str]]:
    """Draw different inputs of the task with their training answers."""
    found: dict[str, str] = {}
    while len(found) < count:
        draw = task.natural if task.natural is not None and rng.random() < 0.7 else task.draw
        text = draw(rng)
        answers = task.answer(text)
        if answers is not None and not is_held_out_input(task, text):
            found[text] = answers[0]
    return list(found.items())


def writer_exemplars(rng: Random) -> tuple[TaskSpec, str]:
    """Draw a task and its rendered exemplars: one to ten, mostly few.

    With few exemplars the writer learns earlier to use the soft prompt, and a row is shorter. A task with long inputs
    has five exemplars less often.
    """
    task = TASKS[rng.choice(SHIPPED)]
    count = rng.choices((1, 2, 3, 4, 5), (50, 20, 8, 4, 18))[0] if rng.random() < 0.97 else rng.randint(1, 10)
    shown = exemplars(task, count, rng)
    if sum(len(text) + len(answer) for text, answer in shown) > LONG and rng.random() < 0.7:
        shown = shown[: rng.choice((1, 1, 2))]
    return task, writer_prompt(shown)
