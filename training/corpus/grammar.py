"""The wording of instructions: patterns with alternatives, hedges, vague phrasings, and the held-out part.

A pattern is text with slots: "{write|give} the first letter." expands to two texts. There are three kinds of
instruction. *Clear* instructions mean one task. *Hedged* instructions are clear ones with a softening tail; the black
box then applies a sibling task to some inputs, to more of them the softer the tail. *Vague* instructions belong to a
family that fits several tasks. The input's key (`split_key`) determines which task a hedged or vague instruction means
for it, so that a black box can learn this, and a vague instruction has a stable intermediate score instead of 0 or 1.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, product

SLOT = re.compile(r"\{([^}]*)\}")
VERB = "{write|give|output|print|return}"
WORD = "{word|input|input word|given word}"

# The tails, the least softening one first, with the keys (`split_key`) of the inputs that they move to a sibling task
# in addition to those of the tails before: about a tenth of all inputs per tail.
HEDGES: dict[str, str] = {
    ", as a rule": "mt7",
    ", more or less": "dlk3",
    " in most cases": "bf9",
    " if that seems right": "haq1",
    " or something like it": "po5",
    ", or so": "rg0",
}
_GIVEN_AWAY: dict[str, str] = dict(zip(HEDGES, accumulate(HEDGES.values()), strict=True))


def fill(pattern: str) -> str:
    """Replace the shorthands V and W, as single words, by their alternatives."""
    return re.sub(r"\bW\b", WORD, re.sub(r"\bV\b", VERB, pattern))


def realise(pattern: str, choose: Callable[[int, int], int]) -> str:
    """Fill every slot with the alternative that `choose(slot number, number of alternatives)` picks."""
    number = -1

    def alternative(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        options = match.group(1).split("|")
        return options[choose(number, len(options))]

    return SLOT.sub(alternative, fill(pattern))


@cache
def expand(pattern: str) -> tuple[str, ...]:
    """Return all texts of a pattern."""
    slots = [match.group(1).split("|") for match in SLOT.finditer(fill(pattern))]
    texts = []
    for combination in product(*(range(len(options)) for options in slots)):
        texts.append(realise(pattern, lambda slot, _, picks=combination: picks[slot]))  # type: ignore[misc]
    return tuple(texts)


def fraction(*parts: str) -> float:
    """Return a number in [0, 1) that is a hash of the parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def is_held_out_phrasing(text: str) -> bool:
    """Return True for the sixth of the clear phrasings that the black box is not trained on."""
    return fraction("phrasing", text) < 1 / 6


@cache
def clear_texts(patterns: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    """Return the clear phrasings of a task: the held-out part or the training part."""
    texts = [text for pattern in patterns for text in expand(pattern)]
    return tuple(text for text in texts if is_held_out_phrasing(text) == held_out)


def hedge(text: str, tail: str) -> str:
    """Append a tail: "write it." with ", or so" becomes "write it, or so."."""
    return text.removesuffix(".") + tail + "."


def split_key(text: str) -> str:
    """Return the key of an input that selects the meaning of an ambiguous instruction.

    It is the first letter of the input's last word, or the last digit if that word is a number.
    """
    characters = [character for character in text.split()[-1].lower() if character.isalnum()]
    if not characters:
        return ""
    return characters[-1] if "".join(characters).isdigit() else characters[0]


def meant_by_hedged(task: str, siblings: Sequence[str], tail: str, text: str) -> list[str]:
    """Return the tasks that a hedged instruction of `task` may mean for this input, in order of preference.

    A sharper wording keeps every input that a softer one keeps, so that its score is at least as high.
    """
    key = split_key(text)
    if key not in _GIVEN_AWAY[tail]:
        return [task]
    start = int(fraction("sibling", key) * len(siblings))
    return [*siblings[start:], *siblings[:start], task]


def resolve(name: str, options: Sequence[tuple[str, float]], text: str) -> list[str]:
    """Return the tasks that a vague instruction may mean for this input, in order of preference.

    The key's fraction falls into the share of one option in [0, 1). The others follow cyclically, for inputs that the
    preferred task cannot answer.
    """
    position = fraction("resolve", name, split_key(text)) * sum(weight for _, weight in options)
    start = 0
    for index, (_, weight) in enumerate(options):
        if position < weight:
            start = index
            break
        position -= weight
    return [task for task, _ in (*options[start:], *options[:start])]
