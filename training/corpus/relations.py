"""Tasks about how one word relates to another: meaning, sound, or the same letters."""

from functools import cache
from random import Random

from training.corpus import lexicon
from training.corpus.letters import is_word
from training.corpus.types import Answers, TaskSpec

UNSCRAMBLED = 120  # words; a tiny model must learn the letters of every one of them


def _from_groups(name: str) -> dict[str, Answers]:
    """Map every word to the others of its group; the group's first word is the training answer of the rest."""
    return {
        word: tuple(other for other in (*words, *further) if other != word)
        for words, further in lexicon.groups(name)
        for word in words
    }


@cache
def synonyms() -> dict[str, Answers]:
    """Return the synonyms of every word."""
    return _from_groups("synonyms.txt")


@cache
def rhymes() -> dict[str, Answers]:
    """Return the rhymes of every word."""
    return _from_groups("rhymes.txt")


@cache
def unscrambled() -> dict[str, str]:
    """Return the words by their letters in alphabetical order; no two words have the same letters."""
    found: dict[str, list[str]] = {}
    for word in lexicon.single_words():
        if 4 <= len(word) <= 5:
            found.setdefault("".join(sorted(word)), []).append(word)
    single = [(letters, words[0]) for letters, words in found.items() if len(words) == 1]
    return dict(single[:UNSCRAMBLED])


@cache
def solutions() -> dict[str, Answers]:
    """Return, by letters in alphabetical order, the word and all other words with these letters."""
    others = {words[0]: words[1:] for words, _ in lexicon.groups("anagrams.txt")}
    return {letters: (word, *others.get(word, ())) for letters, word in unscrambled().items()}


def _scrambled(rng: Random) -> str:
    word = rng.choice(tuple(unscrambled().values()))
    while True:
        text = "".join(rng.sample(word, len(word)))
        if unscramble(text):
            return text


def unscramble(text: str) -> Answers | None:
    """Return the solutions; None if the letters are already in the order of a word."""
    words = solutions().get("".join(sorted(text)), ()) if is_word(text) else ()
    return words if words and text not in words else None


def _sorted_letters(text: str) -> Answers | None:
    return ("".join(sorted(text)),) if is_word(text) and len(text) <= 6 else None


TASKS = (
    TaskSpec(
        name="synonyms",
        description="Write a word that means the same.",
        draw=lambda rng: rng.choice(tuple(synonyms())),
        answer=lambda text: synonyms().get(text),
        good=(
            "V {a|one} synonym of the W.",
            "V {a|another} word that means the same as the W.",
            "V {a|another} word with the same meaning.",
            "find {a|one} synonym {of|for} the W.",
            "say the same as the W {with|in} {another|a different} word.",
        ),
        siblings=("repeat_word", "last_letter"),
        plain_family="similar_word",
        metric="contains",
        table=tuple(synonyms()),
        weight=1.3,
    ),
    TaskSpec(
        name="rhymes",
        description="Write a word that rhymes.",
        draw=lambda rng: rng.choice(tuple(rhymes())),
        answer=lambda text: rhymes().get(text),
        good=(
            "V {a|one|another} word that rhymes with the W.",
            "V {a|one} rhyme {for|of} the W.",
            "find {a|one|another} word that rhymes with the W.",
            "V {a|another} word with the same final sound as the W.",
        ),
        siblings=("repeat_word", "last_letter"),
        plain_family="sound",
        table=tuple(rhymes()),
        weight=1.3,
    ),
    TaskSpec(
        name="word_unscrambling",
        description="Put the letters of a scrambled word in their right order.",
        draw=_scrambled,
        answer=unscramble,
        good=(
            "{unscramble|unravel} the {scrambled word|anagram}.",
            "V the word that the {scrambled|mixed} letters {make up|belong to}.",
            "{unscramble|rearrange} the {letters|scrambled letters} {into|to form} {a|the right} word.",
            "put the {letters|scrambled letters} in {the right|their proper} order to {form|make} a word.",
        ),
        siblings=("sorted_letters", "first_word_letter"),
        plain_family="mixed_letters",
        weight=2.0,
    ),
    TaskSpec(
        name="sorted_letters",
        description="Write the letters of a word in alphabetical order.",
        draw=_scrambled,
        answer=_sorted_letters,
        good=("{sort|arrange} the letters of the W alphabetically.", "V the letters of the W in alphabetical order."),
        siblings=("first_word_letter",),
        weight=0.4,
        shipped=False,
    ),
)
