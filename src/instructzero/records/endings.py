"""How the answers of a run ended: the counts of those that are not complete, and the examples that got none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from instructzero.records.history import History
from instructzero.tasks import Task
from instructzero.terminal import excerpt, printable, short
from instructzero.types import Evaluation, Example, Finish

_NOTICEABLE = 0.05
"""The share of all answers from which on answers of one kind that score 0 are worth a warning."""

_LOW = 0.25
"""The mean score of answers that were cut off, from which on the limit of tokens did little harm."""

_NAMED = 3
_SHOWN = 60  # characters of an input
_REASON = 160  # characters of a reason in a sentence

_WORDS = {
    Finish.EMPTY_AT_LIMIT: "empty because all tokens were used before",
    Finish.EMPTY: "empty",
    Finish.CUT: "cut off",
    Finish.FILTERED: "filtered",
    Finish.REFUSED: "refused by the model",
    Finish.FAILED: "not given",
}


@dataclass(frozen=True, slots=True)
class FailedExample:
    """An example that got no answer: its part of the data, its input, and the reason."""

    part: str
    input: str
    reason: str


@dataclass(frozen=True, slots=True)
class Endings:
    """The endings of the answers of a run, or of a part of it.

    Parameters
    ----------
    answers
        The number of answers.
    counts, zeros
        The numbers of answers by their ending, complete ones excepted: all of them, and those that score 0.
    cut_score, other_score
        The sum of the scores of the answers that were cut off, and of all other answers.
    failed
        The examples that the black box gave no answer at least once, with the reason that it gave first.
    answer_tokens
        The maximum tokens of an answer; 0 if it is not known.
    """

    answers: int = 0
    counts: Mapping[Finish, int] = field(default_factory=dict)
    zeros: Mapping[Finish, int] = field(default_factory=dict)
    cut_score: float = 0.0
    other_score: float = 0.0
    failed: tuple[FailedExample, ...] = ()
    answer_tokens: int = 0

    @classmethod
    def of(cls, parts: Mapping[str, tuple[Sequence[Evaluation], Sequence[Example]]], answer_tokens: int) -> Endings:
        """Count the answers of evaluations by part of the data; a part without examples names them by position."""
        counts, zeros, cut_score = Counter[Finish](), Counter[Finish](), 0.0
        failed: dict[tuple[str, int], FailedExample] = {}
        for part, (evaluations, examples) in parts.items():
            for evaluation in evaluations:
                for one in evaluation.incomplete:
                    score = evaluation.scores[one.position]
                    counts[one.finish] += 1
                    zeros[one.finish] += score == 0
                    cut_score += score if one.finish is Finish.CUT else 0.0
                    if one.reason:
                        text = examples[one.position].input if examples else f"example {one.position + 1}"
                        failed.setdefault((part, one.position), FailedExample(part, text, one.reason))
        every = [evaluation for evaluations, _ in parts.values() for evaluation in evaluations]
        total = sum(sum(evaluation.scores) for evaluation in every)
        number = sum(len(evaluation.scores) for evaluation in every)
        return cls(number, counts, zeros, cut_score, total - cut_score, tuple(failed.values()), answer_tokens)

    @property
    def incomplete(self) -> int:
        """The number of answers that are not complete."""
        return sum(count for kind, count in self.counts.items() if kind is not Finish.COMPLETE)

    def counted(self) -> str:
        """Return the counts in words, or "" if every answer is complete."""
        return ", ".join(f"{self.counts[kind]:,} {words}" for kind, words in _WORDS.items() if self.counts.get(kind))

    def summary(self) -> str:
        """Return a sentence with the counts, or "" if every answer is complete, or a warning has the only count."""
        if not self.incomplete or (len(self.counts) == 1 and any(self.by_kind())):
            return ""
        return f"Of {self.answers:,} answers, {self.incomplete:,} did not arrive whole: {self.counted()}."

    def warnings(self, *, hopeless: bool = False) -> list[str]:
        """Return a sentence with its remedy for every kind of answers that may have cost some of the score.

        If the score is 0 (``hopeless``), a single such answer is worth a sentence.
        """
        return [*self.by_kind(hopeless=hopeless), *self._failing()]

    def by_kind(self, *, hopeless: bool = False) -> Iterator[str]:
        """Yield the sentences of `warnings` about answers of a kind, without the examples that got none."""
        least = 1 if hopeless else max(1, _NOTICEABLE * self.answers)
        for kind, sentence in self._sentences().items():
            harmful = kind is not Finish.CUT or self._cutting_harms()
            if self.zeros.get(kind, 0) >= least and harmful:
                yield f"{self.counts[kind]:,} of {self.answers:,} answers {sentence}."

    def _sentences(self) -> dict[Finish, str]:
        tokens = f"{self.answer_tokens:,} tokens" if self.answer_tokens else "tokens"
        return {
            Finish.EMPTY_AT_LIMIT: f"were empty: the model used all {tokens} before it answered; raise --answer-tokens",
            Finish.CUT: f"were cut off at {tokens}, and {self.zeros.get(Finish.CUT, 0):,} of them score 0; raise "
            "--answer-tokens",
            Finish.EMPTY: "were empty although the model had tokens left, such as answers with thoughts alone; look at "
            "them with 'instructzero calls', and check the settings of the model",
            Finish.FILTERED: "were withheld by the content filter of the service; change the filter, or remove the "
            "examples that trigger it",
            Finish.REFUSED: "are refusals of the model; look at them with 'instructzero calls', and change the "
            "examples or the model",
        }

    def _cutting_harms(self) -> bool:
        """Return True if cut answers score so much lower than the others that the limit of tokens is a likely cause."""
        cut = self.counts.get(Finish.CUT, 0)
        if not cut:
            return False
        mean, others = self.cut_score / cut, self.answers - cut
        return mean < _LOW and (others < _NOTICEABLE * self.answers or mean < self.other_score / others / 2)

    def _failing(self) -> Iterator[str]:
        if not self.failed:
            return
        named = [
            f"“{excerpt(one.input, _SHOWN)}” ({printable(short(one.reason, _REASON))})" for one in self.failed[:_NAMED]
        ]
        more = len(self.failed) - len(named)
        rest = f", and {more:,} more that result.json names" if more else ""
        examples = "1 example" if len(self.failed) == 1 else f"{len(self.failed):,} examples"
        yield f"{examples} got no answer at least once, which scores 0: {', '.join(named)}{rest}."

    def to_dict(self) -> dict[str, Any]:
        """Return the counts by ending, and the examples that got no answer, as JSON values."""
        counts = {kind.value: self.counts.get(kind, 0) for kind in Finish if kind is not Finish.COMPLETE}
        complete = {"total": self.answers, Finish.COMPLETE.value: self.answers - self.incomplete}
        return {"answers": {**complete, **counts}, "failed_examples": [asdict(one) for one in self.failed]}


def endings_of(history: History, task: Task | None, answer_tokens: int) -> Endings:
    """Return the endings of all answers of a run so far, each counted once."""
    parts = {
        "validation": (list(history.known_evaluations().values()), task.validation if task else ()),
        "confirmation": (list(history.confirmations.values()), task.confirmation if task else ()),
        "test": (list(history.tests.values()), task.test if task else ()),
    }
    return Endings.of(parts, answer_tokens)
