r"""The number, date or time that a text states as its answer, where it holds several.

The part that is read is, in this order: the line after the last ``####`` that begins with a figure; the content of the
last ``\boxed{}``; what follows a label such as "The answer is" or "Answer:"; else the whole text, without the questions
that some models go on to ask themselves. A mark without figures after it does not count, and a label before several
sentences of work does not either. A marked part states its first figure. In an unmarked text:

1. If the text begins with a sentence or line that is one figure with at most one word that matters, as in "42. It has
   two digits" or "42 pens", that figure is the answer. So is what the first sentence states if the rest only repeats
   its numbers, as in "19 + 7 = 26" with an explanation below.
2. Else the answer is the last figure that is no aside. Asides are figures after *for* (except money), *in*, *per*,
   *after*, *from*, *than*, *not*, *between*, *sum of*, *out of* and the like, after *because* or *since* in the same
   sentence, in brackets with other words or figures, and figures that belong to a word ("CO2").

Of an equation the answer is the last side that is one figure: 26 in "13 * 2 = 26" and in "26 = 13 * 2".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from instructzero.tasks.answers.forms import unwrapped
from instructzero.tasks.answers.moments import Moment, blanked, moments
from instructzero.tasks.answers.numbers import Quantity, plain_figures, quantities
from instructzero.tasks.answers.units import is_money

Figure = Quantity | Moment


@dataclass(frozen=True, slots=True)
class Notation:
    """The notation of ambiguous figures.

    Parameters
    ----------
    comma
        The comma is the decimal mark.
    month_first
        01/05/2024 is the fifth of January; None if it is not known.
    """

    comma: bool = False
    month_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """The part of a text in which its answer stands.

    Parameters
    ----------
    text
        The part, in the form of `plain_figures`.
    figures
        Its numbers, dates and times, in order.
    marked
        A mark such as ``####`` or "The answer is" comes before it.
    """

    text: str
    figures: tuple[Figure, ...]
    marked: bool = False

    @property
    def answer(self) -> Figure | None:
        """The figure that is the answer, or None if there is none."""
        if not self.figures:
            return None
        return _in_front(self) if self.marked else _leading(self) or self.last(self.figures)

    @property
    def sentence(self) -> tuple[Figure, ...]:
        """The figures of the sentence in which the answer stands."""
        answer = self.answer
        return next((figures for figures in _sentences(self) if answer in figures), ())

    def last(self, figures: Sequence[Figure]) -> Figure | None:
        """Return the last of ``figures`` that is no aside, or the last of all if all are asides."""
        asides = _asides(self)
        kept = [figure for figure in figures if figure not in asides] or figures
        return _result(self, kept[-1]) if kept else None


@lru_cache(maxsize=8192)  # the same answers are compared in every trial
def statement(text: str, notation: Notation) -> Statement:
    """Return the part of ``text`` in which its answer stands.

    >>> answer = statement("3 + 4 = 7, so the answer is 14. That is 2 * 7.", Notation()).answer
    >>> [str(value) for value in answer.values]
    ['14']
    """
    for part, marked in _parts(text):
        plain = plain_figures(part)
        if figures := _figures(plain, notation):
            found = Statement(plain, figures, marked is not None)
            return Statement(plain, figures) if marked == _LABEL and not _is_direct(found) else found
    return Statement(plain_figures(text), ())


def _figures(text: str, notation: Notation) -> tuple[Figure, ...]:
    found = moments(text, notation.month_first)
    numbers = quantities(blanked(text, found), notation.comma)
    return tuple(sorted([*found, *numbers], key=lambda figure: figure.start))


# The part that is read.

_MARK, _LABEL = "mark", "label"
_MOST_MARKS = 16  # a text that repeats its mark without end is no answer
_HASHES = re.compile(r"(?<!\S)####[^\S\n]*(?=\S)")
_FIGURE_FIRST = re.compile(r"(?!\d+[.)] +[^\W\d])[^\w\n]*(?:(?:final )?answer(?: is)?[^\w\n]*)?\d", re.IGNORECASE)
_ANSWER = re.compile(
    r"\banswers?\b[*_]*(?:\s+(?:to|for)\s[^.:\n]{1,80}?)?\s*"
    r"(?:(?P<colon>[:：=])|(?:is|are|was|(?:would|will|should|must)\s+be)\b\s*(?P<later>[:：])?)[*_]*\s*(?=\S)"
    r"|(?:答案|答え|正解|정답)[*_]*\s*(?:应该是|就是|是|为|は|은|(?P<wide>[:：]))[*_]*\s*(?=\S)",
    re.IGNORECASE,
)
_NEXT_QUESTION = re.compile(r"\n[^\S\n]*(?:q|question|input|problem)\s*\d*\s*[:：]", re.IGNORECASE)


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the parts of ``text`` that may state its answer, the best first, and by what they are marked."""
    for whole in dict.fromkeys((_NEXT_QUESTION.split(text, maxsplit=1)[0], text)):
        for found in reversed([*_HASHES.finditer(whole)][-_MOST_MARKS:]):
            line = whole[found.end() :].partition("\n")[0]
            if "boxed" in line or _FIGURE_FIRST.match(plain_figures(line)):
                yield unwrapped(line), _MARK
        inner = unwrapped(whole)
        before = whole[: whole.rfind(inner)] if inner else ""
        if "boxed" in before:
            yield inner, _MARK
        if labels := [*_ANSWER.finditer(whole)]:
            colon = labels[-1]["colon"] or labels[-1]["later"] or labels[-1]["wide"]
            yield unwrapped(whole[labels[-1].end() :]), _LABEL if colon else _MARK
        yield inner, _LABEL if "```" not in before and re.search(r"[^\W\d_]", before) else None


