"""Leakage of training data: exemplars that an instruction copies, with their answers.

An instruction such as "Write the antonym, for example hot -> cold" scores well on (hot, cold) without being better,
and it discloses data of the task to every reader of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from instructzero.tasks.answers.text import normal_form
from instructzero.types import Example

# Signs that join two words without white space, as in "hot->cold" or "hot/cold", but not in "3.5" or "don't".
_GLUE = re.compile(r"(?<=\w)(?!['’]\w)(?!(?<=\d)[.,]\d)[^\w\s]+?(?=[-−]?\d|\w)")
_TELLING_LETTERS, _TELLING_DIGITS = 6, 4
_TELLING_PAIR, _TELLING_NEIGHBOURS = 6, 3  # letters and digits of input and output

# Words that are common in instructions: a text of these words alone is not evidence of a copy.
_INSTRUCTION_WORDS = frozenset(
    "a an answer answers antonym change choose complete convert correct describe english example examples explain "
    "express extract find first following for french german given identify in indicate input inputs instruction into "
    "is language last letter letters list meaning name number numbers of opposite order output outputs phrase plural "
    "print provide question remove repeat replace response result return reverse rewrite same second select sentence "
    "sentences should simple single singular spanish statement string synonym text the to translate word words "
    "write".split()
)


def leaks(instruction: str, exemplars: Sequence[Example]) -> tuple[Example, ...]:
    """Return the exemplars that ``instruction`` copies, in their order.

    Texts are compared as whole words in normal form (`tasks.text`). An exemplar is copied

    - by its input or an accepted output alone, if that text is unlikely to occur by chance: two words or more, six
      letters or more, or a number of four digits or more, and not only words that are common in instructions;
    - by its input and an accepted output together, if the two differ and have six letters and digits or more in
      total; three are enough if at most one word stands between input and output, as in "5 becomes 53".

    An output that two exemplars share is a label, which an instruction may name. If half of the exemplars have such an
    output, all outputs count as labels. With more exemplars of the task, labels are recognised more reliably.

    >>> leaks("Write the antonym, for example hot -> cold.", [Example("hot", ("cold",)), Example("up", ("down",))])
    (Example(input='hot', outputs=('cold',)),)
    """
    text, labels = _form(instruction), _labels(exemplars)
    return tuple(exemplar for exemplar in exemplars if _is_copied(exemplar, text, labels))


def _is_copied(exemplar: Example, text: str, labels: frozenset[str]) -> bool:
    given, *answers = map(_form, (exemplar.input, *exemplar.outputs))
    alone = {given, *answers} - (labels - {given})
    return any(_is_telling(phrase) and _holds(text, phrase) for phrase in alone) or any(
        _is_pair_copied(text, given, answer) for answer in answers
    )


def _is_pair_copied(text: str, given: str, answer: str) -> bool:
    if given == answer or not (_holds(text, given) and _holds(text, answer)):
        return False
    if _is_instruction_talk(f"{given} {answer}"):
        return False
    size = _size(given + answer)
    return size >= _TELLING_PAIR or (size >= _TELLING_NEIGHBOURS and _follows(text, given, answer))


def _is_telling(phrase: str) -> bool:
    """Return True if the text is too long to occur in an instruction by chance."""
    if " " in phrase:
        least = 3
    else:
        least = _TELLING_DIGITS if phrase.lstrip("-").replace(".", "").isdecimal() else _TELLING_LETTERS
    return _size(phrase) >= least and not _is_instruction_talk(phrase)


def _is_instruction_talk(phrase: str) -> bool:
    return _INSTRUCTION_WORDS.issuperset(phrase.split())


def _labels(exemplars: Sequence[Example]) -> frozenset[str]:
    """Return the outputs that exemplars share, in normal form; all outputs if half of the exemplars have such a one."""
    outputs = [{_form(output) for output in exemplar.outputs} for exemplar in exemplars]
    counts = Counter(output for forms in outputs for output in forms)
    labels = {output for output, count in counts.items() if count > 1}
    with_label = sum(1 for forms in outputs if forms & labels)
    return frozenset(counts if 2 * with_label >= len(outputs) else labels)


def _form(text: str) -> str:
    """Return the normal form as words with single spaces: joined words are separated, and lone signs removed."""
    words = normal_form(_GLUE.sub(" ", text)).split()
    return " ".join(word for word in words if _size(word))


def _size(text: str) -> int:
    """Return the number of letters and digits."""
    return sum(character.isalnum() for character in text)


def _holds(text: str, phrase: str) -> bool:
    """Return True if ``text`` contains the words of ``phrase`` as consecutive whole words; False for no words."""
    return bool(phrase) and f" {phrase} " in f" {text} "


def _follows(text: str, given: str, answer: str) -> bool:
    return re.search(rf"(?<!\S){re.escape(given)} (?:\S+ )?{re.escape(answer)}(?!\S)", text) is not None
