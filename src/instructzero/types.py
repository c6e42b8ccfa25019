"""The values that flow through a run. All of them are immutable, so sequences are tuples.

Notation: d intrinsic dimension of z, m examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instructzero.tasks.classification.objectives import Outcomes


class Cells(Mapping[str, Any]):
    """The further columns of an example: an immutable, hashable mapping of names to JSON values.

    Every access decodes a value of its own, so that nobody can change it. What JSON does not know becomes None.

    >>> Cells({"tests": ["f(1) == 2"]})["tests"]
    ['f(1) == 2']
    """

    __slots__ = ("_text",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._text = json.dumps(dict(values or {}), default=lambda value: None)

    def __getitem__(self, name: str) -> Any:
        return json.loads(self._text)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(json.loads(self._text))

    def __len__(self) -> int:
        return len(json.loads(self._text))

    def __hash__(self) -> int:
        return hash(frozenset(self))  # equal mappings may differ in the order of their columns

    def __repr__(self) -> str:
        return f"Cells({json.loads(self._text)!r})"


NO_CELLS = Cells()


@dataclass(frozen=True, slots=True)
class Example:
    """One input of a task with every accepted answer.

    Parameters
    ----------
    input
        The input.
    outputs
        The accepted answers.
    columns
        The other columns of the row by name, as JSON values, for metrics that read them. A mapping becomes `Cells`.

    Raises
    ------
    ValueError
        If there is no accepted answer.

    >>> Example("cat", ("chat", "un chat")).outputs[0]
    'chat'
    >>> Example("cat", ("chat",), {"kind": "noun"}).columns["kind"]
    'noun'
    """

    input: str
    outputs: tuple[str, ...]
    columns: Mapping[str, Any] = field(default=NO_CELLS, repr=False)

    def __post_init__(self) -> None:
        if not self.outputs:
            raise ValueError(f"expected at least one accepted answer for input {self.input!r}, got none")
        if not isinstance(self.columns, Cells):
            object.__setattr__(self, "columns", Cells(self.columns))


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
        The tokens that were billed; 0 if they are not known.
    finish
        How it ended. An answer without text is never complete: ``finish`` is then one of the empty ones.
    reason
        Why there is no answer, if the service said so.

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
        """The usage of this one call.

        >>> Completion("chat", prompt_tokens=7, completion_tokens=2).usage
        Usage(calls=1, prompt_tokens=7, completion_tokens=2)
        """
        return Usage(1, self.prompt_tokens, self.completion_tokens)


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls of a black box, with their prompt and completion tokens; ``+`` adds two of them.

    >>> Usage(1, 7, 2) + Usage(1, 5, 1)
    Usage(calls=2, prompt_tokens=12, completion_tokens=3)
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Rewrite:
    """An order for a new text made from other texts, in a form for each kind of model.

    Parameters
    ----------
    prompt
        Asks for the text in words, for a model that follows instructions. The text of its answer is what stands
        between ``<prompt>`` and ``</prompt>``, or else the whole answer.
    start
        The first words of the new text (or none), for a writer that continues them under the soft prompt of the
        proposal.
    seed
        Distinguishes samples of the same prompt.
    """

    prompt: str
    start: str
    seed: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A point z of the search space, shape (d,); ``None`` stands for the plain prompt without a soft prompt.

    With ``rewrite``, the text is made from other texts: by a model that follows instructions, or by the writer at z.
    """

    z: tuple[float, ...] | None
    rewrite: Rewrite | None = None

    @property
    def point(self) -> tuple[float, ...] | None:
        """The point z if it alone determines the text, so that the score is informative about nearby points; else None.

        A text that is made from others depends on them too.
        """
        return self.z if self.rewrite is None else None


@dataclass(frozen=True, slots=True)
class Writing:
    """The raw text that was written for a proposal, and the instruction that was extracted from it."""

    raw: str
    instruction: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal and its text, not yet evaluated."""

    proposal: Proposal
    writing: Writing

    @property
    def instruction(self) -> str:
        """The instruction to evaluate."""
        return self.writing.instruction


@dataclass(frozen=True, slots=True)
class Incomplete:
    """An answer that is not `Finish.COMPLETE`: its position among the examples, how it ended, and why it failed."""

    position: int
    finish: Finish
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of one instruction on m examples, in the order of the examples, which all trials of a run share.

    Parameters
    ----------
    scores
        Scores in [0, 1], shape (m,). An instruction that was dropped early has results on the first examples only.
    predictions
        The answers of the black box, shape (m,).
    usage
        The calls and tokens that the results took.
    incomplete
        The answers that are not complete, by position.
    outcomes
        What the answers amount to as a set, if the metric scores the set as a whole.
    remarks
        The remarks of the metric about the answers, shape (m,), "" for an answer without one; empty if it has none.

    Raises
    ------
    ValueError
        If the numbers of scores and predictions differ, or there are none, or remarks are missing.
    """

    scores: tuple[float, ...]
    predictions: tuple[str, ...]
    usage: Usage = field(default_factory=Usage)
    incomplete: tuple[Incomplete, ...] = ()
    outcomes: Outcomes | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not any(self.remarks):
            object.__setattr__(self, "remarks", ())
        elif len(self.remarks) != len(self.scores):
            raise ValueError(f"expected a remark for each of {len(self.scores)} scores, got {len(self.remarks)}")
        if len(self.scores) != len(self.predictions) or not self.scores:
            raise ValueError(
                f"expected as many scores as predictions and at least one, "
                f"got {len(self.scores)} and {len(self.predictions)}"
            )

    @property
    def mean(self) -> float:
        """The mean score over the examples: H(z) of the paper."""
        return sum(self.scores) / len(self.scores)

    @property
    def score(self) -> float:
        """The score of the instruction: that of its outcomes as a set if there are any, else the mean."""
        return self.mean if self.outcomes is None else self.outcomes.value

    def is_complete(self, examples: int) -> bool:
        """Return True if the instruction was scored on all ``examples``, so that it did not drop out of a race."""
        return len(self.scores) >= examples

    def __add__(self, more: Evaluation) -> Evaluation:
        """Return these results followed by ``more``, the results on the next examples."""
        before = len(self.scores)
        later = tuple(Incomplete(one.position + before, one.finish, one.reason) for one in more.incomplete)
        return Evaluation(
            self.scores + more.scores,
            self.predictions + more.predictions,
            self.usage + more.usage,
            self.incomplete + later,
            self.outcomes + more.outcomes if self.outcomes and more.outcomes else None,
            (self.remarks or ("",) * before) + (more.remarks or ("",) * len(more.scores)),
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated proposal. ``number`` counts the trials of a run and ``round`` the optimiser's batches, from 0."""

    number: int
    round: int
    proposal: Proposal
    writing: Writing
    evaluation: Evaluation

    @property
    def instruction(self) -> str:
        """The instruction that was evaluated."""
        return self.writing.instruction

    @property
    def candidate(self) -> Candidate:
        """The candidate that was evaluated."""
        return Candidate(self.proposal, self.writing)

    @property
    def score(self) -> float:
        """The score over the examples; see `Evaluation.score`."""
        return self.evaluation.score
