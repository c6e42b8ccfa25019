"""Training rows: (prompt, completion) pairs of the black box, and writer rows with the soft prompt that belongs."""

from dataclasses import dataclass
from random import Random

from instructzero.templates import CUE, demonstrations, zero_shot
from instructzero.types import Exemplar
from training.corpus import grammar
from training.corpus.registry import (
    FAMILIES_OF,
    KNOWN,
    TASKS,
    TAUGHT,
    hedged_meanings,
    is_held_out_input,
    training_input,
)
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES

CLEAR_SHARE, HEDGED_SHARE = 0.65, 0.13  # the rest is vague


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
    shown = demonstrations([Exemplar(text, (answer,)) for text, answer in exemplars])
    return f"{shown}\n\n{CUE}"


def _meant_answer(name: str, options: list[tuple[str, float]], text: str) -> str | None:
    """The answer of the first meaning that can answer and may be taught this input."""
    for task_name in grammar.resolve(name, options, text):
        task = TASKS[task_name]
        answers = task.answer(text)
        if answers is not None and not is_held_out_input(task, text):
            return answers[0]
    return None


def _ambiguous(task: TaskSpec, kind: float, rng: Random) -> tuple[str, str, list[tuple[str, float]]]:
    """An instruction with several meanings: (text, name that fixes how it is resolved, meanings)."""
    if kind < HEDGED_SHARE / (1 - CLEAR_SHARE) or not FAMILIES_OF[task.name]:
        tail = rng.choice(tuple(grammar.HEDGES))
        text = rng.choice(grammar.clear_texts(task.good, held_out=False))
        return grammar.hedge(text, tail), tail, hedged_meanings(task, tail)
    name = rng.choice(FAMILIES_OF[task.name])
    family = FAMILIES[name]
    return rng.choice(grammar.expand(rng.choice(family.patterns))), name, list(family.meanings)


def black_box_row(rng: Random) -> Row:
    """One instruction with one input and the answer it means."""
    weights = [TASKS[name].weight for name in TAUGHT]
    while True:
        task = TASKS[rng.choices(TAUGHT, weights)[0]]
        text = training_input(task, rng)
        if rng.random() < CLEAR_SHARE:
            instruction = rng.choice(grammar.clear_texts(task.good, held_out=False))
            answers = task.answer(text)
            answer = answers[0] if answers else None
        else:
            instruction, name, options = _ambiguous(task, rng.random(), rng)
            answer = _meant_answer(name, options, text)
        if answer is not None:
            return Row(black_box_prompt(instruction, text), f" {answer}")


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
    """A known task and its rendered exemplars: one to ten, often five, and often few.

    With few exemplars the soft prompt stands out, so that the writer learns sooner to listen to it.
    """
    task = TASKS[rng.choice(KNOWN)]
    count = rng.choice((1, 1, 2, 2, 3, 4, 5, 5, 5, 6)) if rng.random() < 0.9 else rng.randint(1, 10)
    return task, writer_prompt(exemplars(task, count, rng))
