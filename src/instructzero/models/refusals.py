"""Tell the refusal of one question, for its content or its length, from a refusal of all questions.

Services share no code for it, so their messages are read as well. A refusal that is recognised as neither may still
concern one question only; that shows when others are answered.
"""

from __future__ import annotations

import re

STATUSES = (400, 403, 413, 422, 451)
"""The statuses with which services refuse a question; with 403, most of them refuse the key."""

_TOO_LARGE = 413

_CODES = re.compile(
    r"content_?filter|content_policy|context_length|context_size|invalid_prompt|string_above_max_length"
    r"|request_too_large|data_inspection_failed|responsibleaipolicy|prohibited_content|moderation",
    re.IGNORECASE,
)
_AT_LIMIT = re.compile(r"could not finish the message|output limit was reached", re.IGNORECASE)
_CERTAINLY = re.compile(
    r"inputs?\W{0,2} tokens \+|input length and|prompt is too long|prompt was flagged", re.IGNORECASE
)
_SIZES = (
    re.compile(
        r"context length is (?P<context>\d{1,12})\b.*?\b(?P<limit>\d{1,12}) in the completion",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(
        r"too large: (?P<limit>\d{1,12})\b.*?context length is (?P<context>\d{1,12})\b", re.IGNORECASE | re.DOTALL
    ),
)
_ALL_QUESTIONS = re.compile(
    r"api[ _-]?key|credential|unauthori[sz]ed|organi[sz]ation|\baccount\b|billing|arrear|overdue|suspended|deactivated"
    r"|model\W.{0,80}(?:not exist|not found|not available|not supported|decommissioned|deprecated)"
    r"|(?:unknown|invalid|unsupported|no such) model|model_not_found"
    r"|(?:unknown|unsupported|unrecogni[sz]ed|invalid)[ _](?:request )?(?:parameter|argument|field|value)"
    r"|extra[ _](?:forbidden|inputs|fields|keys)|extraneous key|unknown name|cannot both be"
    r"|\b(?:temperature|top_p|seed)\b.{0,60}(?:must|should|only|not|between|invalid|odd)|invalid temperature"
    r"|max_(?:completion_|new_|output_)?tokens\W+(?:(?:or\W+max_completion_tokens|value|parameter)\W+)?"
    r"(?:is|are|must|should|has|cannot|\d|too|integer)|invalid\W+max_|integer above",
    re.IGNORECASE,
)
_FILTER = re.compile(
    r"content[ -](?:filter|management|polic|moderation|exists? risk|violat)|responsible ?ai|moderation|\bflagged\b"
    r"|(?:due to|for|our) safety|safety (?:system|filter|polic|reason)|inappropriate|usage polic|prohibited"
    r"|sensitive (?:content|word|information)|violat\w+ .{0,40}polic|invalid prompt",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"context (?:length|window|size|limit)|context_length|too many (?:input )?tokens|reduce the length"
    r"|(?:prompt|input|messages?|request|string|text|content)\b.{0,60}\b(?:too (?:long|large|big)|longer than)"
    r"|(?:input|prompt|token count|tokens|request)\b.{0,60}\bexceed\w*|exceed\w* .{0,60}(?:tokens|length|context)"
    r"|max(?:imum)? (?:context|sequence|input|prompt) (?:length|size|tokens)",
    re.IGNORECASE,
)


def is_about_content(status: int, code: str, message: str) -> bool:
    """Return True if a refusal names the content or the length of the question.

    Parameters
    ----------
    status
        The status of the response.
    code
        The service's own word for the error, "" if it has none.
    message
        The service's message.

    >>> is_about_content(400, "", "This model's maximum context length is 1024 tokens. Reduce the length.")
    True
    >>> is_about_content(400, "unsupported_parameter", "Unsupported parameter: 'seed'")
    False
    """
    if status not in STATUSES:
        return False
    for sizes in filter(None, (pattern.search(message) for pattern in _SIZES)):
        return int(sizes["limit"]) < int(sizes["context"])  # otherwise no question leaves room for such an answer
    if _CODES.search(code) or _CERTAINLY.search(message) or is_at_token_limit(message):
        return True
    if concerns_all(code, message):
        return False
    return status == _TOO_LARGE or bool(_FILTER.search(message) or _LENGTH.search(message))


def is_at_token_limit(message: str) -> bool:
    """Return True if the model used all tokens before it answered, which some services report as a refusal."""
    return bool(_AT_LIMIT.search(message))


def concerns_all(code: str, message: str) -> bool:
    """Return True if a refusal names what all questions share: the key, the account, the model or a parameter."""
    return bool(_ALL_QUESTIONS.search(f"{code} {message}"))
