"""A test of whether a text reads like an instruction of the grammar."""

from functools import cache
from itertools import pairwise

from training.corpus import grammar
from training.corpus.registry import TASKS
from training.corpus.vague import FAMILIES

START, END = "^", "$"


@cache
def _known_pairs() -> frozenset[tuple[str, str]]:
    """Return all pairs of neighbouring words in the clear, hedged and vague instructions of the corpus."""
    clear = {text for task in TASKS.values() for pattern in task.good for text in grammar.expand(pattern)}
    hedged = {grammar.hedge(text, tail) for text in clear for tail in grammar.HEDGES}
    vague = {text for family in FAMILIES.values() for pattern in family.patterns for text in grammar.expand(pattern)}
    return frozenset(pair for text in clear | hedged | vague for pair in _word_pairs(text))


def _word_pairs(text: str) -> set[tuple[str, str]]:
    return set(pairwise((START, *text.split(), END)))


def is_fluent(text: str) -> bool:
    """Return True if every pair of neighbouring words also occurs in the grammar; the text may recombine sentences."""
    return bool(text) and _word_pairs(text) <= _known_pairs()
