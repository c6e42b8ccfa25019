"""Training rows: (prompt, completion) pairs of the black box, and writer rows with the soft prompt that belongs."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from instructzero.prompts import CUE, demonstrations, zero_shot
from instructzero.types import Example
from training.corpus import grammar
from training.corpus.registry import FAMILIES_OF, SHIPPED, TASKS, is_held_out_input, training_input
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES

CLEAR_SHARE, HEDGED_SHARE = 0.62, 0.18  # the rest is vague
FOREIGN_SHARE = 0.05  # of instructions that make no sense for their inputs
UNKNOWN = "unknown"
LONG = 200  # characters of exemplars


@dataclass(frozen=True)
class Row:
    """What a model reads, and what it shall write."""

    prompt: str
    completion: str


def black_box_prompt(instruction: str, text: str) -> str:
    """The rendered zero-shot prompt."""
    (message,) = zero_shot(instruction, text)
    return message.content


def writer_prompt(exemplars: list[tuple[str, str]]) -> str:
    """The rendered exemplars with the cue behind them."""
    shown = demonstrations([Example(text, (answer,)) for text, answer in exemplars])
    return f"{shown}\n\n{CUE}"


@dataclass(frozen=True)
class Wish:
    """An instruction, and the tasks it may mean for an input, the meant one first."""

    instruction: str
    meanings: Callable[[str], list[str]]

    def answer(self, text: str) -> str | None:
        """The answer of the first meaning that can answer and may be taught this input."""
        for name in self.meanings(text):
            task = TASKS[name]
            answers = task.answer(text)
            if answers is not None and not is_held_out_input(task, text):
                return answers[0]
        return None


def _clear(task: TaskSpec, rng: Random) -> Wish:
    return Wish(rng.choice(grammar.clear_texts(task.good, held_out=False)), lambda _: [task.name])


def _hedged(task: TaskSpec, rng: Random) -> Wish:
    tail = rng.choice(tuple(grammar.HEDGES))
    instruction = grammar.hedge(_clear(task, rng).instruction, tail)
    return Wish(instruction, lambda text: grammar.meant_by_hedged(task.name, task.siblings, tail, text))


def _vague(task: TaskSpec, rng: Random) -> Wish:
    name = rng.choice(FAMILIES_OF[task.name])
    family = FAMILIES[name]
    instruction = rng.choice(grammar.expand(rng.choice(family.patterns)))
    return Wish(instruction, lambda text: grammar.resolve(name, family.meanings, text))


def _wish(task: TaskSpec, rng: Random) -> Wish:
    kind = rng.random()
    if kind < CLEAR_SHARE:
        return _clear(task, rng)
    is_hedged = kind < CLEAR_SHARE + HEDGED_SHARE or not FAMILIES_OF[task.name]
    return _hedged(task, rng) if is_hedged else _vague(task, rng)


def black_box_rows(rng: Random, count: int) -> list[Row]:
    """One instruction with `count` inputs and the answers it means."""
    task = _any_task(rng)
    if rng.random() < FOREIGN_SHARE:
        return _foreign_rows(task, rng, count)
    wish = _wish(task, rng)
    rows: list[Row] = []
    while len(rows) < count:
        text = training_input(task, rng)
        answer = wish.answer(text)
        if answer is not None:
            rows.append(Row(black_box_prompt(wish.instruction, text), f" {answer}"))
    return rows


def _any_task(rng: Random) -> TaskSpec:
    tasks = tuple(TASKS.values())
    return rng.choices(tasks, [task.weight for task in tasks])[0]


def _foreign_rows(task: TaskSpec, rng: Random, count: int) -> list[Row]:
    """A clear instruction with inputs of other tasks, to which it cannot apply."""
    instruction = _clear(task, rng).instruction
    rows: list[Row] = []
    while len(rows) < count:
        text = training_input(_any_task(rng), rng)
        if task.answer(text) is None:
            rows.append(Row(black_box_prompt(instruction, text), f" {UNKNOWN}"))
    return rows


def exemplars(task: TaskSpec, count: int, rng: Random) -> list[tuple[str, str]]:
    """Different inputs of the task with their taught answers."""
    found: dict[str, str] = {}
    while len(found) < count:
        draw = task.natural if task.natural is not None and rng.random() < 0.7 else task.draw
        text = draw(rng)
        answers = task.answer(text)
        if answers is not None and not is_held_out_input(task, text):
            found[text] = answers[0]
    return list(found.items())


def writer_exemplars(rng: Random) -> tuple[TaskSpec, str]:
    """A task and its rendered exemplars: one to ten, mostly few.

    With few exemplars the soft prompt stands out, so that the writer learns sooner to listen to it, and a row costs
    less. A task with long inputs gets its five exemplars less often.
    """
    task = TASKS[rng.choice(SHIPPED)]
    count = rng.choices((1, 2, 3, 4, 5), (50, 20, 8, 4, 18))[0] if rng.random() < 0.97 else rng.randint(1, 10)
    shown = exemplars(task, count, rng)
    if sum(len(text) + len(answer) for text, answer in shown) > LONG and rng.random() < 0.7:
        shown = shown[: rng.choice((1, 1, 2))]
    return task, writer_prompt(shown)
