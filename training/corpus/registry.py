"""All tasks of the corpus, and the split between what may be trained on and what a task file may hold."""

from dataclasses import replace
from functools import cache
from random import Random

from training.corpus import (
    code,
    formality,
    grammar,
    knowledge,
    letters,
    lists,
    meanings,
    numbers,
    pairs,
    relations,
    sentences,
)
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES

_TAUGHT = (letters, meanings, numbers, lists, sentences)
_UNTAUGHT = (relations, knowledge, pairs, formality, code)  # before the next training, move them up
_ALL = (
    *(task for module in _TAUGHT for task in module.TASKS),
    *(replace(task, taught=False) for module in _UNTAUGHT for task in module.TASKS),
)
TASKS: dict[str, TaskSpec] = {task.name: task for task in _ALL}
TAUGHT: tuple[str, ...] = tuple(task.name for task in _ALL if task.taught)  # all that shapes the training
SHIPPED: tuple[str, ...] = tuple(task.name for task in _ALL if task.shipped)  # those with a task file
KNOWN: tuple[str, ...] = tuple(name for name in SHIPPED if name in TAUGHT)
TAUGHT_FAMILIES: tuple[str, ...] = tuple(
    family for family, entry in FAMILIES.items() if all(name in TAUGHT for name, _ in entry.meanings)
)


def _families(task: TaskSpec) -> tuple[str, ...]:
    """The families that may mean the task; a family with an untaught task is no concern of a taught one."""
    names = TAUGHT_FAMILIES if task.taught else tuple(FAMILIES)
    return tuple(name for name in names if task.name in dict(FAMILIES[name].meanings))


FAMILIES_OF: dict[str, tuple[str, ...]] = {task.name: _families(task) for task in _ALL}
HELD_OUT_SHARE = {"first_word_letter": 0.5, "second_word_letter": 0.5, "letters_list": 0.5, "singular_to_plural": 0.5}


def is_held_out_input(task: TaskSpec, text: str) -> bool:
    """True for inputs reserved for the task file: a fixed share by hash, nothing for a closed table.

    The share is a half where the natural inputs are few (real words) and a fifth elsewhere. Words that instructions
    are made of are never reserved: the black box reads each of them as one token and cannot see their letters.
    """
    if task.is_closed or (task.name in HELD_OUT_SHARE and text in instruction_words()):
        return False
    return grammar.fraction("input", task.name, task.key(text)) < HELD_OUT_SHARE.get(task.name, 0.2)


def training_input(task: TaskSpec, rng: Random) -> str:
    """An input the task may be taught with."""
    while True:
        text = task.draw(rng)
        if not is_held_out_input(task, text) and task.answer(text) is not None:
            return text


def hedged_meanings(task: TaskSpec, tail: str) -> list[tuple[str, float]]:
    """What a hedged instruction of the task may mean: mostly the task, else one of its siblings."""
    kept = grammar.HEDGES[tail]
    return [(task.name, kept), *((name, (1 - kept) / len(task.siblings)) for name in task.siblings)]


@cache
def instruction_words() -> frozenset[str]:
    """Every word that any taught instruction is made of."""
    patterns = [pattern for name in TAUGHT for pattern in TASKS[name].good]
    patterns += [pattern for name in TAUGHT_FAMILIES for pattern in FAMILIES[name].patterns]
    texts = {text for pattern in patterns for text in grammar.expand(pattern)} | set(grammar.HEDGES)
    return frozenset(word.strip(".,") for text in texts for word in text.split()) - {""}
