"""Tasks about sentences, all made from a small lexicon of people, verbs and descriptions."""

import re
from random import Random

from training.corpus.lexicon import AUXILIARIES, BAD_WORDS, GOOD_WORDS, PEOPLE, VERBS, plural_person
from training.corpus.types import Answers, TaskSpec

PLACES = "gallery theater stadium university courtroom clinic restaurant parliament laboratory monastery".split()
STATES = (
    "ready for the meeting", "famous in Norway", "born in Lisbon", "known for a discovery",
    "responsible for the budget", "tired of the debate", "interested in pottery", "absent from the ceremony",
    "fluent in Finnish", "proud of the results",
)  # fmt: skip
SUBJECTS = "film plot cast script dialogue ending story acting direction comedy".split()
ADVERBS = "truly very simply utterly remarkably".split()
TRANSITIVE = re.compile(r"(The [a-z]+) ([a-z]+) (the [a-z]+)\.")
MARKED = re.compile(r"(.+\.) \[([a-z])\]")
PLURALS = {plural_person(person) for person in PEOPLE}


def _person(rng: Random) -> str:
    person = rng.choice(PEOPLE)
    return plural_person(person) if rng.random() < 0.4 else person


def _transitive(rng: Random) -> str:
    """Return a sentence such as "The tourist supported the senators."."""
    first, second = _person(rng), _person(rng)
    while second.rstrip("s")[:5] == first[:5]:
        second = _person(rng)
    return f"The {first} {rng.choice(tuple(VERBS))} the {second}."


def _descriptive(rng: Random) -> str:
    """Return a sentence such as "The tourist was famous in Norway." or "The senators will visit the gallery."."""
    person = _person(rng)
    is_plural = person in PLURALS
    if rng.random() < 0.5:
        being = rng.choice(("are", "were") if is_plural else ("is", "was"))
        return f"The {person} {being} {rng.choice((*STATES, f'in the {rng.choice(PLACES)}'))}."
    modal = rng.choice(("can", "will", "should", "must"))
    verb = rng.choice(tuple(VERBS.values()))
    return f"The {person} {modal} {verb} the {rng.choice((_person(rng), rng.choice(PLACES)))}."


def _statement(rng: Random) -> str:
    return _transitive(rng) if rng.random() < 0.5 else _descriptive(rng)


def negation(text: str) -> Answers | None:
    """Insert "not" after the first auxiliary, or "did not"."""
    match = TRANSITIVE.fullmatch(text)
    if match and match[2] in VERBS:
        return (f"{match[1]} did not {VERBS[match[2]]} {match[3]}.",)
    words = text.split()
    for index, word in enumerate(words):
        if word in AUXILIARIES and text.startswith("The ") and text.endswith("."):
            return (" ".join([*words[: index + 1], "not", *words[index + 1 :]]),)
    return None


def passive(text: str) -> Answers | None:
    """Return the passive: The tourist supported the senators. → The senators were supported by the tourist."""
    match = TRANSITIVE.fullmatch(text)
    if not match or match[2] not in VERBS:
        return None
    patient = match[3].removeprefix("the ")
    return (
        f"The {patient} {'were' if patient in PLURALS else 'was'} {match[2]} by the {match[1].removeprefix('The ')}.",
    )


def _words(text: str) -> list[str]:
    """Return the words of a sentence in lower case, without punctuation and without a marker such as [a]."""
    match = MARKED.fullmatch(text)
    sentence = match[1] if match else text
    return re.findall(r"[a-z]+", sentence.lower()) if " " in sentence and sentence.endswith(".") else []


def _marked(rng: Random) -> str:
    sentence = _statement(rng)
    return f"{sentence} [{rng.choice(sorted({word[0] for word in _words(sentence)}))}]"


def starting_with(text: str) -> list[str]:
    """Return the words that start with the marked letter, in order, without repeats."""
    match = MARKED.fullmatch(text)
    if not match:
        return []
    return list(dict.fromkeys(word for word in _words(text) if word.startswith(match[2])))


