"""Tasks about two sentences: cause and effect, likeness, and a word's sense."""

import re
from functools import cache
from random import Random

from training.corpus import lexicon
from training.corpus.lexicon import PEOPLE
from training.corpus.types import Answers, TaskSpec

PAIR = re.compile(r"Sentence 1: ([^.]+\.) Sentence 2: ([^.]+\.)(?: Word: ([a-z]+))?")
PERSON = re.compile(rf"\b[Tt]he ({'|'.join(PEOPLE)})\b")
SAME, NOT_THE_SAME = ("same", "yes", "true"), ("not the same", "no", "false")
DEGREES = (
    "0 - definitely not", "1 - probably not", "2 - possibly", "3 - probably", "4 - almost perfectly", "5 - perfectly",
)  # fmt: skip

# The entries for each slot of a scene; the words of one entry mean the same.
SUBJECTS = (
    "guy/fellow lad/youngster kid/toddler cop/policeman lawyer/attorney dancer chef plumber drummer juggler student"
).split()
ACTIONS = (
    "carrying/hauling buying/purchasing cleaning/washing drawing/sketching fixing/repairing selling hiding "
    "watching/observing lifting/raising breaking"
).split()
OBJECTS = (
    "laptop/computer sofa/settee telephone/mobile photo/snapshot mug/beaker wardrobe/closet guitar drum balloon "
    "suitcase mattress"
).split()
PLACES = "yard/backyard cafe/coffeehouse cinema/theater hallway/corridor attic/loft bureau park garage stadium".split()
SLOTS = (SUBJECTS, ACTIONS, OBJECTS, PLACES)
SCENE = re.compile(r"A (\w+) is (\w+) a (\w+)(?: in the (\w+))?\.")
MEANING = {word: entry for slot in SLOTS for entry in slot for word in entry.split("/")}


def halves(text: str) -> tuple[str, str, str] | None:
    """Return both sentences and the marked word, which may be empty."""
    match = PAIR.fullmatch(text)
    return (match[1], match[2], match[3] or "") if match else None


def unordered(text: str) -> str:
    """Return a key that does not depend on the order of the sentences."""
    parts = halves(text)
    return "\n".join([*sorted(parts[:2]), parts[2]]) if parts else text


def _pair(first: str, second: str, rng: Random) -> str:
    """Return the two sentences in random order."""
    if rng.random() < 0.5:
        first, second = second, first
    return f"Sentence 1: {first} Sentence 2: {second}"


@cache
def causes() -> dict[str, str]:
    """Return the effect of every cause; WHO stands for a person."""
    return {row[0]: row[1] for row in lexicon.rows("causes.tsv")}


def _told_of(person: str, sentence: str) -> str:
    told = sentence.replace("WHO", f"the {person}")
    return told[0].upper() + told[1:]


def _cause_and_effect(rng: Random) -> str:
    person = rng.choice(PEOPLE)
    cause, effect = rng.choice(tuple(causes().items()))
    return _pair(_told_of(person, cause), _told_of(person, effect), rng)


def _of_cause(wants_cause: bool, text: str) -> Answers | None:
    parts = halves(text)
    if not parts:
        return None
    first, second = (PERSON.sub("WHO", sentence) for sentence in parts[:2])
    if causes().get(first) == second:
        return (parts[0] if wants_cause else parts[1],)
    return (parts[1] if wants_cause else parts[0],) if causes().get(second) == first else None


