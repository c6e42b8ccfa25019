"""Tasks about lists of things."""

import re
from collections.abc import Iterable
from random import Random

from training.corpus import lexicon
from training.corpus.types import Answers, TaskSpec

ANIMALS = tuple(lexicon.animal_sizes())
THINGS = lexicon.words("things.txt")[::2]  # fewer words are learned more reliably
ALL_WORDS = (*ANIMALS, *THINGS)
COUNTS = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def countable(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words that have a regular plural."""
    return tuple(word for word in words if not word.endswith(("s", "sheep", "moose", "bison")))


COUNTABLE = tuple(word for word in countable(ALL_WORDS) if word not in ("deer", "potato", "tomato"))


def many(word: str) -> str:
    """Return the plural used when counting things."""
    special = {"mouse": "mice", "goose": "geese"}
    if word in special:
        return special[word]
    if word.endswith(("ch", "sh", "x", "s")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def items(text: str) -> list[str]:
    """Return the parts of a comma-separated list; none if the text is not a list."""
    parts = text.split(", ")
    return parts if len(parts) > 1 and all(part in ALL_WORDS for part in parts) else []


def _two_animals(rng: Random) -> str:
    sizes = lexicon.animal_sizes()
    while True:
        first, second = rng.sample(ANIMALS, 2)
        if sizes[first] != sizes[second]:
            return f"{first}, {second}"


def _by_size(largest: bool, text: str) -> Answers | None:
    parts = items(text)
    sizes = lexicon.animal_sizes()
    if len(parts) != 2 or any(part not in sizes for part in parts):
        return None
    ordered = sorted(parts, key=lambda part: sizes[part])
    return (ordered[-1] if largest else ordered[0],)


def _mixed(rng: Random) -> str:
    chosen = rng.sample(ANIMALS, rng.randint(1, 4))
    chosen += rng.sample(THINGS, rng.randint(4, 6) - len(chosen) if len(chosen) < 4 else 2)
    rng.shuffle(chosen)
    return ", ".join(chosen)


def _members(animals: bool, text: str) -> Answers | None:
    chosen = [part for part in items(text) if (part in lexicon.animal_sizes()) == animals]
    return (", ".join(chosen),) if chosen else None


def _listed(rng: Random) -> str:
    return "List: " + " ".join(rng.sample(ALL_WORDS, rng.randint(2, 5)))


def _list_words(text: str) -> list[str]:
    return text.removeprefix("List: ").split() if text.startswith("List: ") else []


def _listing(text: str, reverse: bool) -> Answers | None:
    words = _list_words(text)
    return (" ".join(words[::-1] if reverse else sorted(words)),) if words else None


def _possessions(rng: Random) -> str:
    """Return a sentence such as "I have a drum, two chickens, and an olive."."""
    phrases = []
    for word in rng.sample(COUNTABLE, rng.randint(2, 6)):
        count = rng.choice(("a", "a", "a", "two", "three", "four"))
        article = "an" if word[0] in "aeio" or word.startswith("um") else "a"
        phrases.append(f"{article} {word}" if count == "a" else f"{count} {many(word)}")
    middle = ", ".join(phrases[:-1])
    return f"I have {middle}{',' if len(phrases) > 2 else ''} and {phrases[-1]}."


def _counts(text: str) -> list[int]:
    if not text.startswith("I have "):
        return []
    return [COUNTS[word] for word in re.findall(r"[a-z]+", text) if word in COUNTS]


def _first_object(text: str) -> Answers | None:
    return (re.split(r",| and ", text.removeprefix("I have "))[0].split()[-1],) if _counts(text) else None


TASKS = (
    TaskSpec(
        name="larger_animal",
        description="Write the larger of two animals.",
        draw=_two_animals,
        answer=lambda text: _by_size(True, text),
        good=(
            "V the {larger|bigger} of the {two animals|animals|two}.",
            "{choose|name} the animal that is {larger|bigger}.",
            "say which {animal|one} is {larger|bigger}.",
        ),
        siblings=("smaller_animal", "first_item"),
        plain_family="pick",
        weight=1.2,
    ),
    TaskSpec(
        name="taxonomy_animal",
        description="Write the animals in a list of words.",
        draw=_mixed,
        answer=lambda text: _members(True, text),
        good=(
            "V {all the animals|the animals|every animal} in the list.",
            "V {only the|all} {words|items} that are animals.",
            "{find|list} {all the animals|the animals|every animal} in the list.",
        ),
        siblings=("non_animals", "first_item"),
        plain_family="select",
        metric="exact_set",
        weight=3,
    ),
    TaskSpec(
        name="word_sorting",
        description="Sort a list of words alphabetically.",
        draw=_listed,
        answer=lambda text: _listing(text, reverse=False),
        good=(
            "{sort|order|arrange} the {words|list} {alphabetically|in alphabetical order}.",
            "V the {words|list} {sorted alphabetically|in alphabetical order}.",
            "put the {words|list} in {alphabetical order|the order of a dictionary}.",
        ),
        siblings=("reverse_list", "first_list_word"),
        plain_family="order",
        weight=3,
    ),
    TaskSpec(
        name="object_counting",
        description="Count all the objects somebody has.",
        draw=_possessions,
        answer=lambda text: (str(sum(_counts(text))),) if _counts(text) else None,
        good=(
            "V the {total number|number} of {objects|things|items} {mentioned|in the sentence}.",
            "{count|add up} all the {objects|things} in the {sentence|text}.",
            "V how many {objects|things} there are{| in total}.",
        ),
        siblings=("kind_counting", "first_object"),
        plain_family="items",
        weight=2.2,
    ),
    TaskSpec(
        name="smaller_animal",
        description="Write the smaller of two animals.",
        draw=_two_animals,
        answer=lambda text: _by_size(False, text),
        good=("V the smaller of the {two animals|animals|two}.",),
        siblings=("larger_animal",),
        shipped=False,
        weight=0.6,
    ),
    TaskSpec(
        name="first_item",
        description="Write the first item of a list.",
        draw=lambda rng: _mixed(rng) if rng.random() < 0.5 else _two_animals(rng),
        answer=lambda text: (items(text)[0],) if items(text) else None,
        good=("V the first {item|word} of the list.",),
        siblings=("larger_animal",),
        shipped=False,
        weight=1,
    ),
    TaskSpec(
        name="non_animals",
        description="Write the words of a list that are no animals.",
        draw=_mixed,
        answer=lambda text: _members(False, text),
        good=("V {all|only} the {words|items} that are not animals.",),
        siblings=("first_item",),
        shipped=False,
        weight=0.6,
    ),
    TaskSpec(
        name="reverse_list",
        description="Reverse a list of words.",
        draw=_listed,
        answer=lambda text: _listing(text, reverse=True),
        good=("{reverse|turn around} the {list|words}.", "V the {list|words} in reverse order."),
        siblings=("first_list_word",),
        shipped=False,
        weight=0.4,
    ),
    TaskSpec(
        name="first_list_word",
        description="Write the first word of a list.",
        draw=_listed,
        answer=lambda text: (_list_words(text)[0],) if _list_words(text) else None,
        good=("V the first {word|item} of the list.",),
        siblings=("reverse_list",),
        shipped=False,
        weight=0.8,
    ),
    TaskSpec(
        name="kind_counting",
        description="Count the kinds of objects somebody has.",
        draw=_possessions,
        answer=lambda text: (str(len(_counts(text))),) if _counts(text) else None,
        good=("V the number of {different kinds|kinds} of {objects|things}.",),
        siblings=("first_object",),
        shipped=False,
        weight=0.3,
    ),
    TaskSpec(
        name="first_object",
        description="Write the first object mentioned.",
        draw=_possessions,
        answer=_first_object,
        good=("V the first {object|thing} mentioned.",),
        siblings=("kind_counting",),
        shipped=False,
        weight=0.3,
    ),
)
