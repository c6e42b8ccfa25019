"""All tasks of the corpus, and the split of inputs between training and task files."""

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

_MODULES = (letters, meanings, numbers, lists, sentences, relations, knowledge, pairs, formality, code)
TASKS: dict[str, TaskSpec] = {task.name: task for module in _MODULES for task in module.TASKS}
SHIPPED: tuple[str, ...] = tuple(name for name, task in TASKS.items() if task.shipped)  # those with a task file
FAMILIES_OF: dict[str, tuple[str, ...]] = {
    name: tuple(family for family, entry in FAMILIES.items() if name in dict(entry.meanings)) for name in TASKS
}
HELD_OUT_SHARE = {"first_word_letter": 0.5, "second_word_letter": 0.5, "letters_list": 0.5, "singular_to_plural": 0.5}


def is_held_out_input(task: TaskSpec, text: str) -> bool:
    """Return True for inputs reserved for the task file: a fixed share by hash, none for a closed table.

    The share is a half for tasks with few natural inputs (real words) and a fifth otherwise. Words that occur in
    instructions are never reserved, because they are single tokens and the black box cannot see their letters.
    """
    if task.is_closed or (task.name in HELD_OUT_SHARE and text in instruction_words()):
        return False
    return grammar.fraction("input", task.name, task.key(text)) < HELD_OUT_SHARE.get(task.name, 0.2)


def training_input(task: TaskSpec, rng: Random) -> str:
    """Draw an input that may be used for training."""
    while True:
        text = task.draw(rng)
        if not is_held_out_input(task, text) and task.answer(text) is not None:
            return text


@cache
def instruction_words() -> frozenset[str]:
    """Return all words that occur in instructions."""
    patterns = [pattern for task in TASKS.values() for pattern in task.good]
    patterns += [pattern for family in FAMILIES.values() for pattern in family.patterns]
    texts = {text for pattern in patterns for text in grammar.expand(pattern)} | set(grammar.HEDGES)
    return frozenset(word.strip(".,") for text in texts for word in text.split()) - {""}