def _is_direct(part: Statement) -> bool:
    """Return True if ``part`` is one sentence with figures, or begins with a figure that stands alone."""
    sentences = [figures for figures in _sentences(part) if figures]
    first = sentences[0]
    return len(sentences) == 1 or (len(first) == 1 and not re.search(r"\w", part.text[: first[0].start]))


def _in_front(part: Statement) -> Figure:
    """Return the first figure of ``part`` that is no aside, or the result of the equation that begins with it."""
    first = next(figures for figures in _sentences(part) if figures)
    asides = _asides(part)
    return _result(part, next((figure for figure in first if figure not in asides), first[0]))


_SENTENCE_END = re.compile(r"\n+|[.!?。！？।؟](?=\s|$)|(?<=[。！？])")


def _spans(part: Statement) -> Iterator[tuple[int, int]]:
    """Yield the start and end of every sentence; none ends within a figure."""
    start = 0
    for found in _SENTENCE_END.finditer(part.text):
        before = bisect_left(part.figures, found.start(), key=_start) - 1
        if before < 0 or part.figures[before].end <= found.start():
            yield start, found.start()
            start = found.end()
    yield start, len(part.text)


def _sentences(part: Statement) -> list[tuple[Figure, ...]]:
    return [_inside(part, start, end) for start, end in _spans(part)]


def _inside(part: Statement, start: int, end: int) -> tuple[Figure, ...]:
    first, last = (bisect_left(part.figures, place, key=_start) for place in (start, end))
    return part.figures[first:last]


def _start(figure: Figure) -> int:
    return figure.start


_OPERATOR = re.compile(r"[\s()$]*[-–+*/×÷·=x≈^][\s()$]*")


def _result(part: Statement, figure: Figure) -> Figure:
    """Return the last side with one figure of the equation that holds ``figure``, or ``figure`` itself."""
    sides = next(sides for sides in _equations(part) if any(figure in side for side in sides))
    single = [side[0] for side in sides if len(side) == 1]
    return single[-1] if len(sides) > 1 and single else figure


def _equations(part: Statement) -> Iterator[list[list[Figure]]]:
    """Yield the figures of ``part`` in groups that operators join, each as its sides between equals signs."""
    sides: list[list[Figure]] = [[part.figures[0]]]
    for last, following in pairwise(part.figures):
        between = part.text[last.end : following.start]
        if not _OPERATOR.fullmatch(between):
            yield sides
            sides = [[following]]
        elif "=" in between or "≈" in between:
            sides.append([following])
        else:
            sides[-1].append(following)
    yield sides


# Rule 1: the answer comes first.

_WORDS = re.compile(r"[^\W\d_]+")
_FILLERS = frozenset(
    "it s is that this there are the a total of sum result equals so yes sure about approximately".split()
)


