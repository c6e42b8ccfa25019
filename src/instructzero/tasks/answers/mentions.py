"""Which of several options a text names.

Options are found as whole words in any case, the longest first, so that "not the same" does not name "the same". A
negated option is not named; if another option is its negation ("toxic", "non_toxic"), that one is. Of a sentence that
names several, the one after "answer is", "option" or a colon, or in brackets, is meant.

Letters of options are harder: "I" is a pronoun and "A" an article. They count as letters only where they can be no
word, and in lower case only after such a cue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice

from instructzero.tasks.answers.forms import forms
from instructzero.tasks.answers.negation import REACH, are_joined, is_directly_negated, is_negated
from instructzero.tasks.answers.scripts import UNBOUNDED, any_of
from instructzero.tasks.answers.text import (
    BRACKET,
    CLAUSE,
    COLON,
    END_BRACKET,
    QUOTE,
    marked,
    normal_form,
    readings,
    words,
)

_MARKS = CLAUSE + COLON + BRACKET + END_BRACKET + QUOTE
_SENTENCE = re.compile(r"[\r\n]+|\.(?=\s|$)|!+(?=\s|$)|[。｡！।॥۔…]|(\?+(?=\s|$)|[？؟])")
_ASKS_FIRST = re.compile(r"[?？؟]\s*\S")
_COPULA = r"(?:(?:is|are|be|would be|should be|must be|ist|est|es|это)(?!\w)|应该是|是|为|為|は|은|는|คือ|เป็น)?"
_OPTION = rf"(?:(?:the )?(?:option|choice|letter)[\s{_MARKS}]*|[選选][項项]?)?"
_CUE = re.compile(
    r"(?:(?<!\w)(?:options?|choices?|letters?|alternatives?|select(?:ed)?|choos(?:e|ing)|chose|pick(?:ed)?|"
    r"go(?:ing)? with|opt for)|[选選][项項择擇]?"
    r"|(?<!\w)(?:answer|label|class|category|classification|verdict|prediction|result|antwort|ответ|respuesta|réponse)"
    rf"|答案|回答|答え|정답|답|คำตอบ)[\s{_MARKS}]*{_COPULA}[\s{_MARKS}]*{_OPTION}$",
    re.IGNORECASE,
)
_FIRM_CUE = re.compile(r"(?<!\w)(?:options?|choice|letter) $", re.IGNORECASE)
_AFTER_LETTER = frozenset("is was because since and or as nor over rather instead seems fits matches".split())
_AFTER_A = _AFTER_LETTER | frozenset(
    "are but would should must looks here that which who due given with for in on by from not can cannot could does "
    "has wins too also".split()
)
_FILLER = re.compile(
    rf"(?:\s*(?:the|an?|option|choice|letter|clearly|definitely|probably|likely|most|indeed|that|it|this|is|very|simply|"
    rf"just|actually|[{_MARKS}])(?!\w))*\s*[{UNBOUNDED}]{{0,4}}",
    re.IGNORECASE,
)
_NEXT_WORD = re.compile(r" ([^\W\d_]\w*)")
_MOST_MENTIONS = 100  # in one sentence
_BEFORE_SINGLE, _AFTER_SINGLE = "是为為は", "的でだですのよね啊吧呢了"
_MINUS_OR_STAR = re.compile(r"(?<=\w)[-*](?!\w)")


@dataclass(frozen=True)
class Options:
    """The options among which a text chooses; two of the same normal form are one.

    >>> Options(("spam", "ham")).named_in("It isn't spam, it's ham.")
    frozenset({'ham'})
    """

    texts: tuple[str, ...]

    def named_in(self, text: str) -> frozenset[str]:
        """Return the normal forms of the options that ``text`` names; more than one if it does not decide."""
        return _named(self, text)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The normal forms of the options, without duplicates, the longest first."""
        return tuple(sorted(dict.fromkeys(map(normal_form, self.texts)), key=lambda form: (-len(form), form)))

    @cached_property
    def labels(self) -> frozenset[str]:
        """The normal forms of the options."""
        return frozenset(self.forms)

    @cached_property
    def letters(self) -> Mapping[str, bool]:
        """The options that are a single letter, and whether the data writes them as capitals."""
        shown = {normal_form(text): "".join(words(text, lower=False).split()) for text in self.texts}
        return {form: text.isupper() for form, text in shown.items() if len(text) == 1 and text.lower() != text.upper()}

    @cached_property
    def opposites(self) -> Mapping[str, str]:
        """The options that another option negates, such as "toxic" if there is "non_toxic", and that option."""
        pairs = ((re.sub(r"^(?:not|non|no) ", "", form), form) for form in self.forms)
        return {form: opposite for form, opposite in pairs if form != opposite and form in self.labels}

    @cached_property
    def highest(self) -> str:
        """The highest of the options that are whole numbers, "" without any."""
        return max((form for form in self.forms if form.isdecimal()), key=int, default="")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of all mentions; the group that matches is named by the place of the option in `forms`."""
        tokens = {normal_form(text): _tokens(text) for text in reversed(self.texts)}
        phrases = {
            " ".join(tokens[form]): f"(?P<o{place}>{_phrase(tokens[form])})"
            for place, form in enumerate(self.forms)
            if tokens[form]
        }
        return re.compile(any_of(phrases) or "(?!)", re.IGNORECASE)

    def prepared(self, sentence: str) -> str:
        """Return ``sentence`` as the pattern reads it; without options such as "A-", that is "A" with a dash."""
        text = marked(sentence)
        return text if any(form[-1:] in "-*" for form in self.forms) else _MINUS_OR_STAR.sub(" ", text)


def _tokens(option: str) -> list[str]:
    return [token for token in marked(option).split() if token not in _MARKS and token.lower() != "and"]


def _phrase(tokens: Sequence[str]) -> str:
    """Return the pattern of one option; single letters match in both cases, and `_is_letter` decides."""
    gap = rf"\s(?:(?:and|[{_MARKS}])\s)*"
    first, *others = map(re.escape, tokens)
    if first.lower() == "non" and others:
        return rf"{first}\s?{gap.join(others)}"
    return gap.join((re.sub(r"^(non)(?=\w{3})", r"\1\\s?", first, flags=re.IGNORECASE), *others))


@lru_cache(maxsize=8192)
def _named(options: Options, text: str) -> frozenset[str]:
    whole, *inner = forms(text)
    for form in reversed(inner):
        if found := _equal(options, form) or _leading(options, form):
            return found
    return _equal(options, whole) or _scanned(options, whole)


def _equal(options: Options, text: str) -> frozenset[str]:
    """Return the option that ``text`` or its first sentence is; a question that goes on is no answer."""
    if _ASKS_FIRST.search(text):
        return options.labels & {normal_form(text)}
    equal = (form for option in options.texts if (form := normal_form(option)) in readings(text, option))
    return frozenset(sorted(equal, key=len)[-1:])


def _leading(options: Options, text: str) -> frozenset[str]:
    """Return the option with which the answer after a label begins, as in "B, because A is too small"."""
    sentence = next(_statements(options, text), "")
    affirmed = [mention for mention in _mentions(options, sentence) if not mention.is_negated]
    if not affirmed or not _FILLER.fullmatch(sentence[: affirmed[0].start]):
        return frozenset()
    return frozenset(mention.option for mention in affirmed if mention.group == affirmed[0].group)


def _scanned(options: Options, text: str) -> frozenset[str]:
    """Return what the first sentence with an option names, or if that does not decide, the next cue."""
    undecided: frozenset[str] = frozenset()
    for sentence in _statements(options, text):
        affirmed = [mention for mention in _mentions(options, sentence) if not mention.is_negated]
        cued = frozenset(mention.option for mention in affirmed if mention.is_cued)
        named = cued or frozenset(mention.option for mention in affirmed)
        if len(named) == 1 and (cued or not undecided):
            return named
        undecided = undecided or named
    return undecided


def _statements(options: Options, text: str) -> Iterator[str]:
    """Yield the sentences of ``text`` that are no questions, as `Options.prepared` writes them."""
    place = 0
    for found in (*_SENTENCE.finditer(text), None):
        end = found.start() if found else len(text)
        if (sentence := text[place:end].strip()) and not (found and found[1]):
            yield options.prepared(sentence)
        place = found.end() if found else end


@dataclass(frozen=True)
class _Mention:
    option: str
    start: int
    end: int
    is_negated: bool = False
    is_cued: bool = False
    group: int = 0


def _mentions(options: Options, text: str) -> list[_Mention]:
    """Return the options that a sentence mentions, in order; those in one list ("A, B or C") have one group."""
    found: list[_Mention] = []
    for match in islice(options.pattern.finditer(text), _MOST_MENTIONS):
        option = options.forms[int(str(match.lastgroup)[1:])]
        if _counts(options, option, text, match):
            found.append(_judged(options, option, text, match, is_first=not found))
    found = list(_grouped(found, text))
    several = len({mention.option for mention in found if not mention.is_negated}) > 1
    return [mention for mention in found if not (several and _is_stray_pronoun(mention, found))]


def _judged(options: Options, option: str, text: str, match: re.Match[str], *, is_first: bool) -> _Mention:
    start, end = match.span()
    is_cued = _is_cued(text, start, end, is_letter=option in options.letters, is_first=is_first)
    if not is_negated(text, start, end, options.labels):
        return _Mention(option, start, end, False, is_cued)
    if option in options.opposites and is_directly_negated(text, start):
        return _Mention(options.opposites[option], start, end, False, is_cued)
    return _Mention(option, start, end, True, is_cued)


def _grouped(mentions: Sequence[_Mention], text: str) -> Iterator[_Mention]:
    """Yield ``mentions`` with their groups; what negates or points to one of a group does so to all of it."""
    groups: list[list[_Mention]] = []
    joined_by_word: set[int] = set()  # "not A, B or C" negates all, "not A, B" may say B
    for mention in mentions:
        between = text[groups[-1][-1].end : mention.start] if groups else ""
        if groups and are_joined(between):
            groups[-1].append(mention)
            joined_by_word |= {len(groups) - 1} if between.strip(_MARKS + " ") else set()
        else:
            groups.append([mention])
    for number, group in enumerate(groups):
        negated, cued = any(m.is_negated for m in group), any(m.is_cued for m in group)
        for m in group:
            is_negated = negated if number in joined_by_word else m.is_negated
            yield replace(m, is_negated=is_negated, is_cued=cued, group=number)


def _is_cued(text: str, start: int, end: int, *, is_letter: bool, is_first: bool) -> bool:
    before, after = text[max(0, start - REACH) : start], text[end : end + REACH].lstrip()
    last, follows = before.rstrip()[-1:], after[:1]
    if _CUE.search(before) or (is_first and last == COLON):
        return True
    if not is_letter:
        return False
    is_enclosed = (last == BRACKET and follows == END_BRACKET) or (last == follows == QUOTE)
    return is_enclosed or (not before.strip(_MARKS + " ") and follows in (END_BRACKET, COLON, CLAUSE) and follows != "")


def _counts(options: Options, option: str, text: str, match: re.Match[str]) -> bool:
    """Return False if the match is no mention: a pronoun, an article, the top of a scale, a part of another word."""
    before, after = text[max(0, match.start() - REACH) : match.start()], text[match.end() : match.end() + 1]
    if option in options.letters:
        return _is_letter(options, option, text, match)
    if len(option) == 1 and re.match(f"[{UNBOUNDED}]", option):
        return _is_free(before[-1:], _BEFORE_SINGLE) or _is_free(after[:1], _AFTER_SINGLE)
    return not (option == options.highest and re.search(r"(?:\d/|\bout of )$", before, re.IGNORECASE))


def _is_free(neighbour: str, allowed: str) -> bool:
    return not re.match(f"[{UNBOUNDED}]", neighbour) or neighbour in allowed


def _is_letter(options: Options, option: str, text: str, match: re.Match[str]) -> bool:
    """Return True if a single letter is an option rather than a word."""
    before, written = text[max(0, match.start() - REACH) : match.start()], match[0]
    following = _NEXT_WORD.match(text, match.end())
    if (
        written.islower()
        and options.letters[option]
        and not _is_cued(text, *match.span(), is_letter=True, is_first=True)
    ):
        return False
    if not following or (option not in "ai" and written.isascii()):
        return True
    word = following[1]
    if option == "i":
        return word.lower() in _AFTER_LETTER
    if word.lower() in _AFTER_A or (option == "a" and _FIRM_CUE.search(before) and written.isupper()):
        return True
    begins = not before.strip() or before.rstrip()[-1] in _MARKS
    if written.islower() or text.isupper():
        return False
    return word[0].isupper() if not before.strip() else not (begins or word[0].isupper())


def _is_stray_pronoun(mention: _Mention, others: Sequence[_Mention]) -> bool:
    alone = sum(other.group == mention.group for other in others) == 1
    return mention.option == "i" and not mention.is_cued and alone
