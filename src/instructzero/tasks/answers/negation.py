"""Negated mentions: "not positive", "isn't spam", "neither A nor B", "A is wrong", "不是积极", "긍정이 아니다".

Texts here are sentences as `instructzero.tasks.answers.text.marked` writes them: words, and marks where a clause ends.
"""

from __future__ import annotations

import re
from functools import lru_cache

from instructzero.tasks.answers.text import BRACKET, CLAUSE, COLON, END_BRACKET, QUOTE

REACH = 300
"""The number of characters before a mention that are looked at: longer sentences are no answers."""

_MARKS = CLAUSE + COLON + BRACKET + END_BRACKET
_WORDS = (
    "not no nothing none never neither nor cannot without hardly barely scarcely non except excluding "
    "lacks reject rejects exclude excludes nicht kein keine keinen keiner keinem keines nie weder statt "
    "pas ne ni aucun aucune jamais nunca tampoco não nem sem né senza niet geen nooit inte ikke aldrig "
    "nie ani není не ни нет без никогда δεν μη όχι ούτε ليس ليست لا غير لم لن לא אינו אינה नहीं न نه "
    "tidak bukan không chẳng nem nincs ei"
)
_PHRASES = r"rather than|instead of|as opposed to|other than|far from|(?:lack|absence) of|rul(?:e|es|ed|ing) out"
_NO_NEGATION = re.compile(
    r"\b(?:(?:no|without(?: a| any)?) (?:doubt|question|wonder)|not (?:only|just|merely|to mention)|nothing but)\b"
    "|毫[无無]疑[问問]|[无無]疑|不[仅僅但过過错錯难難禁管断斷]|不得不|[对對]不起|差不多|非常|除非|[无無][论論]",
    re.IGNORECASE,
)
_NEW_CLAUSE = re.compile(
    rf"[{_MARKS}]|\b(?:but|so|therefore|hence|thus|because|since|although|though|while|whereas|however|yet|making|"
    r"instead(?! of)|and (?:the|this|that|it|its|i|we|they|he|she|is|are|was)|sondern|aber|mais|sino|pero|но)\b"
    "|但|而|所以|因此|却|แต่|지만",
    re.IGNORECASE,
)
_ANYTHING_BUT = re.compile(r"\banything but\b", re.IGNORECASE)
_NEITHER = re.compile(rf"(?<!\w)(?:neither|weder)(?!\w)[^{COLON}]*$", re.IGNORECASE)
_CONTRAST = re.compile(r"\b(?:but|so|therefore|it is|sondern)\b", re.IGNORECASE)
_UNSPACED_BEFORE = re.compile(
    r"(?:[不非没沒無无未]|並非|并非)[^\s]{0,4}$|(?:ไม่|มิ)\S{0,8}$|(?:^|\s)(?:[비불무미]|안 |못 )$"
)
_AUXILIARY = (
    r"(?:is|are|was|were|be|been|does|do|did|can|ca|could|would|should|will|wo|may|might|must|has|have|seems?|looks?|"
    r"really|definitely|clearly|certainly|probably|actually|also|both|all|therefore|thus)"
)
_SPACE = rf"[\s{QUOTE}{END_BRACKET}]"
_AFTER = re.compile(
    rf"{_SPACE}*(?:{_AUXILIARY}{_SPACE}+){{1,4}}(?:not|never|(?:(?:the|an?)\s)?(?:wrong|incorrect|false|inaccurate|"
    r"inapplicable|excluded|eliminated|rejected|unlikely|impossible|ruled out|out of the question))(?!\w)"
    rf"|{_SPACE}*(?:(?:ist|sind|trifft|passt)\s(?:nicht|falsch)|n ?est pas|(?:no|não|non) (?:es|é|è)|değil|неверно|"
    r"не (?:подходит|является|верно|годится)|नहीं|(?:है|सही|ठीक) नहीं)(?!\w)"
    r"|的?(?:是|并|並)?(?:不对|不對|不正确|不正確|错的|錯的|错误|不成立|不适用|不是)"
    r"|的?な?(?:では|じゃ|で)は?(?:な[いくかし]|ありません)|とは(?:言|い)え"
    r"|[가-힣]{0,3} ?(?:않|아니|아닙|아닌|아님)|[이가은는]? ?(?:틀렸|틀린|오답)|\s?(?:นั้น)?ไม่(?:ถูก|ใช่)",
    re.IGNORECASE,
)
_DIRECT = re.compile(
    r"(?<!\w)(?:not|no|never|non)(?: (?:at all|really|actually|clearly|be|been|considered|classified as|a|an|the|any|"
    r"very))*\s*$",
    re.IGNORECASE,
)
_JOIN_MARKS = rf"(?:[{CLAUSE}{QUOTE}{BRACKET}{END_BRACKET}]\s*)*"
_JOINED = re.compile(
    rf"\s*{_JOIN_MARKS}(?:(?:or|nor|and|oder|noch|ni|или)(?!\w)|和|或|か|と|หรือ)?\s*{_JOIN_MARKS}(?:options?\s+)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def _negators(labels: frozenset[str]) -> re.Pattern[str]:
    """Return the pattern of a negation within the last words before a label, without those that are labels."""
    known = "|".join(re.escape(word) for word in dict.fromkeys(_WORDS.split()) if word not in labels)
    return re.compile(
        rf"(?<!\w)(?:(?:neither)(?!\w).*|(?:{known}|{_PHRASES})(?!\w)(?:\s\S+){{0,6}}\s*)$", re.IGNORECASE
    )


def is_negated(text: str, start: int, end: int, labels: frozenset[str]) -> bool:
    """Return True if the label at ``text[start:end]`` is negated by what stands before or after it.

    ``labels`` are all labels in lower case: a label such as "no" is no negation.
    """
    before = _clause(text[max(0, start - REACH) : start])
    if _negators(labels).search(before) or _UNSPACED_BEFORE.search(before):
        return True
    return _AFTER.match(text, end) is not None


def _clause(before: str) -> str:
    """Return the part of ``before`` that belongs to the clause of what follows."""
    before = _ANYTHING_BUT.sub("not", _NO_NEGATION.sub(" ", before))
    neither = _NEITHER.search(before)
    if neither and not _CONTRAST.search(neither[0]):
        return neither[0]
    return before[max((found.end() for found in _NEW_CLAUSE.finditer(before)), default=0) :]


def is_directly_negated(text: str, start: int) -> bool:
    """Return True if a plain "not" or "no" stands before ``text[start:]``."""
    return _DIRECT.search(_clause(text[max(0, start - REACH) : start])) is not None


def are_joined(between: str) -> bool:
    """Return True if ``between`` joins two labels as in "A or B", so that both are negated or neither is."""
    return _JOINED.fullmatch(between) is not None
