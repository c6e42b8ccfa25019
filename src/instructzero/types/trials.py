"""What the search makes and scores: proposals, texts, candidates, evaluations and trials.

Notation: d intrinsic dimension of z, m examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from instructzero.types.answers import Finish, Usage

if TYPE_CHECKING:
    from instructzero.tasks.classification.objectives import Outcomes


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
    part, parts
        One request may ask for several texts: this order is for text number ``part`` of ``parts``, from 0. Orders that
        differ only in ``part`` are one request.
    """

    prompt: str
    start: str
    seed: int
    part: int = 0
    parts: int = 1

    @property
    def request(self) -> Rewrite:
        """The order for the first text of the same request, equal for all of its parts."""
        return replace(self, part=0)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A point z of the search space, shape (d,); ``None`` stands for the plain prompt without a soft prompt.

    With ``rewrite``, the text is made from other texts: by a model that follows instructions, or by the writer at z.
    With ``given``, it is an instruction of the user's, and nothing is written.
    """

    z: tuple[float, ...] | None
    rewrite: Rewrite | None = None
    given: str | None = None

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
