"""Find the field of a request that a service refuses, in the words that services use for it.

No two services word it alike, and few name the field apart from the message. A field counts as refused if the message
names it and, near the name, says that it is not supported, or gives bounds that its value does not keep.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from instructzero.models.complaint import Complaint
from instructzero.models.refusals import is_about_content

LIMITS = ("max_tokens", "max_completion_tokens")
"""The names of the limit of tokens."""

_OPTIONAL = frozenset(("temperature", "seed"))
"""The fields that can be left out."""

_STATUSES = (400, 422)
_CONTENT = ("model", "messages", "prompt", "system")
"""The fields that hold the question, or the model's name."""

_BEFORE, _AFTER = 80, 120
"""Characters around a name that are read with it."""

_NUMBER = r"(?P<{}>[-+]?(?:\d+(?:\.\d+)?|inf\w*|∞))"
_UNSUPPORTED = re.compile(
    r"unsupported|(?:n[o']t|cannot|doesnt) (?:be )?(?:support|permit|accept|recogni[sz]|allow)|no longer support"
    r"|unrecogni[sz]ed|unknown|unexpected|deprecated|incompatible|extraneous|extra[_ ](?:forbidden|inputs|fields|keys)"
    r"|additional propert|cannot find|no such|not a? ?(?:valid )?(?:field|parameter|argument|property)|cannot both"
    r"|cannot be (?:set|used|given|specified|combined|changed|modified)|mutually exclusive|forbidden|reject|read-only"
    r"|not configurable|can(?:'t|not| not) (?:use|set)|do not (?:set|send|use|specify|pass)|不支持",
    re.IGNORECASE,
)
_INVALID = re.compile(r"invalid(?![ _]request)|illegal|incorrect|not valid|out of range|非法", re.IGNORECASE)
_WRONG_VALUE = re.compile(r"must|should|expected|allowed|supported|range", re.IGNORECASE)
_INSTEAD = re.compile(r"\b(?:use|instead)\b", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"cannot both|only one|mutually exclusive|not both|either", re.IGNORECASE)

_INTERVALS = [
    re.compile(pattern.replace("LOW", _NUMBER.format("low")).replace("HIGH", _NUMBER.format("high")), re.IGNORECASE)
    for pattern in (
        r"(?P<open>[\[(])\s*LOW\s*,\s*HIGH\s*(?P<close>[\])])",
        r"between\s+LOW\s+and\s+HIGH",
        r"LOW\s*\.\.\s*HIGH",
        r"(?:from|range(?: is| of)?:?)\s+LOW\s*(?:to|-|~)\s*HIGH",
        r"LOW\s*(?:(?P<open><)(?!=)|<=|≤)\s*`?\w+`?\s*(?:(?P<close><)(?!=)|<=|≤)\s*HIGH",
    )
]
_LOWEST = re.compile(
    rf"(?:(?:greater|larger|more) than or equal to|at least|minimum(?: of| is|:)?|>=|≥)\s*`?{_NUMBER.format('at')}",
    re.I,
)
_ABOVE = re.compile(rf"(?:(?:greater|larger|more|higher) than|above|>)\s*`?{_NUMBER.format('at')}", re.I)
_HIGHEST = re.compile(
    rf"(?:(?:less|lower|smaller) than or equal to|at most|no (?:more|greater|larger) than|up to"
    rf"|max(?:imum)?(?: of| is|:)?|<=|≤)\s*`?{_NUMBER.format('at')}",
    re.I,
)
_BELOW = re.compile(rf"(?:(?:less|lower|smaller) than|below|<)\s*`?{_NUMBER.format('at')}", re.I)
_POSITIVE = re.compile(
    r"strictly positive|(?:than|above) zero|(?<!non-)(?<!non)\bpositive|non-?zero|not be (?:zero|0\b)", re.IGNORECASE
)
_FIXED = re.compile(
    rf"(?:\bonly\b[^.\d]{{0,40}}?\(?|(?:must|should|to) (?:be|equal)(?: set to| exactly| equal to)?\s*`?"
    rf"|fixed (?:at|to)\s*)"
    rf"{_NUMBER.format('at')}(?!\s*(?:and|to|or)\b)",
    re.IGNORECASE,
)


