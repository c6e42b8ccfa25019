"""How an instruction may be worded: patterns with alternatives, hedges, vague phrasings, and the held-out part.

A pattern is text with slots: "{write|give} the first letter." expands to two texts. Three kinds of instruction come
out of it. *Clear* ones mean one task. *Hedged* ones are clear ones with a softening tail; the black box then takes
some inputs for a sibling task, more of them the softer the tail. *Vague* ones belong to a family that fits several
tasks. Which task a hedged or vague instruction means for a given input follows from the input's key (`split_key`), so
a black box can learn it and a vague instruction scores a stable middling number instead of zero or one.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, product

SLOT = re.compile(r"\{([^}]*)\}")
VERB = "{write|give|output|print|return}"
WORD = "{word|input|input word|given word}"

# Each tail, the least softening one first, and the keys (`split_key`) of the inputs that it gives away to a sibling
# task, beside those that the tails before it give away: about a tenth of all inputs a tail.
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
    """Replaces the shorthands V and W, standing alone, by their alternatives."""
    return re.sub(r"\bW\b", WORD, re.sub(r"\bV\b", VERB, pattern))


def realise(pattern: str, choose: Callable[[int, int], int]) -> str:
    """Fills each slot with the alternative `choose(slot number, alternatives)` picks."""
    number = -1

    def alternative(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        options = match.group(1).split("|")
        return options[choose(number, len(options))]

    return SLOT.sub(alternative, fill(pattern))


@cache
def expand(pattern: str) -> tuple[str, ...]:
    """Every text of a pattern."""
    slots = [match.group(1).split("|") for match in SLOT.finditer(fill(pattern))]
    texts = []
    for combination in product(*(range(len(options)) for options in slots)):
        texts.append(realise(pattern, lambda slot, _, picks=combination: picks[slot]))  # type: ignore[misc]
    return tuple(texts)


def fraction(*parts: str) -> float:
    """A number in [0, 1) fixed by the parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def is_held_out_phrasing(text: str) -> bool:
    """True for the sixth of the clear phrasings that the black box never sees in training."""
    return fraction("phrasing", text) < 1 / 6


@cache
def clear_texts(patterns: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    """The clear phrasings of a task, either the held-out part or the taught part."""
    texts = [text for pattern in patterns for text in expand(pattern)]
    return tuple(text for text in texts if is_held_out_phrasing(text) == held_out)


def hedge(text: str, tail: str) -> str:
    """ "write it." with the tail ", or so" → "write it, or so."."""
    return text.removesuffix(".") + tail + "."


def split_key(text: str) -> str:
    """What decides between the meanings of an ambiguous instruction: the first letter of the input's last word, or the
    last digit where that word is a number."""
    characters = [character for character in text.split()[-1].lower() if character.isalnum()]
    if not characters:
        return ""
    return characters[-1] if "".join(characters).isdigit() else characters[0]


def meant_by_hedged(task: str, siblings: Sequence[str], tail: str, text: str) -> list[str]:
    """The tasks that a clear instruction of `task` with a softening tail may mean for this input, the meant one first.

    A sharper wording never loses an input that a softer one keeps, so its score is at least as high.
    """
    key = split_key(text)
    if key not in _GIVEN_AWAY[tail]:
        return [task]
    start = int(fraction("sibling", key) * len(siblings))
    return [*siblings[start:], *siblings[:start], task]


def resolve(name: str, options: Sequence[tuple[str, float]], text: str) -> list[str]:
    """The tasks an ambiguous instruction may mean for this input, the meant one first.

    The key's fraction falls into one option's share of [0, 1); the others follow in turn, for inputs that the
    meant task cannot answer.
    """
    position = fraction("resolve", name, split_key(text)) * sum(weight for _, weight in options)
    start = 0
    for index, (_, weight) in enumerate(options):
        if position < weight:
            start = index
            break
        position -= weight
    return [task for task, _ in (*options[start:], *options[:start])]