def _leading(part: Statement) -> Figure | None:
    """Return the figure with which the answer begins and which stands alone there, or None."""
    spans = [(start, end) for start, end in _spans(part) if part.text[start:end].strip()]
    first = _inside(part, *spans[0])
    if not first or _LIST.match(part.text):
        return None
    if _is_explained(part, first, spans[0][1]):
        return part.last(first)
    alone = [inside for start, end in spans if (inside := _alone(part, start, end))]
    return first[0] if len(alone) == 1 and alone[0] == first[0] else None


_LIST = re.compile(r"\W*1[.)]\s.*\s2[.)]\s", re.DOTALL)


def _alone(part: Statement, start: int, end: int) -> Figure | None:
    """Return the only figure of a sentence that has at most one word that matters beside it."""
    inside = _inside(part, start, end)
    if len(inside) != 1:
        return None
    words = _WORDS.findall(f"{part.text[start : inside[0].start]} {part.text[inside[0].end : end]}".lower())
    others = [word for word in words if word not in _FILLERS]
    return inside[0] if len(others) < 2 and sum(map(len, others)) < 20 else None


_STATES = re.compile(r"(?:=|≈|\b(?:is|are|equals?|makes?|gives?|totals?|to))[\s*$]*$", re.IGNORECASE)


def _is_explained(part: Statement, first: Sequence[Figure], end: int) -> bool:
    """Return True if the sentence before ``end`` states a result, and what follows only repeats its numbers."""
    stated, rest = part.last(first), part.figures[len(first) :]
    if not stated or not rest or "=" in part.text[end:] or not _STATES.search(part.text[: stated.start]):
        return False
    known = [part.text[figure.start : figure.end] for figure in first]
    values = {figure.values for figure in first if isinstance(figure, Quantity)}
    return all(
        (isinstance(figure, Quantity) and figure.values in values)
        or (
            figure.end == len(part.text) and any(text.startswith(part.text[figure.start :]) for text in known)
        )  # cut off
        for figure in rest
    )


# Rule 2: the last figure that is no aside.

_BEFORE_ASIDE = re.compile(
    r"(?:\b(?:for|per|every|after|within|during|from|than|not|between|\d (?:out )?of(?: the)?|out of"
    r"|(?:sum|difference|product|average|mean) of(?: the| both)?(?: two)?(?: numbers?)?"
    r"|(?<!result )(?<!results )(?<!resulting )(?<!resulted )in)|n't)"
    r"(?: (?:the|all|about|only|just|exactly|another|first|last|next))?\s*$",
    re.IGNORECASE,
)
_FOR = re.compile(r"\bfor(?: \w+)?\s*$", re.IGNORECASE)
_LINK = re.compile(r"\s*(?:,|and|or|to|[-–+*/×])\s*")
_REASON = re.compile(r"\b(?:because|since)\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\(([^()]*)\)")


@lru_cache(maxsize=8192)
def _asides(part: Statement) -> frozenset[Figure]:
    """Return the figures of ``part`` that are said beside its answer."""
    found = _in_brackets(part)
    for figures in filter(None, _sentences(part)):
        reason = _REASON.search(part.text, figures[0].end, figures[-1].start)
        for last, figure in zip((None, *figures), figures, strict=False):
            linked = last in found and last and _LINK.fullmatch(part.text, last.end, figure.start)
            explains = reason and figure.start > reason.start()
            if isinstance(figure, Quantity) and (explains or linked or figure.glued or _is_aside(part.text, figure)):
                found.add(figure)
    return frozenset(found)


def _is_aside(text: str, figure: Quantity) -> bool:
    before = text[max(0, figure.start - 60) : figure.start].rpartition("\n")[2]
    is_price = any(map(is_money, figure.units)) and _FOR.search(before)
    return _BEFORE_ASIDE.search(before) is not None and not is_price


def _in_brackets(part: Statement) -> set[Figure]:
    """Return the figures in round brackets that hold more than one figure with its unit."""
    found: set[Figure] = set()
    for bracket in _BRACKETS.finditer(part.text):
        inside = _inside(part, bracket.start(), bracket.end())
        if not (len(inside) == 1 and inside[0].end - inside[0].start == len(bracket[1].strip())):
            found.update(inside)
    return found
