"""The values that flow through a run. All are frozen; tuples, not lists.

Notation: d intrinsic dimension of z, t soft tokens, h hidden size of the writer, m validation examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Example:
    """One input of a task with every accepted answer.

    >>> Example("cat", ("chat", "un chat")).outputs[0]
    'chat'
    """

    input: str
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.outputs:
            raise ValueError(f"expected at least one accepted answer for input {self.input!r}, got none")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat, as the OpenAI API has it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a black box.

    ``max_tokens`` bounds the answer; ``temperature`` 0 asks for the greedy answer. With ``answers``, a local model is
    asked how likely it finds the likeliest of them instead: the completion's text is a number in [0, 1]. ``seed`` tells
    samples of the same prompt at a temperature above 0 apart, where the model takes one.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 256
    temperature: float = 0.0
    answers: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a black box, with the tokens it was billed for."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked of the black box: calls, and tokens in and out. Adds up with ``+``."""

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
    """A text to be made from other texts, said in both ways that a model may understand.

    ``prompt`` asks for it in words, for a model that follows instructions; the answer holds the text between
    ``<prompt>`` and ``</prompt>``, or is the text. ``start`` are the first words of the new text (or none), for a
    writer that continues them under the soft prompt of the proposal. ``seed`` tells samples of one prompt apart.
    """

    prompt: str
    start: str
    seed: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A point z of the search space, shape (d,); ``None`` stands for the plain prompt without a soft prompt.

    With ``rewrite``, the text is made from others: by a model that is asked for it, or by the writer at z.
    """

    z: tuple[float, ...] | None
    rewrite: Rewrite | None = None

    @property
    def point(self) -> tuple[float, ...] | None:
        """z where it alone decides the text, whose score then says something about the points around; else None."""
        return self.z if self.rewrite is None else None


@dataclass(frozen=True, slots=True)
class Writing:
    """What the writer wrote for a proposal: the raw text, and the instruction that clean-up made of it."""

    raw: str
    instruction: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal and what was written for it, not yet paid for."""

    proposal: Proposal
    writing: Writing

    @property
    def instruction(self) -> str:
        return self.writing.instruction


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Aligned results: ``scores[i]`` in [0, 1] and ``predictions[i]`` belong to example i, in every trial of a run.

    An instruction that was dropped early has results on the first examples only.
    """

    scores: tuple[float, ...]
    predictions: tuple[str, ...]
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        if len(self.scores) != len(self.predictions) or not self.scores:
            raise ValueError(
                f"expected as many scores as predictions and at least one, "
                f"got {len(self.scores)} and {len(self.predictions)}"
            )

    @property
    def mean(self) -> float:
        """H(z) of the paper: the mean score over the examples."""
        return sum(self.scores) / len(self.scores)

    def __add__(self, more: Evaluation) -> Evaluation:
        """These results and those on the examples that follow."""
        return Evaluation(self.scores + more.scores, self.predictions + more.predictions, self.usage + more.usage)


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated proposal. ``number`` counts from 0 over the run, ``round`` over the optimiser's batches."""

    number: int
    round: int
    proposal: Proposal
    writing: Writing
    evaluation: Evaluation

    @property
    def instruction(self) -> str:
        return self.writing.instruction

    @property
    def score(self) -> float:
        return self.evaluation.mean
