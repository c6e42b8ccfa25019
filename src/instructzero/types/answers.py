"""What is asked and answered: messages, requests, completions and their usage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat, as in the OpenAI API."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a black box.

    Parameters
    ----------
    messages
        The chat to answer.
    max_tokens
        The maximum length of the answer in tokens.
    temperature
        0 asks for the greedy answer.
    answers
        If given, a local model answers with the likelihood of the likeliest of these answers instead of a text; see
        `Completion.likelihood`.
    seed
        Distinguishes samples of the same prompt at a temperature above 0, for models that accept a seed.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 256
    temperature: float = 0.0
    answers: tuple[str, ...] = ()
    seed: int | None = None


class Finish(StrEnum):
    """How an answer ended. The values are kept in the call store and in the journal."""

    COMPLETE = "complete"
    CUT = "cut"
    """The limit of tokens cut it off."""
    EMPTY = "empty"
    """It has no text, although the model had tokens left."""
    EMPTY_AT_LIMIT = "empty_at_limit"
    """It has no text, because the model used all tokens before it answered."""
    FILTERED = "filtered"
    """The content filter of the service withheld it or a part of it."""
    REFUSED = "refused"
    """The model declined to answer."""
    FAILED = "failed"
    """There is none: the service refused the question, or the function raised an exception for it."""


_WITHOUT_TEXT = {Finish.COMPLETE: Finish.EMPTY, Finish.CUT: Finish.EMPTY_AT_LIMIT}


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a black box, with the tokens that it was billed for.

    A likelihood travels as text too, because the call store and the journal keep answers as text. `of_likelihood` and
    `likelihood` are the only places that convert between the two.

    Parameters
    ----------
    text
        The answer, without the thoughts that the service returns in a field of their own.
    prompt_tokens, completion_tokens
        The tokens that were billed; 0 if they are not known. Thoughts are a part of ``completion_tokens``.
    finish
        How it ended. An answer without text is never complete: ``finish`` is then one of the empty ones.
    reason
        Why there is no answer, if the service said so.
    cached_tokens
        The part of ``prompt_tokens`` that the service read from its cache, if it says so.
    reasoning_tokens
        The part of ``completion_tokens`` that are thoughts, if the service says so; if it says nothing else about the
        answer, ``completion_tokens`` is 0.

    >>> Completion.of_likelihood(0.25, prompt_tokens=7, completion_tokens=2).text
    '0.25'
    >>> Completion("").finish.name, Completion("", finish=Finish.CUT).finish.name
    ('EMPTY', 'EMPTY_AT_LIMIT')
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish: Finish = Finish.COMPLETE
    reason: str = ""
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        if self.finish in _WITHOUT_TEXT and not self.text.strip():
            object.__setattr__(self, "finish", _WITHOUT_TEXT[self.finish])

    @classmethod
    def failed(cls, reason: str, *, at_limit: bool = False) -> Completion:
        """Return what stands for the answer to a question that was refused, or at which the model used all tokens."""
        return cls("", finish=Finish.EMPTY_AT_LIMIT if at_limit else Finish.FAILED, reason=reason)

    @classmethod
    def of_likelihood(cls, likelihood: float, prompt_tokens: int = 0, completion_tokens: int = 0) -> Completion:
        """Return the answer to a request with `Request.answers`; no digit of ``likelihood`` is lost."""
        return cls(repr(likelihood), prompt_tokens, completion_tokens)

    @property
    def likelihood(self) -> float:
        """The number in [0, 1] that answers a request with `Request.answers`.

        Raises
        ------
        ValueError
            If the text is not such a number.

        >>> Completion("0.25").likelihood
        0.25
        """
        try:
            likelihood = float(self.text)
        except ValueError:
            likelihood = -1.0
        if not 0 <= likelihood <= 1:
            raise ValueError(f"expected a likelihood in [0, 1] from the black box, got {self.text!r}")
        return likelihood

    @property
    def usage(self) -> Usage:
        """The usage of this one call, which does not depend on what a service's cache holds at the moment.

        >>> Completion("chat", prompt_tokens=7, completion_tokens=2, cached_tokens=5).usage.to_dict()
        {'calls': 1, 'prompt_tokens': 7, 'completion_tokens': 2}
        """
        return Usage(1, self.prompt_tokens, self.completion_tokens)

    @property
    def billed(self) -> Usage:
        """The usage of this one call, with the parts that may have a price of their own.

        >>> Completion("chat", prompt_tokens=7, completion_tokens=2, cached_tokens=5).billed.cached_tokens
        5
        """
        return Usage(1, self.prompt_tokens, self.completion_tokens, self.cached_tokens, self.reasoning_tokens)


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls of a model, with their tokens; ``+`` adds two of them.

    Parameters
    ----------
    calls
        Requests.
    prompt_tokens, completion_tokens
        The tokens of the prompts, and of the answers with their thoughts.
    cached_tokens, reasoning_tokens
        The parts of them that may have a price of their own: prompts from a cache, and thoughts.

    >>> (Usage(1, 7, 2) + Usage(1, 5, 1)).to_dict()
    {'calls': 2, 'prompt_tokens': 12, 'completion_tokens': 3}
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.calls - other.calls,
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.cached_tokens - other.cached_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
        )

    @property
    def tokens(self) -> int:
        """The tokens of prompts and answers together."""
        return self.prompt_tokens + self.completion_tokens

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name, the last two only where they are not 0."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value or name not in PARTS}


PARTS = ("cached_tokens", "reasoning_tokens")
"""The tokens that are parts of others. No result of a run depends on them, and they are kept for payments only."""
