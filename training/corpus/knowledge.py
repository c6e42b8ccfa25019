"""Tasks about what several things have in common."""

import re
from collections.abc import Mapping
from functools import cache
from random import Random

from training.corpus import lexicon
from training.corpus.types import Answers, TaskSpec

Classes = Mapping[Answers, Answers]  # the accepted names of a class → its members


def concepts() -> Classes:
    """Return the table of concepts."""
    return lexicon.members("concepts.tsv")


def categories() -> Classes:
    """Return the table of categories."""
    return lexicon.members("categories.tsv")


@cache
def all_members() -> frozenset[str]:
    """Return all words that the lists of these tasks may contain."""
    return frozenset(item for table in (concepts(), categories()) for line in table.values() for item in line)


def items(text: str) -> list[str]:
    """Return the parts of "A, B, C" or "A, B, and C"; none if the text is not such a list."""
    parts = re.split(r", and |, ", text)
    return parts if len(parts) > 2 and all(part in all_members() for part in parts) else []


def unordered(text: str) -> str:
    """Return a key that does not depend on the order of the list."""
    return " ".join(sorted(items(text)))


def _trio(table: Classes, joint: str, rng: Random) -> str:
    first, second, third = rng.sample(rng.choice(tuple(table.values())), 3)
    return f"{first}, {second}{joint}{third}"


def _shared(table: Classes, text: str, stop: str = "") -> Answers | None:
    """Return the names of all classes that contain every item."""
    parts = set(items(text))
    found = [name + stop for names, line in table.items() if parts and parts <= set(line) for name in names]
    return tuple(found) or None


def _with_stranger(rng: Random) -> str:
    """Return four members of a category and one of another category."""
    line, other = rng.sample(tuple(categories().values()), 2)
    chosen = [*rng.sample(line, 4), rng.choice(other)]
    rng.shuffle(chosen)
    return ", ".join(chosen)


@cache
def _category_sets() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(line) for line in categories().values())


def stranger(text: str) -> Answers | None:
    """Return the only item whose removal leaves items of one category."""
    parts = items(text)
    lines = _category_sets()
    if len(parts) < 4 or any(set(parts) <= line for line in lines):
        return None
    odd = [part for part in parts if any(set(parts) - {part} <= line for line in lines)]
    return (odd[0],) if len(odd) == 1 else None


def _normal(text: str) -> Answers | None:
    odd = stranger(text)
    return (", ".join(part for part in items(text) if part not in odd),) if odd else None


def _edge(index: int, text: str) -> Answers | None:
    return (items(text)[index],) if items(text) else None


def _any_list(rng: Random) -> str:
    kind = rng.randrange(3)
    return _with_stranger(rng) if kind == 0 else _trio(concepts() if kind == 1 else categories(), ", ", rng)


def _texts(table: Classes) -> list[str]:
    return ["and", *(word for names, line in table.items() for word in (*names, *line))]


TASKS = (
    TaskSpec(
        name="common_concept",
        description="Say what the things have in common.",
        draw=lambda rng: _trio(concepts(), ", ", rng),
        answer=lambda text: _shared(concepts(), text, "."),
        good=(
            "say what the {things|items|objects} {have in common|share}.",
            "V what {all|all of} the {things|items|objects} have in common.",
            "V {a|the} {property|concept} that {all the|the} {things|items|objects} share.",
            "find {a|the} {common|shared} {property|concept} of the {things|items|objects}.",
        ),
        siblings=("first_listed", "last_listed"),
        plain_family="about_things",
        metric="f1",
        weight=1.6,
        key=unordered,
        texts=lambda: _texts(concepts()),
    ),
    TaskSpec(
        name="auto_categorization",
        description="Name the category that the things belong to.",
        draw=lambda rng: _trio(categories(), ", and ", rng),
        answer=lambda text: _shared(categories(), text),
        good=(
            "V the {category|group} {the things|the items|the words|they all} belong to.",
            "name the {category|group} {the things|the items|they all} belong to.",
            "V {a|one} {category|heading} that fits {all the things|all the items}.",
            "{categorize|classify} the {things|items|words}.",
        ),
        siblings=("first_listed", "last_listed"),
        plain_family="group",
        weight=1.3,
        key=unordered,
        texts=lambda: _texts(categories()),
    ),
    TaskSpec(
        name="odd_one_out",
        description="Write the word that does not belong with the others.",
        draw=_with_stranger,
        answer=stranger,
        good=(
            "V the {odd one out|word that is the odd one out}.",
            "V the {word|item|one} that does not {belong|fit} with the {others|rest}.",
            "find the {word|item|one} that does not {belong|fit}{| with the others}.",
            "name the {word|item} that is {different|not like the others}.",
        ),
        siblings=("first_listed", "without_stranger"),
        plain_family="one_of_them",
        weight=1.6,
        key=unordered,
        texts=lambda: _texts(categories()),
    ),
    TaskSpec(
        name="first_listed",
        description="Write the first thing of a list.",
        draw=_any_list,
        answer=lambda text: _edge(0, text),
        good=("V the first {thing|word} that is {listed|named}.",),
        siblings=("last_listed",),
        weight=0.3,
        shipped=False,
    ),
    TaskSpec(
        name="last_listed",
        description="Write the last thing of a list.",
        draw=_any_list,
        answer=lambda text: _edge(-1, text),
        good=("V the {last|final} {thing|word} that is {listed|named}.",),
        siblings=("first_listed",),
        weight=0.3,
        shipped=False,
    ),
    TaskSpec(
        name="without_stranger",
        description="Write the words that belong together.",
        draw=_with_stranger,
        answer=_normal,
        good=("V {all|only} the {words|items} that belong together.",),
        siblings=("last_listed",),
        weight=0.3,
        shipped=False,
        key=unordered,
    ),
)