@cache
def senses() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return every ambiguous word with the uses of its two senses."""
    return {word: (tuple(one.split("|")), tuple(two.split("|"))) for word, one, two in lexicon.rows("senses.tsv")}


def _uses() -> list[str]:
    return [use for both in senses().values() for uses in both for use in uses]


def _word_in_context(rng: Random) -> str:
    word, uses = rng.choice(tuple(senses().items()))
    if rng.random() < 0.5:
        first, second = rng.sample(rng.choice(uses), 2)
    else:
        first, second = rng.choice(uses[0]), rng.choice(uses[1])
    one, other = rng.sample(PEOPLE, 2)
    return _pair(f"The {one} {first}.", f"The {other} {second}.", rng) + f" Word: {word}"


def same_sense(text: str) -> Answers | None:
    """Answer whether both uses of the word have the same sense."""
    parts = halves(text)
    if not parts or parts[2] not in senses():
        return None
    used = [PERSON.sub("", sentence).strip(" .") for sentence in parts[:2]]
    kinds = [[use in sense for sense in senses()[parts[2]]] for use in used]
    if not all(any(kind) for kind in kinds):
        return None
    return SAME if kinds[0] == kinds[1] else NOT_THE_SAME


def _scene(entries: list[str], rng: Random) -> str:
    """Return a sentence such as "A guy is carrying a drum in the park.", with random synonyms."""
    words = [rng.choice(entry.split("/")) for entry in entries]
    place = f" in the {words[3]}" if len(words) == 4 else ""
    return f"A {words[0]} is {words[1]} a {words[2]}{place}."


def _two_scenes(rng: Random) -> str:
    """Draw two scenes; all degrees of similarity are equally frequent.

    The degree determines the number of slots, out of four, that differ; for 4, one sentence omits the place.
    """
    degree = rng.randrange(6)
    first = [rng.choice(slot) for slot in SLOTS]
    differing = rng.sample(range(4), max(4 - degree, 0))
    second = list(first)
    for index in differing:
        second[index] = rng.choice([entry for entry in SLOTS[index] if entry != first[index]])
    if degree == 4:
        second.pop()
    return _pair(_scene(first, rng), _scene(second, rng), rng)


def similarity(text: str) -> Answers | None:
    """Return the similarity of two scenes, from 0 to 5."""
    parts = halves(text)
    scenes = [SCENE.fullmatch(sentence) for sentence in parts[:2]] if parts else []
    if len(scenes) != 2 or not scenes[0] or not scenes[1]:
        return None
    pairs = list(zip(scenes[0].groups(), scenes[1].groups(), strict=True))
    same = [MEANING.get(one) == MEANING.get(other) for one, other in pairs if one and other]
    if len(same) < 4:
        return (DEGREES[4],) if all(same) else None
    return (DEGREES[5 if all(same) else sum(same)],)


def _sentence(index: int, text: str) -> Answers | None:
    parts = halves(text)
    return (parts[index],) if parts else None


def _marked_word(text: str) -> Answers | None:
    parts = halves(text)
    return (parts[2],) if parts and parts[2] else None


def _any_pair(rng: Random) -> str:
    return rng.choice((_cause_and_effect, _word_in_context, _two_scenes))(rng)


TASKS = (
    TaskSpec(
        name="cause_and_effect",
        description="Write which of two sentences tells the cause of the other.",
        draw=_cause_and_effect,
        answer=lambda text: _of_cause(True, text),
        good=(
            "V the sentence that {is|tells|states} the cause{| of the other}.",
            "say which {sentence|of the two sentences} {is|tells} the cause{| of the other}.",
            "V {the cause|the one that is the cause} and not the effect.",
            "find the {cause|sentence that is the cause}{| and repeat it}.",
        ),
        siblings=("effect", "first_sentence"),
        plain_family="one_sentence",
        weight=1.5,
        key=unordered,
        texts=lambda: ["The Sentence", *(text.replace("WHO", "") for pair in causes().items() for text in pair)],
    ),
    TaskSpec(
        name="word_in_context",
        description="Say whether a word has the same meaning in both sentences.",
        draw=_word_in_context,
        answer=same_sense,
        good=(
            "say whether the {word|given word} {means the same|has the same meaning} in {both|the two} sentences.",
            "{decide|tell} whether the {word|given word} means the same in {both|the two} sentences.",
            "V {same or not the same|same if the meaning is the same} for the {word|given word} in both sentences.",
            "tell if the two sentences use the word in {the same|one} {sense|meaning}.",
        ),
        siblings=("marked_word", "second_sentence"),
        plain_family="about_word",
        weight=2.0,
        key=unordered,
        texts=lambda: ["The Sentence Word", *SAME, *NOT_THE_SAME, *_uses()],
    ),
    TaskSpec(
        name="sentence_similarity",
        description="Rate how similar two sentences are, from 0 to 5.",
        draw=_two_scenes,
        answer=similarity,
        good=(
            "rate {how similar the two sentences are|the similarity of the two sentences}{| from zero to five}.",
            "V {how similar the two sentences are|the similarity of the two sentences} from zero to five.",
            "{say|decide|tell} how {similar|alike} the {two sentences|sentences} are.",
            "V a {score|number} for the similarity of the {two sentences|sentences}.",
            "say how {similar the meanings|close the meanings} of the {two sentences|sentences} are.",
        ),
        siblings=("first_sentence", "second_sentence"),
        plain_family="two_sentences",
        weight=2.0,
        key=unordered,
        texts=lambda: ["Sentence A is a in the", *DEGREES, *MEANING],
    ),
    TaskSpec(
        name="effect",
        description="Write which of two sentences tells the effect of the other.",
        draw=_cause_and_effect,
        answer=lambda text: _of_cause(False, text),
        good=("V the sentence that {is|tells} the effect.", "say which sentence is the effect."),
        siblings=("first_sentence",),
        weight=0.4,
        shipped=False,
        key=unordered,
    ),
    TaskSpec(
        name="first_sentence",
        description="Write the first of two sentences.",
        draw=_any_pair,
        answer=lambda text: _sentence(0, text),
        good=("V the first sentence.", "repeat the first of the two sentences."),
        siblings=("second_sentence",),
        weight=0.25,
        shipped=False,
    ),
    TaskSpec(
        name="second_sentence",
        description="Write the second of two sentences.",
        draw=_any_pair,
        answer=lambda text: _sentence(1, text),
        good=("V the second sentence.", "repeat the second of the two sentences."),
        siblings=("first_sentence",),
        weight=0.25,
        shipped=False,
    ),
    TaskSpec(
        name="marked_word",
        description="Write the word that follows two sentences.",
        draw=_word_in_context,
        answer=_marked_word,
        good=("V the word {after|that follows} the sentences.",),
        siblings=("first_sentence",),
        weight=0.25,
        shipped=False,
    ),
)
