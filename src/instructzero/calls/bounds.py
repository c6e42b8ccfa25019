"""What one try at a paid model may be billed for, and what is charged for its answer."""

from __future__ import annotations

from dataclasses import replace

from instructzero.calls.prices import Price
from instructzero.types import Completion, Finish, Request, Usage

TOKENS_PER_MESSAGE = 16
"""The maximum tokens that a chat template puts around a message: its role, and the marks of its start and end."""

TOKENS_PER_REQUEST = 128
"""The maximum tokens that a chat template puts around a conversation: a system prompt and the cue of the answer."""

_GROWTH = 2
"""What the largest excess over a bound is multiplied by in later bounds, because the next one may be larger."""


def bound_of(request: Request) -> Usage:
    """Return the maximum usage that one try at ``request`` can be billed for.

    A token of a byte-level vocabulary covers at least one byte. So the prompt has at most as many tokens as its
    contents have bytes in UTF-8, plus those that a chat template adds.

    >>> from instructzero.types import Message
    >>> bound_of(Request((Message("user", "déjà vu"),), max_tokens=5)).to_dict()
    {'calls': 1, 'prompt_tokens': 153, 'completion_tokens': 5}
    """
    contents = sum([_bytes(message.content) for message in request.messages])
    overhead = TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * len(request.messages)
    return Usage(1, contents + overhead, request.max_tokens)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def charge_of(completion: Completion, bound: Usage) -> Usage:
    """Return the usage that is charged for an answer: what the model reports, and the bound where it reports nothing.

    An answer without text took no tokens if the model reports none for it, and others for the prompt.

    >>> charge_of(Completion("Paris", prompt_tokens=40), Usage(1, 200, 256)).to_dict()
    {'calls': 1, 'prompt_tokens': 40, 'completion_tokens': 256}
    """
    usage = completion.billed
    silent = not usage.prompt_tokens
    if silent:
        usage = replace(usage, prompt_tokens=bound.prompt_tokens, cached_tokens=bound.cached_tokens)
    thoughts = usage.reasoning_tokens
    cost_something = silent or thoughts or completion.text or completion.finish is Finish.EMPTY_AT_LIMIT
    if not usage.completion_tokens and cost_something:
        answer, reasoning = bound.completion_tokens + thoughts, bound.reasoning_tokens + thoughts
        usage = replace(usage, completion_tokens=answer, reasoning_tokens=reasoning)
    return usage


class RoleBounds:
    """The bounds of one role's tries, which grow once an answer has taken more than its own.

    Parameters
    ----------
    role
        The role, for messages.
    price
        Its price; a bound counts tokens as those that cost the most. None if it is not known.

    Attributes
    ----------
    proven
        True once an answer has shown its usage.
    excess
        The largest prompt and the largest answer so far, beyond their bounds.

    >>> bounds = RoleBounds("black box", None)
    >>> bounds.learn(Completion("Paris", prompt_tokens=40, completion_tokens=300), Usage(1, 200, 256))[:57]
    'an answer of the black box took 300 tokens, 44 more than '
    >>> bounds.of(Usage(1, 200, 256)).to_dict()
    {'calls': 1, 'prompt_tokens': 200, 'completion_tokens': 344}
    """

    def __init__(self, role: str, price: Price | None) -> None:
        self._role = role
        self._price = price
        self.proven = False
        self.excess = Usage()

    def of(self, asked: Usage) -> Usage:
        """Return what to set aside for a try whose request has the bound ``asked``."""
        bound = asked
        if self.excess.tokens:
            prompt = asked.prompt_tokens + _GROWTH * self.excess.prompt_tokens
            bound = Usage(asked.calls, prompt, asked.completion_tokens + _GROWTH * self.excess.completion_tokens)
        return bound if self._price is None else self._price.dearest(bound)

    def learn(self, completion: Completion, asked: Usage) -> str:
        """Learn from an answer; return a sentence if it is the first that exceeds its bound, else "".

        Only tokens that are reported count: a charge at the bound says nothing about the next answer.
        """
        self.proven = self.proven or completion.finish is not Finish.FAILED
        prompt = completion.prompt_tokens - asked.prompt_tokens
        answer = _answer_tokens(completion) - asked.completion_tokens
        if prompt <= 0 and answer <= 0:
            return ""
        is_first = not self.excess.tokens
        self.excess = Usage(0, max(prompt, self.excess.prompt_tokens), max(answer, self.excess.completion_tokens))
        return _in_words(self._role, completion, asked) if is_first else ""


def _answer_tokens(completion: Completion) -> int:
    return max(completion.completion_tokens, completion.reasoning_tokens)  # the former is 0 if only thoughts are known


def _in_words(role: str, completion: Completion, asked: Usage) -> str:
    """Return a sentence about an answer that took more than its bound."""
    answer = _answer_tokens(completion)
    parts = (
        (answer, asked.completion_tokens, "took", "bills more than the longest answer, such as thoughts"),
        (completion.prompt_tokens, asked.prompt_tokens, "has a prompt of", "adds a text of its own to the prompt"),
    )
    found = [
        f"{verb} {tokens:,} tokens, {tokens - bound:,} more than the {bound:,} set aside: the service {cause}"
        for tokens, bound, verb, cause in parts
        if tokens > bound
    ]
    return f"an answer of the {role} {', and '.join(found)}; more is set aside for the following ones"
