"""The tokens that a service says an answer took, as OpenAI's and Anthropic's API report them.

Services disagree about thoughts. OpenAI counts them in ``completion_tokens``; xAI and Gemini bill them too, but report
them in ``total_tokens`` alone, or in a field of their own. So an answer counts max(completion, total - prompt) tokens.
A field that is missing, negative, absurdly large or no number is unknown, which is 0; what is charged then is the
decision of the budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypedDict

_LARGEST = 10**8
"""No context of a model has as many tokens; a larger number is a fault of the service."""


class Tokens(TypedDict):
    """The tokens of an answer, by the names of the fields of `Completion`; 0 if they are not known."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int


def openai_tokens(usage: object) -> Tokens:
    """Return the tokens in the ``usage`` of a reply of OpenAI's API.

    Where only a total is known, the whole total counts as the answer's, because answers cost more than prompts.

    >>> openai_tokens({"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 1042})["completion_tokens"]
    1002
    """
    fields = _object(usage)
    prompt, answer = count(fields.get("prompt_tokens")), count(fields.get("completion_tokens"))
    total = count(fields.get("total_tokens"))
    thoughts = _thoughts(fields)
    whole = max(answer, total - prompt)
    if 0 < whole < thoughts:  # they are no part of the answer's tokens, so they are billed on top
        whole += thoughts
    return _tokens(prompt, whole, _cached(fields), thoughts or (whole - answer if prompt and answer else 0))


def anthropic_tokens(usage: object) -> Tokens:
    """Return the tokens in the ``usage`` of a reply of Anthropic's API, which counts cached ones beside the others.

    >>> anthropic_tokens({"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 2})["prompt_tokens"]
    43
    """
    fields = _object(usage)
    fresh, written, read, answer = (
        count(fields.get(name))
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    )
    return _tokens(fresh + written + read if fresh else 0, answer, read, 0)


def count(value: object) -> int:
    """Return a number of tokens from a JSON value of any type; 0 if it cannot be one.

    >>> [count(value) for value in (7, 7.0, -7, "7", True, None, 1e300)]
    [7, 7, 0, 0, 0, 0, 0]
    """
    if type(value) is int:  # nearly always, and told quickly
        return value if 0 < value <= _LARGEST else 0
    if not isinstance(value, float) or not 0 < value <= _LARGEST:
        return 0
    return math.ceil(value)


def _thoughts(fields: Mapping[str, Any]) -> int:
    """Return the tokens of the thoughts, by the names of OpenAI and Perplexity."""
    details = fields.get("completion_tokens_details")
    of_details = count(details.get("reasoning_tokens")) if isinstance(details, dict) else 0
    return of_details or count(fields.get("reasoning_tokens"))


def _cached(fields: Mapping[str, Any]) -> int:
    """Return the prompt's tokens from a cache, by the names of OpenAI, Together and DeepSeek."""
    details = fields.get("prompt_tokens_details")
    of_details = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return of_details or count(fields.get("cached_tokens")) or count(fields.get("prompt_cache_hit_tokens"))


def _tokens(prompt: int, answer: int, cached: int, thoughts: int) -> Tokens:
    """Return the tokens; a part that is larger than the whole, if that is known, has no price of its own."""
    return Tokens(
        prompt_tokens=prompt,
        completion_tokens=answer,
        cached_tokens=cached if cached <= prompt else 0,
        reasoning_tokens=thoughts if not answer or thoughts <= answer else 0,
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
