"""Tasks about one word and its letters."""

from random import Random

from training.corpus import lexicon
from training.corpus.types import Answers, TaskSpec

ONSETS = (
    "b c d f g h j k l m n p qu r s t v w y z bl br ch cl cr dr fl fr gl gr pl pr sc sh sl sm sn sp st str sw th tr"
).split()
VOWELS = "a e i o u ai ea ee oa ou".split()
CODAS = ["", "", "", *"b ck d ft g k l ll m mp n nd ng nt p r rd rk s sh ss st t ch x y".split()]
IRREGULAR = dict(lexicon.rows("irregular_plurals.tsv"))


def made_up_word(rng: Random) -> str:
    """Draw a pronounceable word of one to three syllables, sometimes starting with a vowel."""
    syllables = rng.choice((1, 2, 2, 3))
    parts = []
    for index in range(syllables):
        onset = "" if index == 0 and rng.random() < 0.15 else rng.choice(ONSETS)
        coda = rng.choice(CODAS) if index == syllables - 1 or rng.random() < 0.3 else ""
        parts.append(onset + rng.choice(VOWELS) + coda)
    return "".join(parts)[:11]


def is_word(text: str) -> bool:
    """Return True for one lower-case word of at least two letters."""
    return text.isascii() and text.isalpha() and text.islower() and len(text) > 1


def natural_word(rng: Random) -> str:
    """Draw a real word."""
    return rng.choice(lexicon.single_words())


def any_word(rng: Random) -> str:
    """Draw a real or a made-up word, half of the time each, so that letters must be read, not remembered."""
    return natural_word(rng) if rng.random() < 0.5 else made_up_word(rng)


def noun(rng: Random) -> str:
    """Draw a real noun, or a made-up one with a regular plural."""
    if rng.random() < 0.7:
        return natural_noun(rng)
    while True:
        word = made_up_word(rng)
        if not word.endswith(("f", "o", "fe", "s", "x", "z")) or rng.random() < 0.1:
            return word


def natural_noun(rng: Random) -> str:
    """Draw a real noun."""
    pool = lexicon.words("nouns.txt") + tuple(row[0] for row in lexicon.rows("translations.tsv"))
    return rng.choice((*pool, *IRREGULAR))


UNCOUNTABLE = frozenset(
    "air weather music gold silver money snow rain salt sugar iron sand grass milk bread butter luck peace silence "
    "people work health earth science hair meat wood water blood ice sky work truth debt".split()
)


def plural(word: str) -> str:
    """Return the plural, by rule or from the table of irregular plurals."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def _plural_answer(text: str) -> Answers | None:
    return (plural(text),) if is_word(text) and text not in UNCOUNTABLE else None


def _letter(index: int, text: str) -> Answers | None:
    return (text[index],) if is_word(text) else None


TASKS = (
    TaskSpec(
        name="first_word_letter",
        description="Write the first letter of a word.",
        draw=any_word,
        natural=natural_word,
        answer=lambda text: _letter(0, text),
        good=(
            "V the {first|initial|opening} letter of the W.",
            "V the letter that the W {begins|starts} with.",
            "take the W and V its {first|initial|opening} letter.",
        ),
        siblings=("second_word_letter", "last_letter"),
        plain_family="a_letter",
        weight=0.7,
    ),
    TaskSpec(
        name="second_word_letter",
        description="Write the second letter of a word.",
        draw=any_word,
        natural=natural_word,
        answer=lambda text: _letter(1, text),
        good=(
            "V the second letter of the W.",
            "V the letter {that follows|right after} the first letter of the W.",
            "take the W and V {its second letter|letter number two}.",
        ),
        siblings=("first_word_letter", "last_letter"),
        plain_family="a_letter",
        weight=0.7,
    ),
    TaskSpec(
        name="letters_list",
        description="Write the letters of a word with spaces between them.",
        draw=any_word,
        natural=natural_word,
        answer=lambda text: (" ".join(text),) if is_word(text) else None,
        good=(
            "V {all|all the} letters of the W with {spaces|a space} between them.",
            "{spell out|break up} the W with {spaces|a space} between the letters.",
            "put {spaces|a space} between the letters of the W.",
        ),
        siblings=("repeat_word", "first_word_letter"),
        plain_family="letters",
        weight=1.1,
    ),
    TaskSpec(
        name="singular_to_plural",
        description="Turn a singular noun into its plural.",
        draw=noun,
        natural=natural_noun,
        answer=_plural_answer,
        good=(
            "V the plural {form|version} of the {word|input|noun|given word}.",
            "{turn|convert} the W {into|to} its plural.",
            "V the word for {two|many} of the {thing|noun}.",
        ),
        siblings=("repeat_word", "last_letter"),
        plain_family="form",
        weight=1.5,
    ),
    TaskSpec(
        name="last_letter",
        description="Write the last letter of a word.",
        draw=any_word,
        answer=lambda text: _letter(-1, text),
        good=("V the {last|final} letter of the W.", "V the letter that the W ends with."),
        siblings=("first_word_letter",),
        shipped=False,
        weight=0.5,
    ),
    TaskSpec(
        name="repeat_word",
        description="Repeat a word.",
        draw=any_word,
        answer=lambda text: (text,) if is_word(text) else None,
        good=("V the W {unchanged|again}.", "repeat the W."),
        siblings=("first_word_letter",),
        shipped=False,
        weight=0.5,
    ),
)
