"""Tasks about a word's meaning: closed tables of facts."""

from functools import cache
from random import Random

from training.corpus import lexicon
from training.corpus.types import Answers, TaskSpec


@cache
def antonyms() -> dict[str, Answers]:
    """Return both directions of every pair; a word may have several opposites."""
    table: dict[str, tuple[str, ...]] = {}
    for left, right in lexicon.rows("antonyms.tsv"):
        table[left] = (*table.get(left, ()), right)
        table[right] = (*table.get(right, ()), left)
    return table


@cache
def translations(column: int) -> dict[str, Answers]:
    """Return the accepted translations by English word; column 1 is German, 2 French, 3 Spanish."""
    return {row[0]: tuple(row[column].split("|")) for row in lexicon.rows("translations.tsv")}


def _translation(code: str, column: int, language: str, abroad: str, plain: str) -> TaskSpec:
    others = tuple(f"translation_en-{other}" for other in ("de", "fr", "es") if other != code)
    table = translations(column)
    return TaskSpec(
        name=f"translation_en-{code}",
        description=f"Translate an English word into {language}.",
        draw=lambda rng: rng.choice(tuple(table)),
        answer=table.get,
        good=(
            f"translate the W {{into|to}} {language}.",
            f"V the {language} {{translation of|word for}} the W.",
            f"say the W in {{{language}|the language of {abroad}}}.",
        ),
        siblings=others,
        plain_family=plain,
        table=tuple(table),
        weight=1.2,
    )


def _opposite(rng: Random) -> str:
    return rng.choice(tuple(antonyms()))


TASKS = (
    TaskSpec(
        name="antonyms",
        description="Write a word that means the opposite.",
        draw=_opposite,
        answer=lambda text: antonyms().get(text),
        good=(
            "V the {opposite|antonym} of the W.",
            "V a word that means the {opposite|reverse} of the W.",
            "V a word with the opposite meaning.",
            "find the {opposite|antonym} of the W.",
        ),
        siblings=("repeat_word", "last_letter"),
        plain_family="related",
        table=tuple(antonyms()),
        weight=1.5,
    ),
    _translation("de", 1, "German", "Germany", "translate"),
    _translation("fr", 2, "French", "France", "abroad"),
    _translation("es", 3, "Spanish", "Spain", "elsewhere"),
)