def _review(rng: Random) -> str:
    """Draw a positive or negative review; after "but" the sentiment changes, and the last part decides."""
    words, others = rng.sample((GOOD_WORDS, BAD_WORDS), 2)
    first, second = rng.sample(words, 2)
    subject = rng.choice(SUBJECTS)
    return rng.choice((
        f"A {first} and {second} {subject}.",
        f"{first.capitalize()}, {second} {subject}.",
        f"The {subject} is {rng.choice(ADVERBS)} {first}.",
        f"The {subject} is {first} and the {rng.choice(SUBJECTS)} is {second}.",
        f"The {subject} is {rng.choice(others)} but {rng.choice(ADVERBS)} {first} in the end.",
    ))  # fmt: skip


def mood(text: str) -> Answers | None:
    """Return the sentiment of the last evaluative word."""
    judged = [word for word in _words(text) if word in GOOD_WORDS or word in BAD_WORDS]
    return (("positive" if judged[-1] in GOOD_WORDS else "negative"),) if judged else None


def _edge_word(index: int, text: str) -> Answers | None:
    words = _words(text)
    return (words[index],) if words else None


def _any_sentence(rng: Random) -> str:
    return rng.choice((_statement, _statement, _review, _marked))(rng)


TASKS = (
    TaskSpec(
        name="negation",
        description="Negate a sentence.",
        draw=_statement,
        answer=negation,
        good=(
            "{negate|contradict} the {sentence|statement}{| with not}.",
            "{turn|change} the {sentence|statement} into its negation.",
            "V the {negation|negative form} of the {sentence|statement}.",
            "{rewrite|change} the {sentence|statement} so that it says the {opposite|contrary}.",
        ),
        siblings=("active_to_passive", "last_word"),
        plain_family="sentence_meaning",
        weight=0.5,
    ),
    TaskSpec(
        name="active_to_passive",
        description="Turn an active sentence into the passive voice.",
        draw=_transitive,
        answer=passive,
        good=(
            "{turn|change|rewrite} the {sentence|statement} {into|in} the passive voice.",
            "V the {sentence|statement} in {passive form|the passive voice}.",
            "make the {sentence|statement} passive.",
        ),
        siblings=("negation", "first_word"),
        plain_family="sentence_way",
        weight=0.5,
    ),
    TaskSpec(
        name="orthography_starts_with",
        description="Write the words of a sentence that start with the letter in brackets.",
        draw=_marked,
        answer=lambda text: (" ".join(starting_with(text)),) if starting_with(text) else None,
        good=(
            "V {all|all the|the} words that {start|begin} with the {given letter|letter in brackets}.",
            "{find|list} {all|all the|the} words that {start|begin} with the {given letter|letter in brackets}.",
            "V every word with that {first|initial} letter.",
        ),
        siblings=("starts_with_count", "first_word"),
        plain_family="some_words",
        metric="exact_set",
        weight=2,
    ),
    TaskSpec(
        name="sentiment",
        description="Say whether a review is positive or negative.",
        draw=_review,
        answer=mood,
        good=(
            "{say|decide|tell} whether the {text|review} is positive or negative.",
            "V the {sentiment|mood} of the {text|review}{|, positive or negative}.",
            "{classify|label} the {text|review} as positive or negative.",
        ),
        siblings=("first_word", "last_word"),
        plain_family="describe",
        weight=0.5,
    ),
    TaskSpec(
        name="first_word",
        description="Write the first word of a sentence.",
        draw=_any_sentence,
        answer=lambda text: _edge_word(0, text),
        good=("V the first word of the {sentence|text}.",),
        siblings=("last_word",),
        shipped=False,
        weight=0.3,
    ),
    TaskSpec(
        name="last_word",
        description="Write the last word of a sentence.",
        draw=_any_sentence,
        answer=lambda text: _edge_word(-1, text),
        good=("V the last word of the {sentence|text}.",),
        siblings=("first_word",),
        shipped=False,
        weight=0.3,
    ),
    TaskSpec(
        name="starts_with_count",
        description="Count the words that start with the letter in brackets.",
        draw=_marked,
        answer=lambda text: (str(len(starting_with(text))),) if starting_with(text) else None,
        good=("{count|number} the words that {start|begin} with the {given letter|letter in brackets}.",),
        siblings=("first_word",),
        shipped=False,
        weight=0.4,
    ),
)
