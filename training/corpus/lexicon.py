"""The word lists of the corpus, read once from `training/corpus/data`."""

from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


def _lines(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@cache
def words(name: str) -> tuple[str, ...]:
    """Return all words of a list, in file order."""
    return tuple(word for line in _lines(name) for word in line.split())


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return all tab-separated rows of a table."""
    return tuple(tuple(line.split("\t")) for line in _lines(name))


@cache
def groups(name: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return the words of every line of a list, before and after the bar."""
    halves = [line.partition(" | ") for line in _lines(name)]
    return tuple((tuple(words.split()), tuple(further.split())) for words, _, further in halves)


@cache
def members(name: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return a table of classes: accepted names → members."""
    return {tuple(names.split("|")): tuple(line.split()) for names, line in rows(name)}


@cache
def animal_sizes() -> dict[str, int]:
    """Return the size class of every animal; 0 is the smallest."""
    return {animal: size for size, line in enumerate(_lines("animals.txt")) for animal in line.split()}


@cache
def single_words() -> tuple[str, ...]:
    """Return all words that may be the input of a task about one word, without repeats."""
    from_tables = [row[0] for row in rows("translations.tsv")]
    from_pairs = [word for row in rows("antonyms.tsv") for word in row]
    return tuple(dict.fromkeys([*from_tables, *from_pairs, *words("nouns.txt"), *words("verbs.txt")]))


PEOPLE = (
    "tourist senator athlete scientist manager lawyer professor student president secretary banker dentist plumber "
    "carpenter chemist lecturer reporter critic director mechanic"
).split()

VERBS = {  # past tense → base form
    "supported": "support", "contacted": "contact", "advised": "advise", "introduced": "introduce",
    "mentioned": "mention", "encouraged": "encourage", "thanked": "thank", "recognized": "recognize",
    "avoided": "avoid", "admired": "admire", "believed": "believe", "called": "call", "helped": "help",
    "visited": "visit", "followed": "follow", "invited": "invite", "warned": "warn", "questioned": "question",
    "greeted": "greet", "blamed": "blame",
}  # fmt: skip

AUXILIARIES = ("is", "was", "are", "were", "can", "will", "has", "had", "should", "must")

GOOD_WORDS = (
    "charming delightful brilliant moving funny touching gorgeous thrilling wonderful superb inventive witty graceful "
    "enchanting masterful uplifting dazzling heartfelt captivating refreshing"
).split()

BAD_WORDS = (
    "dull tedious boring awful clumsy predictable lifeless painful dreadful shallow pointless messy annoying bland "
    "forgettable tiresome stilted unfunny dismal hollow"
).split()

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()

TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()


def plural_person(person: str) -> str:
    """Return the plural: secretary → secretaries, tourist → tourists."""
    return person[:-1] + "ies" if person.endswith("y") else person + "s"