def refused_field(
    status: int, complaint: Complaint, sent: Mapping[str, Any], own: Mapping[str, Any], *, untried: bool = False
) -> str:
    """Return the field of a request that a service does not take, or not with its value; "" for any other complaint.

    Parameters
    ----------
    status
        The status of the response.
    complaint
        The error message of the service.
    sent
        The request.
    own
        The fields among them that the user added. If two fields exclude each other, theirs stays.
    untried
        The service has answered no request yet. A temperature or a seed that it names then counts as refused in any
        words, unless it gives bounds that the value keeps. Later, a complaint may quote a question.

    >>> refused_field(400, Complaint("invalid temperature: only 1 is allowed"), {"temperature": 0.0}, {})
    'temperature'
    >>> refused_field(400, Complaint("temperature must be between 0 and 1"), {"temperature": 0.0}, {})
    ''
    """
    if status not in _STATUSES or is_about_content(status, complaint.code, complaint.message):
        return ""
    fields = [name for name in sent if name not in _CONTENT]
    if complaint.parameter:
        said = f"{complaint.code} {complaint.message}"
        named = [(name, said) for name in fields if _pattern(name).search(complaint.parameter)]
    else:
        named = list(_mentions(fields, complaint.message)) or list(_mentions(fields, _unescaped(complaint.details)))
    refused = [name for name, said in named if _is_refused(name, sent[name], said, own=name in own)]
    if untried and not refused:
        refused = [name for name, said in named if name in _OPTIONAL.difference(own) and _may_be(said, sent[name])]
    if len(refused) > 1 and _ALTERNATIVES.search(complaint.message + complaint.details):
        refused = [name for name in refused if name not in own] or refused
    return refused[0] if refused else ""


def _mentions(fields: list[str], text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields that a text names, in its order, with the text around each name."""
    found = ((match.start(), match.end(), name) for name in fields for match in _pattern(name).finditer(text))
    for start, end, name in sorted(found):
        yield name, text[max(0, start - _BEFORE) : end + _AFTER]


def _pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a field's name, which some services write as ``maxTokens``."""
    parts = "[_ ]?".join(map(re.escape, name.split("_")))
    return re.compile(rf"(?<![A-Za-z0-9_]){parts}(?![A-Za-z0-9_])", re.IGNORECASE)


def _is_refused(name: str, value: Any, said: str, *, own: bool) -> bool:
    """Return True if the text around a name refuses the field, or its value."""
    unsupported = bool(_UNSUPPORTED.search(said))
    if own:
        return unsupported or bool(_INVALID.search(said) or _WRONG_VALUE.search(said))
    if name in LIMITS:  # its value is the user's, so that only the name can be wrong
        return _points_to_another_limit(name, said) or (unsupported and _is_bounded(said) is None)
    bounded = _is_bounded(said, value)
    return unsupported or (bool(_INVALID.search(said)) if bounded is None else not bounded)


def _may_be(said: str, value: float) -> bool:
    """Return True if a text around a name gives no bounds, or some that the value does not keep."""
    return not _is_bounded(said, value)


def _points_to_another_limit(name: str, said: str) -> bool:
    (other,) = (limit for limit in LIMITS if limit != name)
    return bool(_INSTEAD.search(said) and _pattern(other).search(said))


def _is_bounded(said: str, value: float = 0.0) -> bool | None:
    """Return True if a value keeps the bounds that a text gives; None if it gives none."""
    checks = [kept for kept in (_in_interval(said, value), _in_bounds(said, value)) if kept is not None]
    return all(checks) if checks else None


def _in_interval(said: str, value: float) -> bool | None:
    found = next(filter(None, (pattern.search(said) for pattern in _INTERVALS)), None)
    if found is None:
        return None
    ends = found.groupdict()
    low, high = _number(ends["low"]), _number(ends["high"])
    above = value > low if ends.get("open") in ("(", "<") else value >= low
    below = value < high if ends.get("close") in (")", "<") else value <= high
    return above and below


def _in_bounds(said: str, value: float) -> bool | None:
    """Return True if a value keeps bounds in words; only the first pattern of each kind is read."""
    if any(pattern.search(said) for pattern in _INTERVALS):
        return None
    kept = []
    if found := _LOWEST.search(said):
        kept.append(value >= _number(found["at"]))
    elif found := _ABOVE.search(said):
        kept.append(value > _number(found["at"]))
    elif _POSITIVE.search(said):
        kept.append(value > 0)
    if found := _HIGHEST.search(said):
        kept.append(value <= _number(found["at"]))
    elif found := _BELOW.search(said):
        kept.append(value < _number(found["at"]))
    if not kept and (found := _FIXED.search(said)):
        kept.append(value == _number(found["at"]))
    return all(kept) if kept else None


def _number(text: str) -> float:
    if "inf" in text.lower() or "∞" in text:
        return -math.inf if text.startswith("-") else math.inf
    return float(text)


def _unescaped(text: str) -> str:
    """Return JSON text without its keys, and with the line breaks and quotation marks of its texts as they were."""
    without_keys = re.sub(r'"[\w-]+": ', "", text)
    return re.sub(r"\\+n", " ", without_keys).replace("\\", "")
