"""Rewriting informal sentences in formal language, phrase by phrase."""

import re
from random import Random

from training.corpus import lexicon
from training.corpus.types import Answers, TaskSpec

OPENERS: dict[str, str] = {row[0]: row[1] for row in lexicon.rows("formal_openers.tsv")}
VERBS: dict[str, str] = {row[0]: row[1] for row in lexicon.rows("formal_verbs.tsv")}
ENDINGS: dict[str, str] = {row[0]: row[1] for row in lexicon.rows("formal_endings.tsv")}


def _choice(table: dict[str, str]) -> str:
    return "|".join(re.escape(phrase) for phrase in table)


SENTENCE = re.compile(rf"({_choice(OPENERS)}) ({_choice(VERBS)})(?: ({_choice(ENDINGS)}))?([.?])")


def _informal(rng: Random) -> str:
    """Return a sentence such as "I wanna fix the car asap."."""
    opener, verb = rng.choice(tuple(OPENERS)), rng.choice(tuple(VERBS))
    ending = f" {rng.choice(tuple(ENDINGS))}" if rng.random() < 0.7 else ""
    return f"{opener} {verb}{ending}{'?' if opener.startswith('Can') else '.'}"


def formal(text: str) -> Answers | None:
    """Replace every phrase of the sentence by the formal one."""
    match = SENTENCE.fullmatch(text)
    if not match:
        return None
    ending = f" {ENDINGS[match[3]]}" if match[3] else ""
    return (f"{OPENERS[match[1]]} {VERBS[match[2]]}{ending}{match[4]}",)


def _without_ending(text: str) -> Answers | None:
    match = SENTENCE.fullmatch(text)
    return (f"{match[1]} {match[2]}{match[4]}",) if match else None


def _formal_deed(text: str) -> Answers | None:
    match = SENTENCE.fullmatch(text)
    return (VERBS[match[2]],) if match else None


TASKS = (
    TaskSpec(
        name="informal_to_formal",
        description="Rewrite an informal sentence in formal language.",
        draw=_informal,
        answer=formal,
        good=(
            "{rewrite|say|put} the {sentence|text} in {formal|more formal} {language|English|words}.",
            "{turn|convert|change} the {sentence|text} into {formal language|formal English}.",
            "make the {sentence|text} {formal|more formal|sound formal}.",
            "V {a formal version|the formal form} of the {sentence|text}.",
        ),
        siblings=("formal_deed", "shortened"),
        plain_family="style",
        metric="f1",
        weight=1.5,
        texts=lambda: [phrase for table in (OPENERS, VERBS, ENDINGS) for pair in table.items() for phrase in pair],
    ),
    TaskSpec(
        name="shortened",
        description="Leave out the adverb at the end of a sentence.",
        draw=_informal,
        answer=_without_ending,
        good=("{shorten|cut} the {sentence|text}.", "V a shorter version of the {sentence|text}."),
        siblings=("formal_deed",),
        weight=0.25,
        shipped=False,
    ),
    TaskSpec(
        name="formal_deed",
        description="Say formally what somebody does.",
        draw=_informal,
        answer=_formal_deed,
        good=("say {formally|in formal words} what {to do|is to do}.",),
        siblings=("shortened",),
        weight=0.3,
        shipped=False,
    ),
)
